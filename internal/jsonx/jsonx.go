// Package jsonx is the one place that knows the project's JSON library: exact
// decimals, no duplicate or case-variant names, no unknown members, valid
// UTF-8. The library becomes encoding/json/v2, and then only this
// package changes.
package jsonx

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Raw is a JSON value as it is written.
type Raw = jsontext.Value

// Marshal encodes v with decimals as JSON numbers that keep every digit,
// durations as whole nanoseconds and map keys sorted. Equal values give equal
// bytes.
func Marshal(v any) ([]byte, error) {
	return json.Marshal(v, options())
}

// Unmarshal decodes exactly one JSON value into v. Unknown, duplicate and
// case-variant members are errors; decimals may be numbers or strings of
// plain digits.
func Unmarshal(data []byte, v any) error {
	return explain(json.Unmarshal(data, v, json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(decodeDecimal), json.UnmarshalFromFunc(decodeNullDecimal), json.UnmarshalFromFunc(decodeDuration)))))
}

// explain words an error by where it is in the document instead of by Go's
// types. What the document says is not quoted.
func explain(err error) error {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic):
		where := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
		if where == "" {
			where = "the document"
		}
		switch {
		case errors.Is(semantic.Err, json.ErrUnknownName):
			return fmt.Errorf("%s: unknown member", where)
		case semantic.Err != nil:
			return fmt.Errorf("%s: %w", where, semantic.Err)
		}
		return fmt.Errorf("%s: a JSON %s does not belong here", where, kindName(semantic.JSONKind))
	case errors.As(err, &syntactic):
		return fmt.Errorf("not valid JSON at byte %d: %w", syntactic.ByteOffset, syntactic.Err)
	}
	return err
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "array"
	default:
		return k.String()
	}
}

func options() json.Options {
	return json.JoinOptions(json.Deterministic(true), json.WithMarshalers(marshalers()))
}

func marshalers() *json.Marshalers {
	return json.JoinMarshalers(
		json.MarshalToFunc(func(enc *jsontext.Encoder, d decimal.Decimal) error {
			return enc.WriteValue(Number(d))
		}),
		json.MarshalToFunc(func(enc *jsontext.Encoder, d decimal.NullDecimal) error {
			if !d.Valid {
				return enc.WriteToken(jsontext.Null)
			}
			return enc.WriteValue(Number(d.Decimal))
		}),
		json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
			return enc.WriteToken(jsontext.Int(int64(d)))
		}),
	)
}

// Number is d as a JSON number with its exact digits.
func Number(d decimal.Decimal) []byte { return []byte(d.String()) }

// IsNumber reports whether text is a JSON number and nothing else.
func IsNumber(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '0' && len(text) == len(strings.TrimSpace(text)) && v.IsValid()
}

// ErrDecimal reports a JSON value that is not an acceptable decimal.
var ErrDecimal = errors.New("jsonx: not a decimal")

// Bounds of accepted decimals: money and prices are far inside, products of
// them still fit, and a hostile exponent cannot expand into megabytes of
// digits.
const (
	MaxExponent = 60
	maxDigits   = 100
	maxText     = 170 // sign, digits, point and zeros of any number in range
)

// InRange reports whether d is within the bounds of ParseDecimal, so that what
// is written can be read back: the zeros of a positive exponent are written out,
// so they count as digits.
func InRange(d decimal.Decimal) bool {
	e := int(d.Exponent())
	return e <= MaxExponent && e >= -MaxExponent && d.NumDigits()+max(e, 0) <= maxDigits
}

// ParseDecimal reads a plain decimal number of at most 100 digits, zeros of the
// exponent included, whose exponent stays within ±MaxExponent.
func ParseDecimal(text string) (decimal.Decimal, error) {
	if len(text) == 0 || len(text) > maxText || strings.Trim(text, "0123456789+-.eE") != "" {
		return decimal.Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimal, text)
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimal, text)
	}
	if !InRange(d) {
		return decimal.Decimal{}, fmt.Errorf("%w: %.40q must have an exponent within ±%d and at most 100 digits", ErrDecimal, text, MaxExponent)
	}
	return d, nil
}

func decodeDecimal(dec *jsontext.Decoder, d *decimal.Decimal) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if kind := token.Kind(); kind != '0' && kind != '"' {
		return fmt.Errorf("%w: a JSON %s", ErrDecimal, kind)
	}
	parsed, err := ParseDecimal(token.String())
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func decodeNullDecimal(dec *jsontext.Decoder, d *decimal.NullDecimal) error {
	if dec.PeekKind() == 'n' {
		*d = decimal.NullDecimal{}
		return dec.SkipValue()
	}
	d.Valid = true
	return decodeDecimal(dec, &d.Decimal)
}

func decodeDuration(dec *jsontext.Decoder, d *time.Duration) error {
	var ns int64
	if err := json.UnmarshalDecode(dec, &ns); err != nil {
		return err
	}
	*d = time.Duration(ns)
	return nil
}
