package marketdata

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// CSVError says where a candle file is wrong. errors.As finds it in the
// Failure of the asset.
type CSVError struct {
	File    string // base name, never a path
	Line    int    // 1 is the header; 0: the file as a whole
	Column  string // header name; empty: the row as a whole
	Value   string // the offending text, at most 40 bytes; empty: none
	Problem string
}

// Error names the file, line, column, problem and value.
func (e *CSVError) Error() string { return "marketdata: csv: " + e.detail() }

func (e *CSVError) detail() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, " column %s", e.Column)
	}
	b.WriteString(": " + e.Problem)
	if e.Value != "" {
		fmt.Fprintf(&b, ", was %q", e.Value)
	}
	return b.String()
}

const (
	csvMaxLine  = 1024
	csvMaxTime  = 4_102_444_800_000 // 2100-01-01 in ms
	csvColumns  = 7
	csvCtxEvery = 1024 // rows between looks at the context
)

// csvHeader lists the columns in the order in which csvRow reads them.
func csvHeader() [csvColumns]string {
	return [...]string{"open_time_ms", "open", "high", "low", "close", "volume", "quote_volume"}
}

// csvDecoder reads one file row by row.
type csvDecoder struct {
	file    string
	base    Interval
	maxRows int
	order   [csvColumns]int // column of the file → index in csvHeader
	names   [csvColumns]string
	candles []Candle
}

// decode reads a whole file of at most maxBytes. The error is a *CSVError, the
// context's, or the reader's.
func (d *csvDecoder) decode(ctx context.Context, r io.Reader, maxBytes int64) ([]Candle, error) {
	d.names = csvHeader()
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, csvMaxLine), csvMaxLine)
	line := 0
	for lines.Scan() {
		if line++; line%csvCtxEvery == 1 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if limited.N == 0 {
			break
		}
		if bad := d.line(line, lines.Text()); bad != nil {
			return nil, bad
		}
	}
	return d.finish(line, lines.Err(), limited.N == 0, maxBytes)
}

func (d *csvDecoder) finish(line int, err error, tooLarge bool, maxBytes int64) ([]Candle, error) {
	switch {
	case tooLarge:
		return nil, &CSVError{File: d.file, Problem: fmt.Sprintf("must be at most %d bytes", maxBytes)}
	case errors.Is(err, bufio.ErrTooLong):
		return nil, &CSVError{File: d.file, Line: line + 1, Problem: fmt.Sprintf("line must be shorter than %d bytes", csvMaxLine)}
	case err != nil:
		return nil, err
	case line == 0:
		return nil, &CSVError{File: d.file, Problem: "the file is empty"}
	case len(d.candles) == 0:
		return nil, &CSVError{File: d.file, Line: line, Problem: "no candles after the header"}
	}
	return d.candles, nil
}

func (d *csvDecoder) line(number int, text string) error {
	if number == 1 {
		return d.header(strings.TrimPrefix(text, "\ufeff"))
	}
	if len(d.candles) == d.maxRows {
		return &CSVError{File: d.file, Line: number, Problem: fmt.Sprintf("must have at most %d rows", d.maxRows)}
	}
	c, err := d.row(number, text)
	if err != nil {
		return err
	}
	d.candles = append(d.candles, c)
	return nil
}

func (d *csvDecoder) header(text string) error {
	found := map[string]bool{}
	for column, name := range strings.Split(text, ",") {
		index := -1
		for i, known := range d.names {
			if name == known {
				index = i
			}
		}
		switch {
		case index < 0:
			return &CSVError{File: d.file, Line: 1, Column: strconv.Itoa(column + 1), Value: clipText(name), Problem: "column is not known"}
		case found[name]:
			return &CSVError{File: d.file, Line: 1, Column: name, Problem: "column appears twice"}
		}
		found[name] = true
		d.order[column] = index
	}
	for _, name := range d.names {
		if !found[name] {
			return &CSVError{File: d.file, Line: 1, Column: name, Problem: "column is missing"}
		}
	}
	return nil
}

// row parses one candle and checks it against itself and its predecessor.
func (d *csvDecoder) row(number int, text string) (Candle, error) {
	if n := strings.Count(text, ",") + 1; n != csvColumns {
		return Candle{}, &CSVError{File: d.file, Line: number, Value: clipText(text), Problem: fmt.Sprintf("must have %d columns, had %d", csvColumns, n)}
	}
	var c Candle
	values := [csvColumns]*decimal.Decimal{nil, &c.Open, &c.High, &c.Low, &c.Close, &c.Volume, &c.QuoteVolume}
	for _, index := range d.order {
		var field string
		field, text, _ = strings.Cut(text, ",")
		problem := ""
		if index == 0 {
			c.OpenTime, problem = d.time(field)
		} else {
			*values[index], problem = csvNumber(field, index < 5)
		}
		if problem != "" {
			return Candle{}, &CSVError{File: d.file, Line: number, Column: d.names[index], Value: clipText(field), Problem: problem}
		}
	}
	for _, check := range [...]struct {
		bad     bool
		column  string
		value   decimal.Decimal
		problem string
	}{
		{c.High.LessThan(c.Low), "high", c.High, "must not be below low"},
		{c.Open.GreaterThan(c.High) || c.Open.LessThan(c.Low), "open", c.Open, "must lie between low and high"},
		{c.Close.GreaterThan(c.High) || c.Close.LessThan(c.Low), "close", c.Close, "must lie between low and high"},
	} {
		if check.bad {
			return Candle{}, &CSVError{File: d.file, Line: number, Column: check.column, Value: clipText(check.value.String()), Problem: check.problem}
		}
	}
	return c, nil
}

// time reads an open time, which must follow the one of the row before.
func (d *csvDecoder) time(field string) (time.Time, string) {
	ms, err := strconv.ParseInt(field, 10, 64)
	if err != nil || ms < 0 || ms > csvMaxTime {
		return time.Time{}, fmt.Sprintf("must be whole milliseconds between 0 and %d", int64(csvMaxTime))
	}
	open := time.UnixMilli(ms).UTC()
	if !d.base.Floor(open).Equal(open) {
		return time.Time{}, fmt.Sprintf("must be aligned to %s", d.base)
	}
	if n := len(d.candles); n > 0 && !open.After(d.candles[n-1].OpenTime) {
		return time.Time{}, fmt.Sprintf("must be after %d, the row before", d.candles[n-1].OpenTime.UnixMilli())
	}
	return open, ""
}

func csvNumber(field string, price bool) (decimal.Decimal, string) {
	v, err := jsonx.ParseDecimal(field)
	switch {
	case err != nil:
		return v, "must be a finite decimal number"
	case price && !v.IsPositive():
		return v, "must be positive"
	case v.IsNegative():
		return v, "must not be negative"
	}
	return v, ""
}

// clipText bounds foreign text that goes into an error.
func clipText(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}
