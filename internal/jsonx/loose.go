package jsonx

import "github.com/go-json-experiment/json/jsontext"

// Text is a string in an answer of somebody who does not keep to a schema;
// anything else, null included, reads as empty.
type Text string

// UnmarshalJSONFrom reads one value.
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	if dec.PeekKind() != '"' {
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err == nil {
		*t = Text(token.String())
	}
	return err
}

// Label is a string or a number as text; anything else, null included, reads as
// empty. For codes and ids that come either way.
type Label string

// UnmarshalJSONFrom reads one value.
func (l *Label) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = ""
	if kind := dec.PeekKind(); kind != '"' && kind != '0' {
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err == nil {
		*l = Label(token.String())
	}
	return err
}
