package jsonx

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Encoder encodes as Marshal does, and some types without their MarshalJSON.
// The zero value is Marshal. It is safe for concurrent use.
type Encoder struct{ inline json.Options }

// Inline says that T is encoded as the P that plain makes of it. P must have
// the members of T and no MarshalJSON, so that the bytes are the same: only the
// copies go that nested calls of MarshalJSON make.
func Inline[T, P any](plain func(T) P) *json.Marshalers {
	return json.MarshalToFunc(func(enc *jsontext.Encoder, v T) error { return json.MarshalEncode(enc, plain(v)) })
}

// NewEncoder makes an Encoder that does so for these types.
func NewEncoder(inline ...*json.Marshalers) Encoder {
	return Encoder{json.WithMarshalers(json.JoinMarshalers(append(inline, marshalers())...))}
}

// Marshal encodes v.
func (e Encoder) Marshal(v any) ([]byte, error) {
	if e.inline == nil {
		return Marshal(v)
	}
	return json.Marshal(v, json.Deterministic(true), e.inline)
}
