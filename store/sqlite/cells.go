package sqlite

import (
	"bytes"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// damage is the first value of a row that no store wrote: SQLite keeps any
// value in any column.
type damage struct{ err error }

// take is what was found since it was last asked.
func (d *damage) take() error {
	err := d.err
	d.err = nil
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
}

// cell scans one column. It leaves the zero value of what cannot be read.
type cell struct {
	d      *damage
	column string
	set    func(v any) bool
}

// Scan takes a value of SQLite.
func (c cell) Scan(v any) error {
	if !c.set(v) && c.d.err == nil {
		c.d.err = fmt.Errorf("%s has a value that does not belong there", c.column)
	}
	return nil
}

// text reads null as empty.
func (d *damage) text(column string, to *string) cell {
	return cell{d, column, func(v any) (ok bool) {
		*to, ok = v.(string)
		return ok || v == nil
	}}
}

func (d *damage) key(column string, to *string) cell {
	c := d.text(column, to)
	set := c.set
	c.set = func(v any) bool {
		ok := set(v)
		*to = store.FromKey(*to)
		return ok
	}
	return c
}

// blob reads null and text too; null is nil.
func (d *damage) blob(column string, to *[]byte) cell {
	return cell{d, column, func(v any) bool {
		switch v := v.(type) {
		case []byte:
			*to = bytes.Clone(v)
		case string:
			*to = []byte(v)
		default:
			*to = nil
			return v == nil
		}
		return true
	}}
}

func (d *damage) whole(column string, to *int64) cell {
	return cell{d, column, func(v any) (ok bool) {
		*to, ok = v.(int64)
		return ok
	}}
}

func (d *damage) flag(column string, to *bool) cell {
	return cell{d, column, func(v any) bool {
		n, ok := v.(int64)
		*to = n != 0
		return ok
	}}
}

func (d *damage) number(column string, to *decimal.Decimal) cell {
	return cell{d, column, func(v any) (ok bool) {
		*to, ok = parseNumber(v)
		return ok
	}}
}

func (d *damage) maybe(column string, to *decimal.NullDecimal) cell {
	return cell{d, column, func(v any) (ok bool) {
		*to = decimal.NullDecimal{}
		if v == nil {
			return true
		}
		to.Decimal, ok = parseNumber(v)
		to.Valid = ok
		return ok
	}}
}

// maxNumberBytes bounds a number as text: 100 digits and what goes with them.
const maxNumberBytes = 256

func parseNumber(v any) (decimal.Decimal, bool) {
	switch v := v.(type) {
	case int64:
		return decimal.NewFromInt(v), true
	case string:
		if len(v) <= maxNumberBytes {
			d, err := decimal.NewFromString(v)
			if err == nil && jsonx.InRange(d) {
				return d, true
			}
		}
	}
	return decimal.Decimal{}, false
}

// time reads null as zero.
func (d *damage) time(column string, to *time.Time) cell {
	return cell{d, column, func(v any) bool {
		*to = time.Time{}
		text, ok := v.(string)
		if !ok {
			return v == nil
		}
		at, err := columns.ParseTime(text)
		if err == nil {
			*to = at
		}
		return err == nil
	}}
}

// timeText is a time as every column keeps it, and as a bound for any of them:
// what no column can hold is before or after all that one can.
func timeText(t time.Time) string {
	switch year := t.UTC().Year(); {
	case year < 0:
		return ""
	case year > 9999:
		return "~"
	}
	return columns.FormatTime(t)
}

// numberText is null for null.
func numberText(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return d.Decimal.String()
}

// jsonText is null for null.
func jsonText(data []byte) any {
	if data == nil {
		return nil
	}
	return string(data)
}

func bit(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
