package store

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// ErrCursor says that a cursor is not one of Page.Next.
var ErrCursor = errors.New("store: invalid cursor")

// Position is where a page ends: the time and id of its last entry.
type Position struct {
	At time.Time
	ID string
}

// Cursor is the position as text for Query.Cursor.
func (p Position) Cursor() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(p.ID)), uint64(p.At.UnixMicro())) //nolint:gosec // both ways the same bits
	return base64.RawURLEncoding.EncodeToString(append(b, p.ID...))
}

// ParseCursor reads what Cursor writes; the zero Position for an empty one.
func ParseCursor(cursor string) (Position, error) {
	if cursor == "" {
		return Position{}, nil
	}
	if len(cursor) > base64.RawURLEncoding.EncodedLen(8+MaxIDBytes) {
		return Position{}, fmt.Errorf("%w: longer than any", ErrCursor)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 9 {
		return Position{}, fmt.Errorf("%w: %.40q", ErrCursor, cursor)
	}
	p := Position{At: time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), ID: string(b[8:])} //nolint:gosec // both ways the same bits
	if !inYears(p.At) || !utf8.ValidString(p.ID) {
		return Position{}, fmt.Errorf("%w: no decision has its time or id", ErrCursor)
	}
	return p, nil
}
