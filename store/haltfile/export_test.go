package haltfile

import "github.com/ballast-go/ballast/decision"

// The bounds of a file, and the room in it that is the global halt's.
const (
	MaxBytes    = maxBytes
	GlobalBytes = globalBytes
)

// Decode reads the content of a file.
func Decode(data []byte) ([]decision.Halt, error) { return decode(data) }
