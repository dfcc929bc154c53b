package marketdata

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"
	"time"
)

// Series is a gap-free run of closed candles of one interval, oldest first.
// It is immutable and cheap to copy, and it can only be made by NewSeries,
// so whoever holds one need not check it again. The zero value is empty.
type Series struct{ data *seriesData }

type seriesData struct {
	interval    Interval
	candles     []Candle
	columns     Columns
	fingerprint uint64
	digest      func() [sha256.Size]byte // made once
}

// Columns are a series' values as floats for indicators, one entry a candle.
// They are shared: read, never write.
type Columns struct{ Open, High, Low, Close, Volume []float64 }

// NewSeries copies the candles and checks them: open times aligned to the
// interval and exactly one interval apart, prices positive and finite, low ≤
// open, close ≤ high, volumes not negative. The error is ErrInterval or a
// *CandleError that names the first bad candle. No candles is an empty series.
func NewSeries(interval Interval, candles []Candle) (Series, error) {
	if !interval.Valid() {
		return Series{}, fmt.Errorf("%w %.20q", ErrInterval, string(interval))
	}
	n := len(candles)
	d := &seriesData{interval: interval, candles: slices.Clone(candles)}
	block := make([]float64, 5*n)
	d.columns = Columns{block[:n:n], block[n : 2*n : 2*n], block[2*n : 3*n : 3*n], block[3*n : 4*n : 4*n], block[4*n:]}
	for i := range d.candles {
		c := &d.candles[i]
		c.OpenTime = c.OpenTime.UTC()
		if bad := d.align(i); bad != nil {
			return Series{}, bad
		}
		f, wrong := c.check()
		if wrong != "" {
			return Series{}, &CandleError{Index: i, OpenTime: c.OpenTime, Reason: ReasonBadCandle, Detail: wrong}
		}
		d.columns.Open[i], d.columns.High[i], d.columns.Low[i] = f.open, f.high, f.low
		d.columns.Close[i], d.columns.Volume[i] = f.close, f.volume
	}
	return d.sealed(), nil
}

// sealed is the finished series.
func (d *seriesData) sealed() Series {
	d.fingerprint = d.columns.hash()
	s := Series{d}
	d.digest = sync.OnceValue(func() [sha256.Size]byte { return sha256.Sum256(s.json()) })
	return s
}

// align reports a candle that does not open where its place demands.
func (d *seriesData) align(i int) *CandleError {
	open := d.candles[i].OpenTime
	if i == 0 {
		if want := d.interval.Floor(open); !open.Equal(want) {
			return &CandleError{Index: i, OpenTime: open, Reason: ReasonBadCandle, Detail: fmt.Sprintf("open time is not aligned to %s", d.interval)}
		}
		return nil
	}
	want := d.candles[i-1].OpenTime.Add(d.interval.Duration())
	if open.Equal(want) {
		return nil
	}
	reason := ReasonGap
	if open.Before(want) {
		reason = ReasonBadCandle
	}
	return &CandleError{Index: i, OpenTime: open, Reason: reason, Detail: "expected the candle that opens " + want.Format(time.RFC3339)}
}

// Interval is the candles' interval; invalid for the zero Series.
func (s Series) Interval() Interval {
	if s.data == nil {
		return ""
	}
	return s.data.interval
}

// Len is the number of candles.
func (s Series) Len() int {
	if s.data == nil {
		return 0
	}
	return len(s.data.candles)
}

// At is candle i, 0 the oldest. It panics out of range, as a slice does.
func (s Series) At(i int) Candle { return s.data.candles[i] }

// Last is the newest candle; false when the series is empty.
func (s Series) Last() (Candle, bool) {
	if s.Len() == 0 {
		return Candle{}, false
	}
	return s.data.candles[s.Len()-1], true
}

// CloseTime is when the newest candle closed; the zero time when empty.
func (s Series) CloseTime() time.Time {
	last, ok := s.Last()
	if !ok {
		return time.Time{}
	}
	return last.OpenTime.Add(s.data.interval.Duration())
}

// Candles is a copy of the candles.
func (s Series) Candles() []Candle {
	if s.data == nil {
		return nil
	}
	return slices.Clone(s.data.candles)
}

// Columns are the candles' floats, shared and read-only.
func (s Series) Columns() Columns {
	if s.data == nil {
		return Columns{}
	}
	return s.data.columns
}

// Tail is the newest n candles, or the whole series when it has fewer.
func (s Series) Tail(n int) Series { return s.slice(max(s.Len()-max(n, 0), 0), s.Len()) }

// Until is the candles that were closed at t.
func (s Series) Until(t time.Time) Series {
	n := sort.Search(s.Len(), func(i int) bool {
		return s.data.candles[i].OpenTime.Add(s.data.interval.Duration()).After(t)
	})
	return s.slice(0, n)
}

func (s Series) slice(from, to int) Series {
	if s.data == nil || from == 0 && to == s.Len() {
		return s
	}
	c := s.data.columns
	d := &seriesData{
		interval: s.data.interval, candles: s.data.candles[from:to:to],
		columns: Columns{c.Open[from:to:to], c.High[from:to:to], c.Low[from:to:to], c.Close[from:to:to], c.Volume[from:to:to]},
	}
	return d.sealed()
}

// Fingerprint tells series of equal values apart from others of the same
// symbol and close time, so that caches of what is computed from them cannot
// mix two markets. It is not cryptographic.
func (s Series) Fingerprint() uint64 {
	if s.data == nil {
		return 0
	}
	return s.data.fingerprint
}

// Digest is the SHA-256 of what MarshalJSON writes: equal candles of one
// interval, equal digest. It is computed once.
func (s Series) Digest() [sha256.Size]byte {
	if s.data == nil {
		return sha256.Sum256(s.json())
	}
	return s.data.digest()
}

// hash is FNV-1a over the bits of all values, a word at a time.
func (c Columns) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, column := range [...][]float64{c.Open, c.High, c.Low, c.Close, c.Volume} {
		for _, v := range column {
			h = (h ^ math.Float64bits(v)) * 1099511628211
			h ^= h >> 29 // FNV by words leaves the low bits of a float's zeros unmixed
		}
	}
	return h
}
