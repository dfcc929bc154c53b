package aster

import (
	"errors"

	"github.com/go-json-experiment/json"          //nolint:depguard // jsonx refuses the unknown members that the venue adds; with it, this file follows encoding/json/v2
	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // the same
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// decode reads one document of the venue: unknown members are its to add;
// duplicate members, invalid UTF-8 and a second document are errors, and names
// match by case, since e and E differ in streams. Decimals come from strings
// or numbers, exact and within the bounds of jsonx.ParseDecimal. The error
// quotes nothing but a short string that is no decimal.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(decodeDecimal), json.UnmarshalFromFunc(decodeNullDecimal))))
	return explain(err)
}

func decodeDecimal(dec *jsontext.Decoder, d *decimal.Decimal) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if kind := token.Kind(); kind != '0' && kind != '"' {
		return jsonx.ErrDecimal
	}
	parsed, err := jsonx.ParseDecimal(token.String())
	if err == nil {
		*d = parsed
	}
	return err
}

func decodeNullDecimal(dec *jsontext.Decoder, d *decimal.NullDecimal) error {
	if dec.PeekKind() == 'n' {
		*d = decimal.NullDecimal{}
		return dec.SkipValue()
	}
	d.Valid = true
	return decodeDecimal(dec, &d.Decimal)
}

// decodeError tells where a document is not what it should be, in the words of
// neither Go's types nor the document.
type decodeError struct {
	where string // a JSON pointer, or empty
	err   error
}

// Error reads "at /symbols/3/status: …".
func (e *decodeError) Error() string {
	if e.where == "" {
		return e.err.Error()
	}
	return "at " + e.where + ": " + e.err.Error()
}

// Unwrap is the cause.
func (e *decodeError) Unwrap() error { return e.err }

var (
	errNotJSON   = errors.New("not one valid JSON document")
	errWrongKind = errors.New("a JSON value of another kind than promised")
)

func explain(err error) error {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic) && semantic.Err != nil:
		return &decodeError{string(semantic.JSONPointer), semantic.Err}
	case errors.As(err, &semantic):
		return &decodeError{string(semantic.JSONPointer), errWrongKind}
	case errors.As(err, &syntactic):
		return &decodeError{"", errNotJSON}
	}
	return &decodeError{"", errNotJSON} // io.ErrUnexpectedEOF: an empty or cut document
}

// Members that come as a string, as a number, or not at all.
type (
	text  = jsonx.Text
	label = jsonx.Label
)
