package fallback_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

func TestALongIsEnteredWhenBullish(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bullish)
	p := score(t, fallback.Config{}, in)
	d := p.Decision.Decisions[0]
	require.Equal(t, decision.ActionBuy, d.Action)
	require.Equal(t, "1875", d.AllocationUSD.String(), "5,000 x 0.5 x 0.75")
	require.Equal(t, "97", d.SLPrice.Decimal.String(), "2 x ATR is nearer than the strategy's 3 %")
	require.Equal(t, "107.5", d.TPPrice.Decimal.String())
	require.Equal(t, "70", d.Confidence.String())
	require.Equal(t, decision.RiskMedium, d.RiskLevel)
	require.Equal(t, "long at 100: trend bullish, RSI 55.10, volatility 2.31 %/day, 24h to the last close +0.00 %, risk score 40 of max 70; "+
		"stop 3.00 % at 97, take profit 7.50 % at 107.5; allocation 1875.00 USD: 50 % of the 5000.00 USD that position_size allows, x0.75 for volatility; "+
		"confidence 70: no input is missing", d.Rationale)
	require.Contains(t, d.ExitPlan, "Stop loss at 97 (3.00 %), take profit at 107.5")
	require.Equal(t, d.AllocationUSD, p.Decision.TotalAllocationUSD)
	require.Equal(t, decision.RiskMedium, p.Decision.PortfolioRiskLevel)
	require.NotEmpty(t, p.Decision.PortfolioRationale)
	require.Empty(t, p.Degraded)
	require.Len(t, p.Assessments, 1)
	require.Equal(t, "BTCUSDT", p.Assessments[0].Symbol)
	require.Equal(t, at, p.Assessments[0].AsOf)
	require.Equal(t, 40, p.Assessments[0].Long.Score)
	require.Equal(t, 70, p.Assessments[0].Short.Score)
}

func TestAShortIsEnteredWhenBearish(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bearish)
	d := decide(t, fallback.Config{}, in)
	require.Equal(t, decision.ActionSell, d.Action)
	require.Equal(t, "1500", d.AllocationUSD.String(), "4,000 x 0.5 x 0.75")
	require.Equal(t, "103", d.SLPrice.Decimal.String())
	require.Equal(t, "92.5", d.TPPrice.Decimal.String())
	require.True(t, strings.HasPrefix(d.Rationale, "short at 100: trend bearish"), d.Rationale)
}

func TestWhatKeepsFromEntering(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	with := func(base readings, change func(*readings)) readings { change(&base); return base }
	for name, c := range map[string]struct {
		r      readings
		config fallback.Config
		change func(*decision.Input)
		why    string
	}{
		"a neutral trend":              {r: readings{50, 2, 1, 95, 105}, why: "needs a bullish or bearish trend and RSI"},
		"a price on the cloud's edge":  {r: readings{50, 2, 1, 95, 100}, why: "needs a bullish or bearish trend"},
		"no trend":                     {r: with(bullish, func(r *readings) { r.spanA = nan }), why: "needs a bullish or bearish trend"},
		"an infinite span":             {r: with(bullish, func(r *readings) { r.spanB = math.Inf(-1) }), why: "needs a bullish or bearish trend"},
		"no RSI":                       {r: with(bullish, func(r *readings) { r.rsi = nan }), why: "trend and RSI"},
		"an RSI that is none":          {r: with(bullish, func(r *readings) { r.rsi = 101 }), why: "trend and RSI"},
		"RSI 70 for a long":            {r: with(bullish, func(r *readings) { r.rsi = 70 }), why: "a long needs RSI below 70"},
		"RSI 30 for a short":           {r: with(bearish, func(r *readings) { r.rsi = 30 }), why: "a short needs RSI above 30"},
		"no ATR":                       {r: with(bullish, func(r *readings) { r.atr = nan }), why: "ATR is unknown"},
		"fewer than two usable inputs": {r: readings{nan, nan, 1, nan, nan}, why: "1 of 4 inputs are known, an entry needs 2"},
		"a score at the maximum":       {r: bullish, config: fallback.Config{MaxRiskScore: new(40)}, why: "the risk score of a long is 40, an entry needs less than 40"},
		"a maximum of zero":            {r: bullish, config: fallback.Config{MaxRiskScore: new(0)}, why: "needs less than 0"},
		"too little confidence":        {r: bullish, config: fallback.Config{MinConfidence: null("70.1")}, why: "confidence is 70, an entry needs 70.1"},
		"the strategy's confidence":    {r: bullish, change: func(in *decision.Input) { in.Strategy.Risk.MinConfidence = null("80") }, why: "confidence is 70, an entry needs 80"},
		"two missing inputs": {
			r: with(bullish, func(r *readings) { r.volatility = nan }), why: "confidence is 30, an entry needs 50",
			change: func(in *decision.Input) { shorten(in, "BTCUSDT", 10) },
		},
		"protect only":              {r: bullish, config: fallback.Config{ProtectOnly: true}, why: "protect only"},
		"no room":                   {r: bullish, change: func(in *decision.Input) { in.Envelope.Assets[0].MaxLongUSD = decimal.Zero }, why: "hold: no room for a long: the position_size limit binds"},
		"no room for a short":       {r: bearish, change: func(in *decision.Input) { in.Envelope.Assets[0].MaxShortUSD = decimal.Zero }, why: "hold: no room for a short: the exposure limit binds"},
		"an action not allowed":     {r: bullish, change: func(in *decision.Input) { in.Envelope.Assets[0].Actions = []decision.Action{decision.ActionSell} }, why: "no room for a long"},
		"no envelope":               {r: bullish, change: func(in *decision.Input) { in.Envelope.Assets = nil }, why: "hold: no room for a long: buy is not allowed"},
		"a stop beyond liquidation": {r: bullish, change: func(in *decision.Input) { in.Envelope.Assets[0].MaxStopPercent = null("1") }, why: "liquidation comes first at 1.00 %"},
		"no loss allowed":           {r: bullish, change: func(in *decision.Input) { in.Envelope.Assets[0].MaxLossUSD = decimal.Zero }, why: "an allocation of 0 USD is below the smallest order, 0.01 USD"},
		"no new position":           {r: bullish, change: func(in *decision.Input) { in.Envelope.NewPositions = 0 }, why: "0 of 1 candidates may be entered"},
		"nothing left for all":      {r: bullish, change: func(in *decision.Input) { in.Envelope.TotalUSD = decimal.Zero }, why: "after fitting 1875 USD into 0 USD"},
		"a stop below zero":         {r: with(bullish, func(r *readings) { r.atr = 60 }), change: func(in *decision.Input) { in.Strategy.Risk.StopLossPercentage = dec("100") }, why: "no stop and target around 100: stop 0"},
		"a target below zero":       {r: bearish, change: func(in *decision.Input) { in.Strategy.Risk.TakeProfitRatio = dec("34") }, why: "target -2"},
		"a tick above the price":    {r: bullish, change: func(in *decision.Input) { in.Market.Assets["BTCUSDT"].Instrument.TickSize = null("1000") }, why: "stop 0"},
		"the exchange's smallest notional": {
			r: bullish, why: "an allocation of 1875 USD is below the smallest order, 1875.01 USD",
			change: func(in *decision.Input) { in.Market.Assets["BTCUSDT"].Instrument.MinNotionalUSD = null("1875.01") },
		},
		"the exchange's smallest quantity": {
			r: bullish, why: "below the smallest order, 1900 USD",
			change: func(in *decision.Input) { in.Market.Assets["BTCUSDT"].Instrument.MinQuantity = null("19") },
		},
		"the exchange's lot": {
			r: bullish, why: "below the smallest order, 2000 USD",
			change: func(in *decision.Input) { in.Market.Assets["BTCUSDT"].Instrument.LotSize = null("20") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInput(t)
			add(t, &in, "BTCUSDT", c.r)
			if c.change != nil {
				c.change(&in)
			}
			p := score(t, c.config, in)
			requireHold(t, p.Decision.Decisions[0], c.why)
			require.True(t, p.Decision.TotalAllocationUSD.IsZero())
			require.Len(t, p.Assessments, 1)
		})
	}
}

// shorten leaves the newest candles, so that none closed 24 h ago.
func shorten(in *decision.Input, symbol string, n int) {
	asset := in.Market.Assets[symbol]
	asset.Series = map[marketdata.Interval]marketdata.Series{in.Interval: asset.Series[in.Interval].Tail(n)}
	in.Market.Assets[symbol] = asset
}

func TestThe24hChangeIsTrue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		interval marketdata.Interval
		closes   []string
		want     string
	}{
		"24 candles of 1 h": {marketdata.Interval1h, append(append([]string{"500", "94"}, flat("7", 23)...), "100"), "6.38"},
		"6 candles of 4 h":  {marketdata.Interval4h, append(append([]string{"500", "106.4"}, flat("7", 5)...), "100"), "-6.02"},
		"1 candle of a day": {marketdata.Interval1d, []string{"500", "80", "100"}, "25.00"},
		"one candle short":  {marketdata.Interval1h, append(flat("94", 23), "100"), ""},
		"longer than a day": {marketdata.Interval3d, []string{"94", "94", "100"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInput(t)
			in.Interval = c.interval
			addSeries(&in, "BTCUSDT", candles(t, c.interval, "1", c.closes...), bullish)
			a := score(t, fallback.Config{}, in).Assessments[0]
			require.Equal(t, c.want, string(a.Long.Contributions.PriceChange.Input))
			require.Equal(t, c.want == "", len(a.Degraded) > 0 && a.Degraded[0] == "price_change")
		})
	}
}

func TestAnAssetWithoutDataIsHeldAndSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*decision.Input)
		why    string
	}{
		"a failure": {func(in *decision.Input) {
			delete(in.Market.Assets, "BTCUSDT")
			in.Market.Failures["BTCUSDT"] = marketdata.Failure{Symbol: "BTCUSDT", Reason: marketdata.ReasonStale, Detail: "last price 61 s old"}
		}, "hold: no market data: stale: last price 61 s old"},
		"a long detail": {func(in *decision.Input) {
			delete(in.Market.Assets, "BTCUSDT")
			in.Market.Failures["BTCUSDT"] = marketdata.Failure{Reason: marketdata.ReasonGap, Detail: strings.Repeat("x", 5000)}
		}, "gap: xxx"},
		"not in the snapshot":       {func(in *decision.Input) { delete(in.Market.Assets, "BTCUSDT") }, "not in the snapshot"},
		"no candles":                {func(in *decision.Input) { shorten(in, "BTCUSDT", 0) }, "no closed candles of 1h"},
		"candles of another length": {func(in *decision.Input) { in.Interval = marketdata.Interval2h }, "no closed candles of 2h"},
		"no price":                  {func(in *decision.Input) { setLast(in, decimal.Zero) }, "the last price is not a usable number"},
		"an absurd price":           {func(in *decision.Input) { setLast(in, decimal.New(1, math.MaxInt32)) }, "the last price is not a usable number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInput(t)
			add(t, &in, "BTCUSDT", bullish)
			hold(&in, "BTCUSDT", decision.Short, null(""))
			c.change(&in)
			p := score(t, fallback.Config{}, in)
			requireHold(t, p.Decision.Decisions[0], c.why)
			require.Less(t, len(p.Decision.Decisions[0].Rationale), 300)
			require.Equal(t, decision.RiskHigh, p.Decision.Decisions[0].RiskLevel)
			require.Empty(t, p.Assessments)
		})
	}
}

func setLast(in *decision.Input, price decimal.Decimal) {
	asset := in.Market.Assets["BTCUSDT"]
	asset.Quote.Last = price
	in.Market.Assets["BTCUSDT"] = asset
}

func TestRiskLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		volatility float64
		points     int
		want       decision.RiskLevel
	}{{2, 39, decision.RiskLow}, {2, 40, decision.RiskMedium}, {2, 69, decision.RiskMedium}, {2, 70, decision.RiskHigh}} {
		in := newInput(t)
		add(t, &in, "BTCUSDT", bullish)
		p := score(t, fallback.Config{Points: &fallback.Points{Base: c.points}, MaxRiskScore: new(100)}, in)
		require.Equal(t, c.want, p.Decision.Decisions[0].RiskLevel)
		require.Equal(t, c.want, p.Decision.PortfolioRiskLevel)
	}
}

func TestMissingInputsCostConfidenceAndAreListed(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	r := bullish
	r.volatility = math.NaN()
	add(t, &in, "BTCUSDT", r)
	p := score(t, fallback.Config{}, in)
	require.Equal(t, decision.ActionBuy, p.Decision.Decisions[0].Action)
	require.Equal(t, "50", p.Decision.Decisions[0].Confidence.String())
	require.Contains(t, p.Decision.Decisions[0].Rationale, "volatility unknown")
	require.Contains(t, p.Decision.Decisions[0].Rationale, "allocation 625.00 USD: 50 % of the 5000.00 USD that position_size allows, x0.25 for unknown volatility")
	require.Contains(t, p.Decision.Decisions[0].Rationale, "; confidence 50: 70 less 20 for each missing input (volatility)")
	require.Equal(t, []string{"BTCUSDT: volatility could not be measured"}, p.Degraded)
	require.Equal(t, []string{"volatility"}, p.Assessments[0].Degraded)

	p = score(t, fallback.Config{Confidence: &fallback.Confidence{Base: dec("60"), PerMissing: dec("90")}, MinConfidence: null("0")}, in)
	require.Equal(t, decision.ActionBuy, p.Decision.Decisions[0].Action, "a minimum of zero can be configured")
	require.True(t, p.Decision.Decisions[0].Confidence.IsZero(), "confidence does not go below zero")
}

func TestIndicatorsOfAnotherCandleAreNotUsed(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bullish)
	stale := in.Indicators["BTCUSDT"][in.Interval]
	stale.CloseTime = at.Add(in.Interval.Duration())
	in.Indicators["BTCUSDT"][in.Interval] = stale
	p := score(t, fallback.Config{}, in)
	require.Equal(t, []string{"trend"}, p.Assessments[0].Degraded, "30 candles are too few for a cloud, enough for the others")
	require.NotEqual(t, "55.10", p.Assessments[0].Long.Contributions.RSI.Input)

	provider := provide(func(marketdata.Snapshot) indicator.Values {
		return indicator.Values{Sets: map[string]map[marketdata.Interval]indicator.Set{"BTCUSDT": {in.Interval: stale}}}
	})
	p = score(t, fallback.Config{Indicators: provider}, in)
	require.Equal(t, "BTCUSDT: the indicators could not be computed: no values for the candle that closed 2026-03-01T12:00:00Z", p.Degraded[0])
}

func provide(f func(marketdata.Snapshot) indicator.Values) decision.Indicators {
	return indicator.ProviderFunc(func(_ context.Context, m marketdata.Snapshot) (indicator.Values, error) { return f(m), nil })
}

func TestTheProviderSeesOnlyTheScoredInterval(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bearish)
	add(t, &in, "ETHUSDT", bearish)
	in.Symbols = append(in.Symbols, "GONEUSDT")
	in.Market.Assets["BTCUSDT"].Series[in.LongInterval] = candles(t, in.LongInterval, "1", "100")
	in.Market.Assets["OTHERUSDT"] = in.Market.Assets["BTCUSDT"]
	provider := provide(func(m marketdata.Snapshot) indicator.Values {
		require.Len(t, m.Assets, 2)
		require.Len(t, m.Assets["BTCUSDT"].Series, 1)
		return indicator.Values{
			Sets:     map[string]map[marketdata.Interval]indicator.Set{"BTCUSDT": {in.Interval: bullish.set(m.Assets["BTCUSDT"].Series[in.Interval])}},
			Failures: map[string]error{"ETHUSDT": errors.New("too hot")},
		}
	})
	p := score(t, fallback.Config{Indicators: provider}, in)
	require.Equal(t, []decision.Action{decision.ActionBuy, decision.ActionHold, decision.ActionHold}, actions(p), "the provider's values win over those of Input")
	require.Equal(t, []string{
		"ETHUSDT: the indicators could not be computed: too hot", "ETHUSDT: RSI could not be measured",
		"ETHUSDT: volatility could not be measured", "ETHUSDT: trend could not be measured",
	}, p.Degraded)
	require.Len(t, in.Market.Assets["BTCUSDT"].Series, 2, "Input is read-only")
}

func TestScoreErrors(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bullish)

	_, err := fallback.New(fallback.Config{MaxRiskScore: new(101)}).Score(t.Context(), in)
	require.EqualError(t, err, "fallback: MaxRiskScore must be between 0 and 100, was 101")

	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	_, err = fallback.New(fallback.Config{}).Score(ctx, in)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	broken := indicator.ProviderFunc(func(context.Context, marketdata.Snapshot) (indicator.Values, error) {
		return indicator.Values{}, context.Canceled
	})
	_, err = fallback.New(fallback.Config{Indicators: broken}).Score(t.Context(), in)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "fallback: indicators")
}

func TestAScorerDoesNotFollowItsConfig(t *testing.T) {
	t.Parallel()
	in := newInput(t)
	add(t, &in, "BTCUSDT", bullish)
	sizing := fallback.DefaultSizing()
	s := fallback.New(fallback.Config{Sizing: &sizing})
	sizing.EnvelopeShare, sizing.Steps[1].Multiplier = decimal.Zero, decimal.Zero
	p, err := s.Score(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "1875", p.Decision.TotalAllocationUSD.String())
}
