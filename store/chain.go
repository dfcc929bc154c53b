package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"time"

	"github.com/ballast-go/ballast/decision"
)

// Hash is a SHA-256. As text it is hexadecimal; the zero value is none.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal, empty for none.
func (h Hash) String() string {
	if h == (Hash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what String writes.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*h = Hash{}
		return nil
	}
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("store: a hash must have %d hexadecimal digits, had %d characters", hex.EncodedLen(len(h)), len(text))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Genesis is what the first link of an account's chain has in place of a
// previous hash: SHA-256("ballast.chain.v1\n" + account id).
func Genesis(accountID string) Hash { return sha256.Sum256([]byte("ballast.chain.v1\n" + accountID)) }

// Link is a decision's place in the chain of its account.
type Link struct {
	Seq      int64 `json:"seq"`      // 1, 2, 3 … in the order of Append
	Digest   Hash  `json:"digest"`   // of the record
	Previous Hash  `json:"previous"` // Hash of the link before, or Genesis
	Hash     Hash  `json:"hash"`     // Next of the three
}

// Next is the hash of a link: SHA-256(previous ‖ seq as 8 bytes, big-endian ‖
// digest of the record).
func Next(previous Hash, seq int64, digest Hash) Hash {
	var block [2*sha256.Size + 8]byte
	copy(block[:], previous[:])
	binary.BigEndian.PutUint64(block[sha256.Size:], uint64(seq)) //nolint:gosec // a sequence number is positive
	copy(block[sha256.Size+8:], digest[:])
	return sha256.Sum256(block[:])
}

// Checkpoint is the end of an account's chain at some time. Kept elsewhere, on
// paper even, it shows later that nothing up to it was taken away.
type Checkpoint struct {
	AccountID string    `json:"account_id"`
	Seq       int64     `json:"seq"` // 0: the chain is empty
	Hash      Hash      `json:"hash"`
	At        time.Time `json:"at"` // of the last decision, UTC
}

// Chained is a link with all that it is about, as it is kept.
type Chained struct {
	AccountID string
	Link      Link
	Row       Row // as its columns say
	// Canonical is the record as it was written: its digest is Link.Digest
	// unless somebody changed either.
	Canonical decision.Canonical
}

// Chain reads the chains of accounts as they are kept, without checking them:
// package store/audit does. A link whose content cannot be read yields an error
// that wraps ErrCorrupt beside the Chained that has what can be, and the
// sequence goes on; any other error ends it.
type Chain interface {
	// Heads are the ends of the chains of all accounts by account id. That of an
	// account without links is its Genesis at the zero time.
	Heads(ctx context.Context) ([]Checkpoint, error)
	// Links yields the links of an account after a sequence number, in order.
	Links(ctx context.Context, accountID string, after int64) iter.Seq2[Chained, error]
}
