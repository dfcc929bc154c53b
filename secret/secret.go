// Package secret holds API keys so that no way of printing, logging or
// encoding can reveal them.
package secret

import "errors"

// Redacted is what every way of printing a Value shows.
const Redacted = "[redacted]"

// Value is a secret. The zero value is absent. It can be copied but not
// compared or used as a map key.
//
// The text sits behind a function: package fmt calls no methods on unexported
// fields of other structs, so a string in here would be printed by %+v of
// whatever struct holds the Value; a function prints as an address.
type Value struct{ reveal func() string }

// New wraps text; empty text is the absent Value.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{reveal: func() string { return text }}
}

// Reveal is the secret itself, for the one line that sends it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// IsZero reports an absent secret.
func (v Value) IsZero() bool { return v.reveal == nil }

// String is Redacted, or empty when absent.
func (v Value) String() string {
	if v.IsZero() {
		return ""
	}
	return Redacted
}

// GoString is String, for %#v.
func (v Value) GoString() string { return v.String() }

// MarshalText is String, for every encoder.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ErrEncoded says that what is read was an encoded, hence redacted, Value.
var ErrEncoded = errors.New("secret: a redacted value cannot be read back")

// UnmarshalText reads a secret, for configuration decoders. Reading back what
// MarshalText wrote is ErrEncoded.
func (v *Value) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return ErrEncoded
	}
	*v = New(string(text))
	return nil
}
