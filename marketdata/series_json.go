package marketdata

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// MarshalJSON writes {"interval":"1h","candles":[[open_time_ms,open,high,low,
// close,volume,quote_volume],…]} with exact digits.
func (s Series) MarshalJSON() ([]byte, error) { return s.json(), nil }

func (s Series) json() []byte {
	b := make([]byte, 0, 40+s.Len()*80)
	b = append(b, `{"interval":"`...)
	b = append(b, s.Interval()...)
	b = append(b, `","candles":[`...)
	for i := range s.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		c := s.At(i)
		b = append(b, '[')
		b = strconv.AppendInt(b, c.OpenTime.UnixMilli(), 10)
		for _, d := range [...]decimal.Decimal{c.Open, c.High, c.Low, c.Close, c.Volume, c.QuoteVolume} {
			b = append(b, ',')
			b = append(b, d.String()...)
		}
		b = append(b, ']')
	}
	return append(b, "]}"...)
}

// UnmarshalJSON reads what MarshalJSON writes and checks it as NewSeries
// does. At most MaxCandles candles are accepted.
func (s *Series) UnmarshalJSON(data []byte) error {
	var wire struct {
		Interval string   `json:"interval"` // "" for the zero Series
		Candles  [][]cell `json:"candles"`
	}
	if err := jsonx.Unmarshal(data, &wire); err != nil {
		return fmt.Errorf("marketdata: series: %w", err)
	}
	if wire.Interval == "" && len(wire.Candles) == 0 {
		*s = Series{}
		return nil
	}
	if len(wire.Candles) > MaxCandles {
		return fmt.Errorf("marketdata: series: candles must be at most %d, were %d", MaxCandles, len(wire.Candles))
	}
	candles := make([]Candle, len(wire.Candles))
	for i, row := range wire.Candles {
		if err := candles[i].decode(row); err != nil {
			return fmt.Errorf("marketdata: series: candle %d: %w", i, err)
		}
	}
	made, err := NewSeries(Interval(wire.Interval), candles)
	if err != nil {
		return err
	}
	*s = made
	return nil
}

// cell is a JSON value as it was written.
type cell string

// UnmarshalJSON takes any value.
func (c *cell) UnmarshalJSON(data []byte) error {
	*c = cell(data)
	return nil
}

var errColumns = errors.New("expected 7 columns")

func (c *Candle) decode(row []cell) error {
	if len(row) != 7 {
		return fmt.Errorf("%w, were %d", errColumns, len(row))
	}
	ms, err := strconv.ParseInt(string(row[0]), 10, 64)
	if err != nil {
		return fmt.Errorf("open time: %.30q is not a whole number of milliseconds", string(row[0]))
	}
	c.OpenTime = time.UnixMilli(ms).UTC()
	for i, d := range [...]*decimal.Decimal{&c.Open, &c.High, &c.Low, &c.Close, &c.Volume, &c.QuoteVolume} {
		if *d, err = jsonx.ParseDecimal(string(row[i+1])); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}
