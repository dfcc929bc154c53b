package jsonx

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the first byte of a JSON value or delimiter: n f t " 0 { } [ ].
// Zero is not JSON, or the end of the document.
type Kind = jsontext.Kind

// What can be wrong with a document's syntax. A *SyntaxError wraps one.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrTruncated = errors.New("ends too early")
	ErrDuplicate = errors.New("the same member twice")
	ErrTrailing  = errors.New("more than one JSON value")
	ErrDepth     = errors.New("nested too deeply")
)

// SyntaxError says where a document stops being acceptable.
type SyntaxError struct {
	Offset int64 // in bytes from the start of the document
	Err    error // one of the errors above
}

// Error quotes nothing of the document.
func (e *SyntaxError) Error() string { return fmt.Sprintf("jsonx: byte %d: %s", e.Offset, e.Err) }

// Unwrap is the sentinel.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Decoder reads one hostile document value by value, for decoders that must
// say exactly what is wrong. Duplicate names, invalid UTF-8 and lone
// surrogates are syntax errors. It is not safe for concurrent use.
type Decoder struct {
	text    *jsontext.Decoder
	scratch []byte
}

// NewDecoder reads the document, which must not change meanwhile.
func NewDecoder(document []byte) *Decoder {
	return &Decoder{text: jsontext.NewDecoder(bytes.NewBuffer(document))}
}

// Kind is what the next read meets; zero when that read fails.
func (d *Decoder) Kind() Kind { return d.text.PeekKind() }

// Offset is how many bytes were read.
func (d *Decoder) Offset() int64 { return d.text.InputOffset() }

// Token reads one token: a delimiter, a member name or a scalar.
func (d *Decoder) Token() (Kind, error) {
	token, err := d.text.ReadToken()
	if err != nil {
		return 0, d.syntaxError(err)
	}
	return token.Kind(), nil
}

// Raw reads one value or member name and returns its bytes, valid until the
// next read.
func (d *Decoder) Raw() ([]byte, error) {
	value, err := d.text.ReadValue()
	if err != nil {
		return nil, d.syntaxError(err)
	}
	return value, nil
}

// More reports whether the open object or array has another member or
// element. At its end it reads the closing delimiter.
func (d *Decoder) More() (bool, error) {
	if k := d.Kind(); k != '}' && k != ']' {
		return true, nil // a broken document shows at the next read
	}
	_, err := d.Token()
	return false, err
}

// Text reads one string, unescaped. Anything else is ErrSyntax. The bytes are
// valid until the next read.
func (d *Decoder) Text() ([]byte, error) {
	raw, err := d.Raw()
	if err != nil {
		return nil, err
	}
	if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	if d.scratch, err = jsontext.AppendUnquote(d.scratch[:0], raw); err != nil {
		return nil, d.syntaxError(err)
	}
	return d.scratch, nil
}

// Skip reads one value that may nest until the document is maxDepth levels
// deep; deeper is ErrDepth.
func (d *Decoder) Skip(maxDepth int) error {
	outside := d.text.StackDepth()
	for {
		if _, err := d.Token(); err != nil {
			return err
		}
		switch depth := d.text.StackDepth(); {
		case depth > maxDepth:
			return &SyntaxError{Offset: d.Offset(), Err: ErrDepth}
		case depth <= outside:
			return nil
		}
	}
}

// End reports what follows the document's one value: nil when it is white
// space alone.
func (d *Decoder) End() error {
	_, err := d.text.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return &SyntaxError{Offset: d.Offset(), Err: ErrTrailing}
}

func (d *Decoder) syntaxError(err error) error {
	out := &SyntaxError{Offset: d.Offset(), Err: ErrSyntax}
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		out.Offset = at.ByteOffset
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		out.Err = ErrTruncated
	case errors.Is(err, jsontext.ErrDuplicateName):
		out.Err = ErrDuplicate
	}
	return out
}

// AppendText appends text as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendText(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) //nolint:errcheck // its only error is the replacement that the contract states
	return dst
}
