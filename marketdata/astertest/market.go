package astertest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// market is one symbol. Its last price is that of Exchange.now.
type market struct {
	symbol, base             string
	tick, lot                decimal.Decimal
	minQty, maxQty           decimal.Decimal
	marketMaxQty             decimal.Decimal
	maxPrice                 decimal.Decimal
	minNotional              decimal.Decimal
	dailyVolume              decimal.Decimal
	tickPlaces, lotPlaces    int32
	brackets                 []marketdata.Bracket
	last                     decimal.Decimal
	delisted                 bool
	seed                     uint64
	rows                     map[marketdata.Interval]closedRows
	up, down, liquidationFee decimal.Decimal // PERCENT_PRICE and liquidationFee
}

const (
	pricePlaces  = 8 // of mark prices and money
	fundingHours = 8
)

// newMarkets builds the markets that have prices at start.
func newMarkets(cfg Config, t *tape, start time.Time) (map[string]*market, error) {
	assets := cfg.Assets
	if assets == nil {
		assets = marketdata.SimAssets()
	}
	brackets, err := bracketsOf(assets, start)
	if err != nil {
		return nil, err
	}
	markets := make(map[string]*market, len(assets))
	for _, a := range assets {
		m := newMarket(a, cfg.Seed, brackets)
		t.ticks[a.Symbol] = m.tick
		if _, found := t.candle(a.Symbol, start); !found {
			if cfg.Assets == nil && t.base == marketdata.Interval1h {
				continue // one of the defaults without a file
			}
			return nil, fmt.Errorf("%s has no prices at Start, %s", a.Symbol, start.Format(time.RFC3339))
		}
		m.last = t.price(a.Symbol, start)
		markets[a.Symbol] = m
	}
	if len(markets) == 0 {
		return nil, fmt.Errorf("no symbol has prices at Start, %s", start.Format(time.RFC3339))
	}
	return markets, nil
}

// bracketsOf are the simulator's, the same for every asset. Making it also
// checks the assets.
func bracketsOf(assets []marketdata.SimAsset, start time.Time) ([]marketdata.Bracket, error) {
	t := &tape{asOf: start}
	sim, err := marketdata.NewSim(marketdata.SimConfig{Symbols: assets, Now: func() time.Time { return t.asOf }})
	if err != nil {
		return nil, err
	}
	t.use(sim)
	for _, a := range assets {
		if instrument := t.instrument(a.Symbol); instrument != nil {
			return instrument.Brackets, nil
		}
	}
	return nil, errors.New("Start must be in the years that package marketdata simulates")
}

func newMarket(a marketdata.SimAsset, seed uint64, brackets []marketdata.Bracket) *market {
	quote := "USDT"
	base := a.Symbol
	if len(base) > len(quote) && base[len(base)-len(quote):] == quote {
		base = base[:len(base)-len(quote)]
	}
	return &market{
		symbol: a.Symbol, base: base, tick: a.TickSize, lot: a.LotSize, minQty: a.LotSize,
		maxQty: a.LotSize.Shift(7), marketMaxQty: a.LotSize.Shift(6), maxPrice: a.TickSize.Shift(9),
		minNotional: a.MinNotionalUSD, dailyVolume: a.DailyVolume,
		tickPlaces: places(a.TickSize), lotPlaces: places(a.LotSize), brackets: brackets, seed: seed, rows: map[marketdata.Interval]closedRows{},
		up: decimal.New(115, -2), down: decimal.New(85, -2), liquidationFee: decimal.New(1, -2),
	}
}

// places is how many decimals a step has.
func places(step decimal.Decimal) int32 {
	n := int32(0)
	for n < 30 && !step.Shift(n).IsInteger() {
		n++
	}
	return n
}

// roll is a chance of a place in the market: the same for the same arguments.
func (m *market) roll(what string, at int64) uint64 {
	h := fnv.New64a()
	h.Write(strconv.AppendUint(nil, m.seed, 10))
	h.Write([]byte(m.symbol + what))
	h.Write(strconv.AppendInt(nil, at, 10))
	sum := h.Sum64() // the last bytes reach only some bits of it
	sum ^= sum >> 32
	sum *= 0xd6e8feb86659fd93
	return sum ^ sum>>32
}

// basis is the mark price divided by the last, one for each hour.
func (m *market) basis(at time.Time) decimal.Decimal {
	k := int64(m.roll("basis", at.Unix()/3600)%5) - 2 //nolint:gosec // below 5
	return decimal.New(10_000+k, -4)
}

// mark is the price for margin and liquidation.
func (m *market) mark(at time.Time) decimal.Decimal {
	return m.last.Mul(m.basis(at)).Round(pricePlaces)
}

func (m *market) bid() decimal.Decimal { return floorTo(m.last, m.tick) }
func (m *market) ask() decimal.Decimal { return m.bid().Add(m.tick) }

// fundingRate is what the funding at a time charges, −0.00008 to 0.00022.
func (m *market) fundingRate(at time.Time) decimal.Decimal {
	k := int64(m.roll("funding", at.Unix()/(fundingHours*3600))%301) - 80 //nolint:gosec // below 301
	return decimal.New(k, -6)
}

// nextFunding is the first funding after a time.
func nextFunding(at time.Time) time.Time {
	return marketdata.Interval8h.Floor(at).Add(fundingHours * time.Hour)
}

// openInterest is half a day's volume, give or take 2 percent.
func (m *market) openInterest(at time.Time) decimal.Decimal {
	k := int64(m.roll("interest", at.Unix()/60)%41) - 20 //nolint:gosec // below 41
	return floorTo(m.dailyVolume.Mul(decimal.New(1000+k, -3)).Div(decimal.NewFromInt(2)), m.lot)
}

func (m *market) bookQuantity(level int, side string, at time.Time) decimal.Decimal {
	lots := m.roll(side+strconv.Itoa(level), at.Unix())%5000 + 1
	return m.lot.Mul(decimal.NewFromUint64(lots))
}

func (m *market) status() string {
	if m.delisted {
		return "SETTLING"
	}
	return "TRADING"
}

// bracket is the leverage table's step for a notional, and its number from 0.
func (m *market) bracket(notional decimal.Decimal) (marketdata.Bracket, int) {
	last := len(m.brackets) - 1
	for i, b := range m.brackets[:last] {
		if !b.UpToUSD.Valid || notional.LessThanOrEqual(b.UpToUSD.Decimal) {
			return b, i
		}
	}
	return m.brackets[last], last
}

// maintenance is the margin below which a position is liquidated.
func (m *market) maintenance(notional decimal.Decimal) decimal.Decimal {
	b, _ := m.bracket(notional)
	return decimal.Max(notional.Mul(b.MaintenancePercent.Shift(-2)).Sub(b.DeductionUSD), decimal.Zero)
}

// cap is the largest notional at a leverage.
func (m *market) cap(leverage int64) decimal.Decimal {
	out := decimal.Zero
	for i, b := range m.brackets {
		if b.MaxLeverage.LessThan(decimal.NewFromInt(leverage)) {
			break
		}
		out = m.bracketCap(i)
	}
	return out
}

const unboundedCap = 100_000_000 // what the last bracket shows

func (m *market) bracketCap(i int) decimal.Decimal {
	if up := m.brackets[i].UpToUSD; up.Valid {
		return up.Decimal
	}
	return decimal.NewFromInt(unboundedCap)
}

func (m *market) maxLeverage() int64 { return m.brackets[0].MaxLeverage.IntPart() }

// money is a price or amount as the venue writes it.
func (m *market) price(v decimal.Decimal) string    { return v.StringFixed(m.tickPlaces) }
func (m *market) quantity(v decimal.Decimal) string { return v.StringFixed(m.lotPlaces) }
func money(v decimal.Decimal) string                { return v.StringFixed(pricePlaces) }
