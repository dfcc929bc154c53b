package aster

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"          //nolint:depguard // as wire.go
	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // as wire.go
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

const (
	maxRows       = 10_000          // of any list
	maxMoment     = 253402300799999 // the last millisecond of the year 9999
	maxSymbolText = 40              // bytes, as marketdata.Query
)

var (
	errNotString = errors.New("a decimal must be a string")
	errNotTime   = errors.New("a time must be whole milliseconds since 1970")
	errNotFlag   = errors.New("must be true or false")
	errNotRows   = errors.New("must be an array or an object")
	errTooMany   = fmt.Errorf("must have at most %d rows", maxRows)
)

// amount is a decimal that the venue writes as a string, because a number
// loses digits in many a client; a number in its place is an error.
type amount struct {
	value decimal.Decimal
	set   bool
}

// UnmarshalJSONFrom reads one string.
func (a *amount) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := readAmount(dec)
	if err == nil {
		*a = amount{value, true}
	}
	return err
}

// orNull is null where the venue sent nothing.
func (a amount) orNull() decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: a.value, Valid: a.set}
}

// orUnlimited is null for the zero that switches a limit off.
func (a amount) orUnlimited() decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: a.value, Valid: a.set && !a.value.IsZero()}
}

func readAmount(dec *jsontext.Decoder) (decimal.Decimal, error) {
	if dec.PeekKind() == '"' {
		raw, err := dec.ReadValue()
		if err != nil {
			return decimal.Decimal{}, err
		}
		if d, short := shortDecimal(raw[1 : len(raw)-1]); short {
			return d, nil
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return decimal.Decimal{}, err
		}
		return jsonx.ParseDecimal(string(text))
	}
	if _, err := dec.ReadToken(); err != nil {
		return decimal.Decimal{}, err
	}
	return decimal.Decimal{}, errNotString
}

// shortDecimal reads what nearly all amounts are, up to 18 digits with perhaps
// a sign and a point inside, to the same result as jsonx.ParseDecimal and
// without its garbage.
func shortDecimal(text []byte) (decimal.Decimal, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return decimal.Decimal{}, false
	}
	var value, places int64
	point := false
	for n, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			value = value*10 + int64(c-'0')
			if point {
				places++
			}
		case c == '.' && !point && n > 0 && n < len(digits)-1:
			point = true
		default:
			return decimal.Decimal{}, false
		}
	}
	if !point && len(digits) > 18 {
		return decimal.Decimal{}, false
	}
	if len(digits) < len(text) {
		value = -value
	}
	return decimal.New(value, -int32(places)), true //nolint:gosec // at most 17
}

// moment is a time in milliseconds.
type moment struct {
	at  time.Time // UTC
	set bool
}

// UnmarshalJSONFrom reads one number.
func (m *moment) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	at, err := readMoment(dec)
	if err == nil {
		*m = moment{at, true}
	}
	return err
}

func readMoment(dec *jsontext.Decoder) (time.Time, error) {
	if dec.PeekKind() != '0' {
		if _, err := dec.ReadToken(); err != nil {
			return time.Time{}, err
		}
		return time.Time{}, errNotTime
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || ms < 0 || ms > maxMoment {
		return time.Time{}, errNotTime
	}
	return time.UnixMilli(ms).UTC(), nil
}

// flag is a boolean, which the venue writes as one or as a string.
type flag struct{ on, set bool }

// UnmarshalJSONFrom reads one value.
func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch token.String() {
	case "true", "TRUE":
		*f = flag{true, true}
	case "false", "FALSE":
		*f = flag{false, true}
	default:
		return errNotFlag
	}
	return nil
}

// presence says whether a member came.
type presence struct {
	name string
	set  bool
}

// required names the first member that is missing.
func required(members ...presence) error {
	for _, m := range members {
		if !m.set {
			return fmt.Errorf("%s is missing", m.name)
		}
	}
	return nil
}

// checkName bounds what the venue calls a symbol, an asset or a state.
func checkName(member, name string) error {
	if name == "" || len(name) > maxSymbolText || !utf8.ValidString(name) {
		return fmt.Errorf("%s must have 1 to %d bytes, had %d", member, maxSymbolText, len(name))
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return fmt.Errorf("%s must have no spaces and no control characters", member)
		}
	}
	return nil
}

// row is what one element of a list is decoded into.
type row[T any] interface {
	*T
	check() error // says what is missing or impossible
}

// readRow reads the next value.
func readRow[T any, P row[T]](dec *jsontext.Decoder) (T, error) {
	var out T
	if err := json.UnmarshalDecode(dec, &out); err != nil {
		return out, err
	}
	return out, P(&out).check()
}

// rows are the elements of an array, or the one object that the venue sends
// in place of an array of one. One bad row makes all of them bad.
type rows[T any, P row[T]] []T

// UnmarshalJSONFrom reads the array or the object.
func (r *rows[T, P]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*r = nil
	return eachRow(dec, func() error {
		next, err := readRow[T, P](dec)
		*r = append(*r, next)
		return err
	})
}

// one is a single object that must be whole.
type one[T any, P row[T]] struct{ value T }

// UnmarshalJSONFrom reads the object.
func (o *one[T, P]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var err error
	o.value, err = readRow[T, P](dec)
	return err
}

// eachRow calls read with the decoder before each element.
func eachRow(dec *jsontext.Decoder, read func() error) error {
	switch dec.PeekKind() {
	case '{':
		return read()
	case '[':
	default:
		return errNotRows
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; dec.PeekKind() != ']'; n++ {
		if n == maxRows {
			return errTooMany
		}
		if err := read(); err != nil {
			if _, located := errors.AsType[*json.SemanticError](err); located {
				return err // says where already
			}
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
	_, err := dec.ReadToken()
	return err
}

// table is the rows of some symbols. A bad row is its symbol's problem alone.
type table[T any, P row[T]] struct {
	want map[string]bool // nil: all
	rows map[string]T
	bad  map[string]error // symbols whose row cannot be used
}

// UnmarshalJSONFrom reads the array or the object.
func (t *table[T, P]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	t.rows, t.bad = map[string]T{}, map[string]error{}
	return eachRow(dec, func() error {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		t.add(raw)
		return nil
	})
}

func (t *table[T, P]) add(raw jsontext.Value) {
	var key struct {
		Symbol text `json:"symbol"`
	}
	if err := decode(raw, &key); err != nil || checkName("symbol", string(key.Symbol)) != nil {
		return // nobody's row
	}
	symbol := string(key.Symbol)
	if t.want != nil && !t.want[symbol] {
		return
	}
	if _, twice := t.rows[symbol]; twice || t.bad[symbol] != nil {
		delete(t.rows, symbol)
		t.bad[symbol] = errors.New("is listed twice")
		return
	}
	var out one[T, P]
	if err := decode(raw, &out); err != nil {
		t.bad[symbol] = err
		return
	}
	t.rows[symbol] = out.value
}

// of is the row of a symbol, or why there is none.
func (t *table[T, P]) of(symbol string) (T, error) {
	row, found := t.rows[symbol]
	switch {
	case found:
		return row, nil
	case t.bad[symbol] != nil:
		return row, fmt.Errorf("%.40q: %w", symbol, t.bad[symbol])
	}
	return row, fmt.Errorf("%.40q is not listed", symbol)
}
