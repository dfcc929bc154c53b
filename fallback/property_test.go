package fallback_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// dice draws an input from one seed, so that every part is drawn evenly; rapid
// favours small values, and proposals that only hold prove little.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 7))} }

func roll(t *rapid.T) dice { return newDice(rapid.Uint64().Draw(t, "seed")) }

func (d dice) amount(low, high int64, exponent int32) decimal.Decimal {
	return decimal.New(low+d.Int64N(high-low+1), exponent)
}

func pick[T any](d dice, values ...T) T { return values[d.IntN(len(values))] }

// series is a random walk, drifting or constant, at any scale of price.
func (d dice) series(t require.TestingT, interval marketdata.Interval) marketdata.Series {
	n, exponent := pick(d, 1, 2, 15, 25, 79, 120, 120, 250, 250, 250), int32(d.IntN(25)-18)
	drift, noise, price := d.Int64N(61)-30, pick(d, int64(0), 5, 100, 200, 400, 800), int64(20_000)
	out := make([]marketdata.Candle, n)
	for i := range out {
		next := max(price+drift+d.Int64N(2*noise+1)-noise, 1)
		out[i] = marketdata.Candle{
			OpenTime: interval.Floor(at).Add(time.Duration(i-n) * interval.Duration()),
			Open:     decimal.New(price, exponent), Close: decimal.New(next, exponent),
			High: decimal.New(max(price, next)+noise/4, exponent), Low: decimal.New(max(min(price, next)-noise/4, 1), exponent),
		}
		price = next
	}
	s, err := marketdata.NewSeries(interval, out)
	require.NoError(t, err)
	return s
}

// readings are indicators that need not fit the candles, some of them not
// numbers.
func (d dice) readings(t require.TestingT, price decimal.Decimal) readings {
	near, err := strconv.ParseFloat(price.String(), 64)
	require.NoError(t, err)
	of := func(values ...float64) float64 {
		if d.IntN(25) == 0 {
			return pick(d, math.NaN(), math.Inf(1), -1, 0, 1e300)
		}
		return pick(d, values...)
	}
	side := pick(d, 0.9, 1.1)
	return readings{
		rsi: of(50, 30.1, 69.9, 30, 70, 5, 95), volatility: of(2, 1.4, 3.1, 7),
		atr: near * of(0.01, 0.001, 0.1, 0.6), spanA: near * of(side, side, side, 1), spanB: near * of(side, 1.01*side),
	}
}

func (d dice) addAsset(t require.TestingT, in *decision.Input, symbol string) {
	s := d.series(t, in.Interval)
	last, _ := s.Last()
	asset := marketdata.Asset{Symbol: symbol, Series: map[marketdata.Interval]marketdata.Series{in.Interval: s}}
	asset.Quote = marketdata.Quote{Last: last.Close.Mul(d.amount(90, 110, -2)), LastAt: at}
	if d.IntN(2) == 0 {
		asset.Instrument = &marketdata.Instrument{Symbol: symbol, TickSize: decimal.NewNullDecimal(last.Close.Mul(d.amount(1, 2000, -5)))}
		if d.IntN(2) == 0 {
			asset.Instrument.MinNotionalUSD = decimal.NewNullDecimal(d.amount(0, 100_00, -2))
		}
	}
	in.Symbols = append(in.Symbols, symbol)
	in.Market.Assets[symbol] = asset
	switch d.IntN(4) {
	case 0, 3:
		in.Indicators[symbol] = map[marketdata.Interval]indicator.Set{in.Interval: d.readings(t, last.Close).set(s)}
	case 1:
		set, err := indicator.Compute(s)
		require.NoError(t, err)
		in.Indicators[symbol] = map[marketdata.Interval]indicator.Set{in.Interval: set.Tail(decision.IndicatorDepth)}
	default: // the Scorer computes them
	}
	in.Envelope.Assets = append(in.Envelope.Assets, decision.AssetEnvelope{
		Asset: symbol, Actions: decision.Actions(), MaxLongUSD: d.amount(-100, pick(d, int64(100), 10_000_00, 10_000_00, 10_000_00), -2),
		MaxShortUSD: d.amount(-100, pick(d, int64(100), 10_000_00, 10_000_00, 10_000_00), -2), MaxLossUSD: d.amount(0, pick(d, int64(100), 500_00, 500_00, 500_00), -2),
	})
	switch d.IntN(5) {
	case 0:
		hold(in, symbol, decision.Long, decimal.NullDecimal{})
	case 1:
		hold(in, symbol, decision.Short, decimal.NewNullDecimal(last.Close.Mul(d.amount(90, 130, -2))))
	default: // no position
	}
}

func (d dice) input(t require.TestingT, base decision.Input) decision.Input {
	base.Interval = pick(d, marketdata.Interval5m, marketdata.Interval1h, marketdata.Interval1d, marketdata.Interval1w)
	base.Strategy.Risk.StopLossPercentage = d.amount(1, pick(d, int64(500), 500, 500, 9900), -2)
	base.Strategy.Risk.TakeProfitRatio = d.amount(1, 400, -2)
	base.Market = marketdata.Snapshot{At: at, Assets: map[string]marketdata.Asset{}}
	base.Indicators = map[string]map[marketdata.Interval]indicator.Set{}
	base.Envelope = decision.Envelope{TotalUSD: d.amount(-1, pick(d, int64(100), 1000_00, 1000_00, 8_000_00, 8_000_00), -2), NewPositions: pick(d, -1, 0, 1, 1, 2, 2, 3, 4)}
	for i := range 1 + d.IntN(4) {
		d.addAsset(t, &base, fmt.Sprintf("A%dUSDT", i))
	}
	return base
}

func (d dice) config() fallback.Config {
	sizing := fallback.DefaultSizing()
	sizing.EnvelopeShare = pick(d, dec("0"), dec("0.01"), dec("0.5"), dec("0.5"), dec("1"), dec("1"))
	return fallback.Config{
		Sizing: &sizing, MaxRiskScore: pick(d, new(0), new(40), new(70), new(70), new(100), new(100)),
		MinConfidence: pick(d, null("0"), null("0"), null("50"), null("50"), null("75")),
	}
}

func TestProposalsStayWithinTheEnvelope(t *testing.T) {
	t.Parallel()
	base := newInput(t)
	rapid.Check(t, func(t *rapid.T) {
		d := roll(t)
		in := d.input(t, base)
		p, err := fallback.New(d.config()).Score(t.Context(), in)
		require.NoError(t, err)
		require.Len(t, p.Decision.Decisions, len(in.Symbols))
		sum, opened := decimal.Zero, 0
		for i, d := range p.Decision.Decisions {
			require.Equal(t, in.Symbols[i], d.Asset)
			require.NotEmpty(t, d.Rationale)
			require.True(t, d.RiskLevel.Valid())
			sum = sum.Add(d.AllocationUSD)
			switch d.Action {
			case decision.ActionBuy, decision.ActionSell:
				opened++
				requireEntry(t, in, d)
			case decision.ActionAdjustOrders:
				requireTighter(t, in, d)
			default:
				require.Equal(t, decision.ActionHold, d.Action)
				require.True(t, d.AllocationUSD.IsZero())
			}
		}
		require.True(t, sum.Equal(p.Decision.TotalAllocationUSD))
		require.LessOrEqual(t, opened, max(in.Envelope.NewPositions, 0))
		require.True(t, opened == 0 || sum.LessThanOrEqual(in.Envelope.TotalUSD))
	})
}

func requireEntry(t *rapid.T, in decision.Input, d decision.AssetDecision) {
	room, ok := in.Envelope.Asset(d.Asset)
	require.True(t, ok)
	_, open := in.Account.Position(d.Asset)
	require.False(t, open)
	last, stop, target, most := in.Market.Assets[d.Asset].Quote.Last, d.SLPrice.Decimal, d.TPPrice.Decimal, room.MaxLongUSD
	if d.Action == decision.ActionSell {
		stop, target, most = target, stop, room.MaxShortUSD
	}
	require.True(t, stop.IsPositive() && stop.LessThan(last) && target.GreaterThan(last), "%s < %s < %s", stop, last, target)
	require.True(t, d.AllocationUSD.IsPositive() && d.AllocationUSD.LessThanOrEqual(most))
	require.True(t, d.AllocationUSD.Equal(d.AllocationUSD.RoundDown(2)), "cents")

	risk, hundred := in.Strategy.Risk, decimal.New(100, 0)
	distance, gain := last.Sub(d.SLPrice.Decimal).Abs(), last.Sub(d.TPPrice.Decimal).Abs()
	require.True(t, distance.Mul(hundred).GreaterThanOrEqual(last.Mul(risk.StopLossPercentage)), "stop distance")
	require.True(t, gain.GreaterThanOrEqual(distance.Mul(risk.TakeProfitRatio)), "reward")
	require.True(t, d.AllocationUSD.Mul(distance).LessThanOrEqual(room.MaxLossUSD.Mul(last)), "loss at the stop")
	require.NotEmpty(t, d.ExitPlan)
	if i := in.Market.Assets[d.Asset].Instrument; i != nil {
		for _, price := range []decimal.Decimal{d.SLPrice.Decimal, d.TPPrice.Decimal} {
			_, rest := price.QuoRem(i.TickSize.Decimal, 0)
			require.True(t, rest.IsZero(), "%s is a multiple of %s", price, i.TickSize.Decimal)
		}
		require.True(t, d.AllocationUSD.GreaterThanOrEqual(i.MinNotionalUSD.Decimal))
	}
}

func requireTighter(t *rapid.T, in decision.Input, d decision.AssetDecision) {
	position, ok := in.Account.Position(d.Asset)
	require.True(t, ok)
	stop, last := d.OrderAdjustment.NewSLPrice.Decimal, in.Market.Assets[d.Asset].Quote.Last
	require.True(t, stop.IsPositive())
	if position.Side == decision.Long {
		require.True(t, stop.LessThan(last))
		require.True(t, !position.SLPrice.Valid || stop.GreaterThan(position.SLPrice.Decimal))
		return
	}
	require.True(t, stop.GreaterThan(last))
	require.True(t, !position.SLPrice.Valid || stop.LessThan(position.SLPrice.Decimal))
}

// The properties say nothing unless the drawn inputs lead to every action.
func TestDrawnInputsLeadToEveryAction(t *testing.T) {
	t.Parallel()
	base := newInput(t)
	count := map[decision.Action]int{}
	for seed := range uint64(300) {
		d := newDice(seed)
		in := d.input(t, base)
		for _, action := range actions(score(t, d.config(), in)) {
			count[action]++
		}
	}
	require.Greater(t, count[decision.ActionBuy], 10)
	require.Greater(t, count[decision.ActionSell], 10)
	require.Greater(t, count[decision.ActionAdjustOrders], 10)
	require.Greater(t, count[decision.ActionHold], 100)
}

// What the rules leave room for, they let through.
func TestTheGateRefusesNothingThatIsProposed(t *testing.T) {
	t.Parallel()
	base := newInput(t)
	rules := decision.DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		d := roll(t)
		in := d.input(t, base)
		in.Strategy.MaxPositions = 1 + d.IntN(5)
		in.Account.AvailableUSD = d.amount(0, 10_000_00, -2)
		in.Account.Leverage = d.amount(1, 2, 0)
		in.Envelope = rules.Envelope(in)
		p, err := fallback.New(d.config()).Score(t.Context(), in)
		require.NoError(t, err)
		require.Empty(t, rules.Gate(in, p).Refused)
	})
}

func TestTheOrderOfSymbolsDoesNotMatter(t *testing.T) {
	t.Parallel()
	base := newInput(t)
	rapid.Check(t, func(t *rapid.T) {
		d := roll(t)
		in, c := d.input(t, base), d.config()
		first, err := fallback.New(c).Score(t.Context(), in)
		require.NoError(t, err)
		in.Symbols = rapid.Permutation(in.Symbols).Draw(t, "order")
		second, err := fallback.New(c).Score(t.Context(), in)
		require.NoError(t, err)
		byAsset := func(p decision.Proposal) []decision.AssetDecision {
			return slices.SortedFunc(slices.Values(p.Decision.Decisions), func(a, b decision.AssetDecision) int { return slices.Compare([]string{a.Asset}, []string{b.Asset}) })
		}
		require.Equal(t, byAsset(first), byAsset(second))
		require.Equal(t, first.Decision.TotalAllocationUSD.String(), second.Decision.TotalAllocationUSD.String())
		require.Equal(t, first.Decision.PortfolioRiskLevel, second.Decision.PortfolioRiskLevel)
	})
}

func TestScoresAreMirroredAndBounded(t *testing.T) {
	t.Parallel()
	trends := []fallback.Trend{"", fallback.Bullish, fallback.Bearish, fallback.Neutral}
	rapid.Check(t, func(t *rapid.T) {
		f := fallback.Factors{Trend: rapid.SampledFrom(trends).Draw(t, "trend")}
		for name, out := range map[string]*decimal.NullDecimal{"rsi": &f.RSI, "volatility": &f.VolatilityPercent} {
			if rapid.Bool().Draw(t, name+" known") {
				*out = decimal.NewNullDecimal(decimal.New(rapid.Int64Range(0, 1000).Draw(t, name), -1))
			}
		}
		f.ChangePercent = decimal.NewNullDecimal(decimal.New(rapid.Int64Range(-100, 100).Draw(t, "change"), -1))
		a, m := fallback.Config{}.Assess(f), fallback.Config{}.Assess(mirrored(f))
		require.Equal(t, a.Long.Raw, m.Short.Raw)
		require.Equal(t, a.Short.Score, m.Long.Score)
		c := a.Long.Contributions
		require.Equal(t, a.Long.Base+c.RSI.Points+c.Volatility.Points+c.Trend.Points+c.PriceChange.Points, a.Long.Raw)
		require.GreaterOrEqual(t, a.Long.Score, 0)
		require.LessOrEqual(t, a.Long.Score, 100)
	})
}
