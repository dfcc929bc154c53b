package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Number is a decimal that JSON shows as a number with all its digits, and as
// null when it is unknown.
type Number struct{ decimal.NullDecimal }

// Of is a known Number.
func Of(d decimal.Decimal) Number { return Number{decimal.NewNullDecimal(d)} }

// MarshalJSON writes a number or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return []byte(n.Decimal.String()), nil
}

// Write writes v as indented JSON that is safe on a terminal: control and
// format characters inside of texts, which a model or a file may have put
// there, are escaped. It writes nothing when v cannot be encoded.
func Write(w io.Writer, v any) error { return write(w, v, "  ") }

// WriteLine is Write on one line.
func WriteLine(w io.Writer, v any) error { return write(w, v, "") }

func write(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b) //nolint:forbidigo // a host has no internal/jsonx; this only encodes, and the types keep their digits
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible relies on the encoder: whatever is not ASCII stands inside
// of a string.
func escapeInvisible(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			out = appendEscaped(out, r)
		} else {
			out = append(out, data[:size]...)
		}
		data = data[size:]
	}
	return out
}

func appendEscaped(out []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
