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
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(decodeDecimal), json.UnmarshalFromFunc(decodeNullDecimal), json.UnmarshalFromFunc(decodeDuration))))
}

func options() json.Options {
	return json.JoinOptions(json.Deterministic(true), json.WithMarshalers(json.JoinMarshalers(
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
	)))
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

// MaxExponent bounds the magnitude of accepted decimals: money and prices are
// far inside, and a hostile exponent cannot expand into megabytes of digits.
const MaxExponent = 30

// ParseDecimal reads a plain decimal number of at most 60 characters whose
// exponent stays within ±MaxExponent.
func ParseDecimal(text string) (decimal.Decimal, error) {
	if len(text) == 0 || len(text) > 60 || strings.Trim(text, "0123456789+-.eE") != "" {
		return decimal.Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimal, text)
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimal, text)
	}
	if e := d.Exponent(); e > MaxExponent || e < -MaxExponent {
		return decimal.Decimal{}, fmt.Errorf("%w: exponent of %.40q must be within ±%d", ErrDecimal, text, MaxExponent)
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
