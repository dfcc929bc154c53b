package httpx

import (
	"errors"
	"fmt"
	"io"
)

// TooLargeError reports a body that exceeded its bound.
type TooLargeError struct {
	Limit int64 // bytes
}

// Error names the bound.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("httpx: body must be at most %d bytes", e.Limit)
}

// ReadAll reads r to its end. More than limit bytes are a *TooLargeError, with
// the first limit bytes returned.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(Bounded(r, limit))
}

// Bounded reads r and fails with a *TooLargeError, rather than end, once more
// than limit bytes have come. Put it outside decompression, so that the bound
// holds for what is kept.
func Bounded(r io.Reader, limit int64) io.Reader {
	return &bounded{from: r, left: limit, limit: limit}
}

type bounded struct {
	from        io.Reader
	left, limit int64
}

// Read leaves one byte of room beyond the bound: only its arrival tells a body
// of exactly limit bytes from a larger one.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &TooLargeError{Limit: b.limit}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, &TooLargeError{Limit: b.limit}
	}
	return n, err
}

// IsTooLarge reports whether err is, or wraps, a *TooLargeError.
func IsTooLarge(err error) bool {
	var large *TooLargeError
	return errors.As(err, &large)
}
