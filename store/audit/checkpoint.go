package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/store"
)

// ErrCheckpoint says that text is not a checkpoint.
var ErrCheckpoint = errors.New("audit: not a checkpoint")

const (
	checkpointWord = "ballast-checkpoint"
	formatVersion  = "v1"
	maxLine        = 4 << 10 // of a file of checkpoints
	maxCheckpoints = 1_000_000
)

// FormatCheckpoint is a checkpoint as one line of text without its end:
//
//	ballast-checkpoint v1 SEQ HASH TIME "ACCOUNT"
//
// HASH is hexadecimal, TIME RFC 3339 in UTC, ACCOUNT quoted as in Go.
func FormatCheckpoint(c store.Checkpoint) string {
	return fmt.Sprintf("%s %s %d %x %s %s", checkpointWord, formatVersion, c.Seq, c.Hash[:], c.At.UTC().Format(time.RFC3339Nano), strconv.QuoteToASCII(c.AccountID))
}

// ParseCheckpoint reads what FormatCheckpoint writes; the error is
// ErrCheckpoint.
func ParseCheckpoint(line string) (store.Checkpoint, error) {
	fail := func(format string, args ...any) (store.Checkpoint, error) {
		return store.Checkpoint{}, fmt.Errorf("%w: "+format, append([]any{ErrCheckpoint}, args...)...)
	}
	if len(line) > maxLine {
		return fail("must have at most %d bytes, had %d", maxLine, len(line))
	}
	parts := strings.SplitN(line, " ", 6)
	if len(parts) != 6 || parts[0] != checkpointWord {
		return fail("must read %q, was %.80q", checkpointWord+" "+formatVersion+` SEQ HASH TIME "ACCOUNT"`, line)
	}
	if parts[1] != formatVersion {
		return fail("version must be %s, was %.20q", formatVersion, parts[1])
	}
	var c store.Checkpoint
	var err error
	if c.Seq, err = strconv.ParseInt(parts[2], 10, 64); err != nil || c.Seq < 0 {
		return fail("number must be a whole number from 0 on, was %.30q", parts[2])
	}
	if err = c.Hash.UnmarshalText([]byte(parts[3])); err != nil || parts[3] == "" {
		return fail("hash must be 64 hexadecimal digits, was %.80q", parts[3])
	}
	if c.At, err = time.Parse(time.RFC3339Nano, parts[4]); err != nil {
		return fail("time must be RFC 3339, was %.40q", parts[4])
	}
	c.At = c.At.UTC()
	if c.AccountID, err = strconv.Unquote(parts[5]); err != nil || parts[5][0] != '"' {
		return fail("account must be quoted, was %.80q", parts[5])
	}
	if err := store.CheckAccountID(c.AccountID); err != nil {
		return fail("%w", err)
	}
	return c, nil
}

// WriteCheckpoints writes one line for each.
func WriteCheckpoints(w io.Writer, checkpoints []store.Checkpoint) error {
	var b bytes.Buffer
	for _, c := range checkpoints {
		b.WriteString(FormatCheckpoint(c))
		b.WriteByte('\n')
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("audit: checkpoints: %w", err)
	}
	return nil
}

// ReadCheckpoints reads a file of checkpoints, of any age and of several
// accounts, at most 1,000,000. Empty lines and those that begin with # are
// skipped, and so is a signature: VerifySignature checks that.
func ReadCheckpoints(r io.Reader) ([]store.Checkpoint, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var out []store.Checkpoint
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimRight(lines.Text(), " \t\r")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, signatureWord+" ") {
			continue
		}
		c, err := ParseCheckpoint(line)
		if err != nil {
			return nil, fmt.Errorf("audit: checkpoints: line %d: %w", number, err)
		}
		if out = append(out, c); len(out) > maxCheckpoints {
			return nil, fmt.Errorf("audit: checkpoints must be at most %d", maxCheckpoints)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("audit: checkpoints: line %d: %w", number+1, err)
	}
	return out, nil
}
