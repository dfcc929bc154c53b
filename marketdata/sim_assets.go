package marketdata

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/shopspring/decimal"
)

// SimAssets is the default set: ten USDT perpetuals with round prices, tick
// and lot sizes of the usual order. Change a copy to pin regimes.
func SimAssets() []SimAsset {
	rows := [...]struct {
		symbol                               string
		price, tick, lot, volume, volatility string
	}{
		{"BTCUSDT", "100000", "0.1", "0.001", "150000", "2.4"},
		{"ETHUSDT", "3500", "0.01", "0.001", "3500000", "3.2"},
		{"SOLUSDT", "180", "0.01", "0.01", "18000000", "3.8"},
		{"BNBUSDT", "750", "0.01", "0.01", "900000", "2.6"},
		{"XRPUSDT", "2.5", "0.0001", "0.1", "400000000", "3.5"},
		{"DOGEUSDT", "0.2", "0.00001", "1", "4000000000", "4"},
		{"ADAUSDT", "0.7", "0.0001", "1", "500000000", "3.8"},
		{"AVAXUSDT", "25", "0.001", "1", "12000000", "4"},
		{"LINKUSDT", "18", "0.001", "0.01", "15000000", "3.7"},
		{"LTCUSDT", "100", "0.01", "0.001", "3000000", "3.3"},
	}
	assets := make([]SimAsset, len(rows))
	for i, r := range rows {
		assets[i] = SimAsset{
			Symbol: r.symbol, Price: decimal.RequireFromString(r.price),
			TickSize: decimal.RequireFromString(r.tick), LotSize: decimal.RequireFromString(r.lot),
			MinNotionalUSD: decimal.NewFromInt(5), DailyVolume: decimal.RequireFromString(r.volume),
			DailyVolatilityPercent: decimal.RequireFromString(r.volatility),
		}
	}
	return assets
}

// validate reports every problem of the asset, in the words of its fields.
func (a SimAsset) validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("marketdata: sim: %.40q: "+format, append([]any{a.Symbol}, args...)...))
	}
	if a.Symbol == "" || len(a.Symbol) > 40 {
		bad("Symbol must have 1 to 40 bytes")
	}
	if !a.TickSize.IsPositive() || !a.LotSize.IsPositive() || a.MinNotionalUSD.IsNegative() {
		bad("TickSize and LotSize must be positive and MinNotionalUSD not negative, were %s, %s and %s", clip(a.TickSize), clip(a.LotSize), clip(a.MinNotionalUSD))
		return errors.Join(problems...)
	}
	ticks, lots := a.Price.DivRound(a.TickSize, 0), a.DailyVolume.DivRound(a.LotSize, 0)
	if ticks.LessThan(decimal.New(1, 3)) || ticks.GreaterThan(decimal.New(1, 7)) {
		bad("Price must be 1,000 to 10,000,000 ticks, was %s", clip(ticks))
	}
	// Between them 8 times the price and 10 times the volume stay in 63 bits.
	if limit := decimal.New(1, 16); lots.LessThan(decimal.New(1, 3)) || ticks.Mul(lots).GreaterThan(limit) {
		bad("DailyVolume must be at least 1,000 lots and at most %s ticks × lots, was %s lots", limit, clip(lots))
	}
	if v := a.DailyVolatilityPercent; !v.IsZero() && (v.LessThan(decimal.New(5, -1)) || v.GreaterThan(decimal.New(10, 0))) {
		bad("DailyVolatilityPercent must be between 0.5 and 10, was %s", clip(v))
	}
	switch a.Regime {
	case "", RegimeRange, RegimeGap:
	case RegimeTrendUp, RegimeTrendDown, RegimeCrash, RegimeDeadFeed:
		if a.RegimeFrom.Before(simBegin()) || !a.RegimeFrom.Before(simEnd()) {
			bad("RegimeFrom must be between 2020 and 2040 for %s, was %s", a.Regime, a.RegimeFrom)
		}
	default:
		bad("Regime must be one of %v, was %.20q", Regimes(), string(a.Regime))
	}
	return errors.Join(problems...)
}

// build expects a valid asset.
func (a SimAsset) build(seed uint64) *simAsset {
	hash := fnv.New64a()
	hash.Write([]byte(a.Symbol))
	dice := simDice(seed ^ hash.Sum64())
	volatility := a.DailyVolatilityPercent
	if volatility.IsZero() {
		volatility = decimal.NewFromInt(3)
	}
	made := &simAsset{
		symbol: a.Symbol,
		market: simMarket{
			key: dice.next(), pinned: a.Regime, from: a.RegimeFrom.Unix() / secondsADay,
			base: a.Price.DivRound(a.TickSize, 0).IntPart(), lots: a.DailyVolume.DivRound(a.LotSize, 0).IntPart(),
			volatility: volatility.Shift(4).IntPart(), // percent to ppm
		},
		instrument: &Instrument{
			Symbol: a.Symbol, TickSize: decimal.NewNullDecimal(a.TickSize), LotSize: decimal.NewNullDecimal(a.LotSize),
			MinQuantity: decimal.NewNullDecimal(a.LotSize), MinNotionalUSD: decimal.NewNullDecimal(a.MinNotionalUSD),
			Brackets: simBrackets(),
		},
		gap: a.Regime == RegimeGap, from: a.RegimeFrom,
	}
	if base, ok := strings.CutSuffix(a.Symbol, "USDT"); ok {
		made.instrument.BaseAsset, made.instrument.QuoteAsset = base, "USDT"
	}
	if a.Regime == RegimeDeadFeed {
		made.stop = a.RegimeFrom.UTC()
	}
	made.market.walk()
	return made
}

// simBrackets is a leverage table of the usual shape. Each deduction makes the
// maintenance margin continuous at the bound before it.
func simBrackets() []Bracket {
	row := func(upTo, leverage int64, percent string, deduction int64) Bracket {
		b := Bracket{
			MaxLeverage: decimal.NewFromInt(leverage), MaintenancePercent: decimal.RequireFromString(percent),
			DeductionUSD: decimal.NewFromInt(deduction),
		}
		if upTo > 0 {
			b.UpToUSD = decimal.NewNullDecimal(decimal.NewFromInt(upTo))
		}
		return b
	}
	return []Bracket{
		row(50_000, 50, "1", 0),
		row(250_000, 25, "2", 500),
		row(1_000_000, 10, "5", 8_000),
		row(0, 5, "10", 58_000),
	}
}
