package fallback_test

import (
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// at is when every test decides: the close of a candle.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// candles makes a series that closes at `at` from its closes; lows and highs
// are `width` away.
func candles(tb testing.TB, interval marketdata.Interval, width string, closes ...string) marketdata.Series {
	tb.Helper()
	out := make([]marketdata.Candle, len(closes))
	for i, c := range closes {
		price := dec(c)
		out[i] = marketdata.Candle{
			OpenTime: interval.Floor(at).Add(time.Duration(i-len(closes)) * interval.Duration()),
			Open:     price, Close: price, High: price.Add(dec(width)), Low: price.Sub(dec(width)), Volume: dec("1"), QuoteVolume: price,
		}
	}
	s, err := marketdata.NewSeries(interval, out)
	require.NoError(tb, err)
	return s
}

// flat is n equal closes.
func flat(price string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = price
	}
	return out
}

// readings are the newest indicator values of an asset; NaN is missing.
type readings struct{ rsi, volatility, atr, spanA, spanB float64 }

var (
	bullish = readings{rsi: 55.1, volatility: 2.31, atr: 1, spanA: 95, spanB: 96}
	bearish = readings{rsi: 44.9, volatility: 2.31, atr: 1, spanA: 104, spanB: 105}
)

func (r readings) set(s marketdata.Series) indicator.Set {
	return indicator.Set{
		Interval: s.Interval(), CloseTime: s.CloseTime(), RSI14: indicator.Line{math.NaN(), r.rsi}, VolatilityPercent: indicator.Line{r.volatility},
		ATR14: indicator.Line{r.atr}, SpanA: indicator.Line{r.spanA}, SpanB: indicator.Line{r.spanB},
	}
}

// newInput is an account of 10,000 USD without positions and no assets.
func newInput(tb testing.TB) decision.Input {
	tb.Helper()
	strategy, err := decision.LoadStrategy(decision.DefaultStrategy)
	require.NoError(tb, err)
	return decision.Input{
		At: at, Interval: marketdata.Interval1h, LongInterval: marketdata.Interval4h, Strategy: strategy,
		Account: decision.Account{
			ID: "a", BalanceUSD: dec("10000"), AvailableUSD: dec("10000"), Leverage: dec("2"), MaxPositionSizeUSD: dec("5000"),
		},
		Market:     marketdata.Snapshot{At: at, Assets: map[string]marketdata.Asset{}, Failures: map[string]marketdata.Failure{}},
		Indicators: map[string]map[marketdata.Interval]indicator.Set{},
		Envelope:   decision.Envelope{TotalUSD: dec("20000"), NewPositions: 3},
	}
}

// add gives the input an asset at a price of 100 whose lows of 90 and highs of
// 110 are far away, with room for 5,000 USD and a loss of 200 USD.
func add(tb testing.TB, in *decision.Input, symbol string, r readings) {
	tb.Helper()
	addSeries(in, symbol, candles(tb, in.Interval, "10", flat("100", 30)...), r)
}

func addSeries(in *decision.Input, symbol string, s marketdata.Series, r readings) {
	last, _ := s.Last()
	in.Symbols = append(in.Symbols, symbol)
	in.Market.Assets[symbol] = marketdata.Asset{
		Symbol: symbol, Quote: marketdata.Quote{Last: last.Close, LastAt: at},
		Instrument: &marketdata.Instrument{Symbol: symbol, TickSize: null("0.01")},
		Series:     map[marketdata.Interval]marketdata.Series{in.Interval: s},
	}
	in.Indicators[symbol] = map[marketdata.Interval]indicator.Set{in.Interval: r.set(s)}
	in.Envelope.Assets = append(in.Envelope.Assets, decision.AssetEnvelope{
		Asset: symbol, Actions: []decision.Action{decision.ActionHold, decision.ActionBuy, decision.ActionSell},
		MaxLongUSD: dec("5000"), MaxShortUSD: dec("4000"), LongLimit: "position_size", ShortLimit: "exposure",
		StopPercent: in.Strategy.Risk.StopLossPercentage, MaxLossUSD: dec("200"),
	})
}

func hold(in *decision.Input, symbol string, side decision.Side, stop decimal.NullDecimal) {
	in.Account.Positions = append(in.Account.Positions, decision.Position{
		Symbol: symbol, Side: side, Quantity: dec("1"), EntryPrice: dec("100"), MarkPrice: dec("100"), Leverage: dec("2"), SLPrice: stop,
	})
}

func score(tb testing.TB, c fallback.Config, in decision.Input) decision.Proposal {
	tb.Helper()
	p, err := fallback.New(c).Score(tb.Context(), in)
	require.NoError(tb, err)
	require.Len(tb, p.Decision.Decisions, len(in.Symbols))
	return p
}

// decide is the decision on the only asset.
func decide(tb testing.TB, c fallback.Config, in decision.Input) decision.AssetDecision {
	tb.Helper()
	require.Len(tb, in.Symbols, 1)
	return score(tb, c, in).Decision.Decisions[0]
}

// requireHold checks a hold and why.
func requireHold(t *testing.T, d decision.AssetDecision, why string) {
	t.Helper()
	require.Equal(t, decision.ActionHold, d.Action, d.Rationale)
	require.Contains(t, d.Rationale, why)
	require.True(t, d.AllocationUSD.IsZero())
	require.True(t, d.RiskLevel.Valid())
}
