package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ballast-go/ballast/decision"
)

// maxInputBytes bounds a file or stdin: what decide --json prints has less.
const maxInputBytes = 4 << 20

// inputName is how messages call a file argument, where "-" is stdin.
func inputName(path string) string {
	if path == "-" {
		return "stdin"
	}
	return path
}

// read reads a file or, for "-", stdin. That it can be read is usage; what it
// says is data.
func (s *session) read(ctx context.Context, path string) ([]byte, error) {
	if path == "-" {
		data, err := s.readStdin(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, usageError{fmt.Errorf("stdin: %w", err)}
		}
		return data, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{unreadable(path, err)}
	}
	defer func() { _ = file.Close() }() //nolint:errcheck // only read
	data, err := readAll(file)
	if err != nil {
		return nil, usageError{unreadable(path, err)}
	}
	return data, nil
}

// openInput opens a file or, for "-", stdin, to be read bit by bit.
func (s *session) openInput(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(s.stdin), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{unreadable(path, err)}
	}
	return file, nil
}

// readStdin ends with ctx. A read of a terminal cannot be interrupted, so that
// one is left behind, to end with the input or with the process.
func (s *session) readStdin(ctx context.Context) ([]byte, error) {
	type outcome struct {
		data []byte
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		data, err := readAll(s.stdin)
		done <- outcome{data, err}
	}()
	select {
	case out := <-done:
		return out.data, out.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInputBytes+1))
	if err == nil && len(data) > maxInputBytes {
		err = fmt.Errorf("must be at most %d bytes, was more", maxInputBytes)
	}
	return data, err
}

// readStrategy reads a strategy document. The strategy_hash that strategies
// show prints beside one is no part of it.
func readStrategy(r io.Reader) (decision.Strategy, error) {
	data, err := readAll(r)
	if err != nil {
		return decision.Strategy{}, err
	}
	return parseStrategy(data)
}

func parseStrategy(data []byte) (decision.Strategy, error) {
	return decision.ReadStrategy(bytes.NewReader(without(data, "strategy_hash")))
}

// parseDecision reads a decision, also inside of what decide --json prints.
func parseDecision(data []byte) (decision.Decision, error) {
	all := members(data)
	if i := one(all, "decision"); i >= 0 && one(all, "decisions") < 0 {
		data = all[i].value
	}
	return decision.ReadDecision(bytes.NewReader(data))
}

// member is one at the top of a JSON object. Its text, with the comma before
// it, is from start to end.
type member struct {
	name       string
	value      json.RawMessage
	start, end int64
}

// members are those of a JSON object in their order, twins included; none when
// the document is anything else, which its reader reports.
func members(data []byte) (all []member) {
	decoder := json.NewDecoder(bytes.NewReader(data)) //nolint:forbidigo // a host has no internal/jsonx; this only finds what the library then reads
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	for {
		m := member{start: decoder.InputOffset()}
		token, err := decoder.Token()
		if err != nil {
			return nil
		}
		name, isName := token.(string)
		if !isName { // the end of the object
			_, err := decoder.Token()
			if !errors.Is(err, io.EOF) {
				return nil
			}
			return all
		}
		m.name = name
		if err := decoder.Decode(&m.value); err != nil {
			return nil
		}
		m.end = decoder.InputOffset()
		all = append(all, m)
	}
}

// one is the index of the only member of a name, -1 when there is none, or more.
func one(all []member, name string) int {
	found := -1
	for i := range all {
		switch {
		case all[i].name != name:
		case found >= 0:
			return -1
		default:
			found = i
		}
	}
	return found
}

// without is the document less a member at its top.
func without(data []byte, name string) []byte {
	all := members(data)
	i := one(all, name)
	if i < 0 {
		return data
	}
	rest := data[all[i].end:]
	if i == 0 && len(all) > 1 { // the comma is behind it
		_, rest, _ = bytes.Cut(rest, []byte(","))
	}
	return append(bytes.Clone(data[:all[i].start]), rest...)
}
