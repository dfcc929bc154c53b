package legacy

import (
	"database/sql"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
)

// Digits that a number may have, before and after the point.
const (
	maxNumberChars = 100
	maxDigits      = 38
)

// row is a decision that can be kept.
type row struct {
	id, account     int64
	at              time.Time
	strategy, model sql.NullString
	symbol, action  string
	allocation      decimal.Decimal
	tp, sl          decimal.NullDecimal
	exitPlan        sql.NullString
	rationale       string
	confidence      decimal.Decimal
	risk            string
}

// reader takes values apart and keeps the first problem.
type reader struct {
	raw  raw
	cols []column
	skip *Skip
}

func (r *reader) refuse(i int, why string) {
	if r.skip == nil {
		value := r.raw.values[i].String
		if len(value) > 40 {
			value = value[:40]
		}
		r.skip = &Skip{ID: r.raw.id, Reason: r.cols[i].field + " " + why, Value: toValid(value)}
	}
}

func toValid(s string) string {
	for !utf8.ValidString(s) && s != "" {
		s = s[:len(s)-1]
	}
	return s
}

// text is a value of the column, which may be NULL or not.
func (r *reader) text(i int, nullable bool) sql.NullString {
	v := r.raw.values[i]
	switch {
	case !v.Valid && !nullable:
		r.refuse(i, "is missing")
	case !utf8.ValidString(v.String):
		r.refuse(i, "is not UTF-8")
	case utf8.RuneCountInString(v.String) > r.cols[i].limit:
		r.refuse(i, "is too long")
	case hasNUL(v.String):
		r.refuse(i, "holds NUL")
	}
	return v
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// number is a value that is not negative, of digits that can be kept exactly.
func (r *reader) number(i int, nullable bool) decimal.NullDecimal {
	v := r.text(i, nullable)
	if !v.Valid || r.skip != nil {
		return decimal.NullDecimal{}
	}
	d, err := decimal.NewFromString(v.String)
	switch {
	case err != nil:
		r.refuse(i, "is not a number")
	case d.Exponent() < -maxDigits || d.Exponent() > maxDigits || d.NumDigits() > 2*maxDigits:
		r.refuse(i, "has too many digits")
	case d.IsNegative():
		r.refuse(i, "is negative")
	}
	return decimal.NewNullDecimal(d)
}

func (r *reader) time(i int) time.Time {
	v := r.text(i, false)
	if r.skip != nil {
		return time.Time{}
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", "2006-01-02 15:04:05", "2006-01-02T15:04:05",
	} {
		if at, err := time.Parse(layout, v.String); err == nil && at.Year() >= 1970 && at.Year() <= 9999 {
			return at.UTC().Truncate(time.Microsecond)
		}
	}
	r.refuse(i, "is not a time")
	return time.Time{}
}

// check takes a row as it is, or says why not.
func (r raw) check() (row, *Skip) {
	rd := &reader{raw: r, cols: new(Mapping).columns()}
	out := row{id: r.id, at: rd.time(1), strategy: rd.text(2, true), model: rd.text(3, true)}
	if id := rd.text(0, false); rd.skip == nil {
		var err error
		if out.account, err = strconv.ParseInt(id.String, 10, 64); err != nil || out.account < 1 {
			rd.refuse(0, "is not a positive number")
		}
	}
	out.symbol, out.action = rd.text(4, false).String, rd.text(5, false).String
	if out.symbol == "" || len(out.symbol) > MaxSymbolBytes {
		rd.refuse(4, "must have 1 to 100 bytes")
	}
	if !decision.Action(out.action).Valid() {
		rd.refuse(5, "is invalid")
	}
	out.allocation = rd.number(6, false).Decimal
	out.tp, out.sl = rd.number(7, true), rd.number(8, true)
	out.exitPlan, out.rationale = rd.text(9, true), rd.text(10, false).String
	out.confidence = rd.number(11, false).Decimal
	if out.confidence.GreaterThan(decimal.NewFromInt(100)) {
		rd.refuse(11, "is above 100")
	}
	out.risk = rd.text(12, false).String
	if !decision.RiskLevel(out.risk).Valid() {
		rd.refuse(12, "is invalid")
	}
	return out, rd.skip
}
