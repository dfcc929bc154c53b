package decision

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// promptCandles is how many closed candles of each interval a prompt shows.
const promptCandles = 10

// blockKey names a rendered block by everything that it is made of.
type blockKey struct {
	symbol     string
	interval   marketdata.Interval
	closeTime  int64
	series     uint64
	indicators uint64 // 0: none
}

// writeSeries writes candles and indicators of one interval, from the cache
// while no newer candle closed.
func (b *PromptBuilder) writeSeries(w *promptWriter, in *Input, asset *marketdata.Asset, symbol string, interval marketdata.Interval) {
	series := asset.Series[interval]
	if series.Len() == 0 {
		return
	}
	closed := series.CloseTime()
	if closed.After(in.At) && w.err == nil {
		w.err = fmt.Errorf("%s %s: a candle closes at %s, after the decision", symbol, interval, closed)
		return
	}
	key := blockKey{symbol: symbol, interval: interval, closeTime: closed.Unix(), series: series.Fingerprint()}
	set, ok := in.Set(symbol, interval)
	if ok {
		if !set.CloseTime.Equal(closed) && w.err == nil {
			w.err = fmt.Errorf("%s %s: indicators are of %s, candles of %s", symbol, interval, set.CloseTime, closed)
			return
		}
		key.indicators = fingerprint(&set)
	}
	block, cached := b.blocks.load(key)
	if !cached {
		fresh := promptWriter{b: make([]byte, 0, 4096)}
		fresh.writeCandles(series)
		if ok {
			fresh.writeIndicators(set, decimalsOf(series))
		}
		if fresh.err != nil {
			w.err = fmt.Errorf("%s %s: %w", symbol, interval, fresh.err)
			return
		}
		block = string(fresh.b)
		b.blocks.store(key, block)
	}
	w.open(string(interval), '{')
	w.paste(block)
	w.close('}')
}

// fingerprint is FNV-1a over the shown values' bits, never 0.
func fingerprint(set *indicator.Set) uint64 {
	h := uint64(14695981039346656037)
	for _, l := range [...]indicator.Line{ // not set.Lines(), which allocates
		set.EMA20, set.EMA50, set.MACD, set.MACDSignal, set.RSI14, set.BollingerUpper, set.BollingerMiddle, set.BollingerLower,
		set.ATR14, set.VolatilityPercent, set.Tenkan, set.Kijun, set.SpanA, set.SpanB,
	} {
		for _, v := range tail(l) {
			h = (h ^ math.Float64bits(v)) * 1099511628211
			h ^= h >> 29
		}
	}
	return max(h, 1)
}

func tail(l indicator.Line) indicator.Line { return l[max(len(l)-IndicatorDepth, 0):] }

func (w *promptWriter) writeCandles(s marketdata.Series) {
	s = s.Tail(promptCandles)
	w.at("closed_at", s.CloseTime())
	for _, column := range [...]struct {
		name string
		of   func(marketdata.Candle) decimal.Decimal
	}{
		{"open", func(c marketdata.Candle) decimal.Decimal { return c.Open }},
		{"high", func(c marketdata.Candle) decimal.Decimal { return c.High }},
		{"low", func(c marketdata.Candle) decimal.Decimal { return c.Low }},
		{"close", func(c marketdata.Candle) decimal.Decimal { return c.Close }},
		{"volume", func(c marketdata.Candle) decimal.Decimal { return c.Volume }},
	} {
		w.open(column.name, '[')
		for i := range s.Len() {
			w.number("", column.of(s.At(i)))
		}
		w.close(']')
	}
}

// writeIndicators shows lists of what moves with the price and the newest
// value of the rest.
func (w *promptWriter) writeIndicators(set indicator.Set, decimals int) {
	for _, l := range set.Lines() {
		places := decimals
		switch l.Line {
		case &set.RSI14:
			places = 2
		case &set.VolatilityPercent:
			places = 4
		}
		switch l.Line {
		case &set.VolatilityPercent, &set.Tenkan, &set.Kijun, &set.SpanA, &set.SpanB:
			value, ok := l.Line.Last()
			w.float(l.Name, value, ok, places)
			continue
		}
		w.open(l.Name, '[')
		for _, v := range tail(*l.Line) {
			w.float("", v, !math.IsNaN(v) && !math.IsInf(v, 0), places)
		}
		w.close(']')
	}
}

// float writes an indicator value in plain notation; warm-up is null.
func (w *promptWriter) float(name string, value float64, ok bool, places int) {
	w.key(name)
	if !ok {
		w.raw("null")
		return
	}
	w.b = strconv.AppendFloat(w.b, value, 'f', places, 64)
}

// Bounds of the decimals of price-like indicators.
const (
	extraDecimals     = 2 // beyond those of the prices
	significantDigits = 6 // at least
	maxPriceDecimals  = 20
)

// decimalsOf is how many decimals an indicator in price units needs: two more
// than the shown prices have, and enough for six significant digits.
func decimalsOf(s marketdata.Series) int {
	places := 0
	s = s.Tail(promptCandles)
	for i := range s.Len() {
		c := s.At(i)
		for _, price := range [...]decimal.Decimal{c.Open, c.High, c.Low, c.Close} {
			if _, fraction, ok := strings.Cut(price.String(), "."); ok {
				places = max(places, len(fraction))
			}
		}
	}
	last, _ := s.Last() // the caller has at least one candle
	leading := last.Close.NumDigits() + int(last.Close.Exponent())
	return min(max(places+extraDecimals, significantDigits-leading), maxPriceDecimals)
}
