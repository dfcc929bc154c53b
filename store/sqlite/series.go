package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// hashesAtOnce is how many series one statement looks for. Its text is always
// the same: places that are left over look for null, which nothing equals.
const hashesAtOnce = 16

const inHashes = ` FROM record_series WHERE hash IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// lookUp runs a statement that ends in inHashes for all of the hashes.
func lookUp(ctx context.Context, q querier, hashes []store.Hash, targets []any, f func() error, text string) error {
	for len(hashes) > 0 {
		n := min(len(hashes), hashesAtOnce)
		args := make([]any, hashesAtOnce)
		for i := range n {
			args[i] = hashes[i][:]
		}
		if err := each(ctx, q, targets, f, text+inHashes, args...); err != nil {
			return err
		}
		hashes = hashes[n:]
	}
	return nil
}

// present are those of the series that are kept.
func present(ctx context.Context, q querier, hashes []store.Hash) (map[store.Hash]bool, error) {
	kept := make(map[store.Hash]bool, len(hashes))
	var hash []byte
	err := lookUp(ctx, q, hashes, []any{&hash}, func() error {
		kept[store.Hash(hash)] = true
		return nil
	}, `SELECT hash`)
	return kept, err
}

// candles are a row of record_series, or why it cannot be read.
type candles struct {
	series marketdata.Series
	err    error
}

// series reads the candles of a batch, each once.
func (s *Store) series(ctx context.Context, q querier, batch []kept) (map[store.Hash]candles, error) {
	known := make(map[store.Hash]candles)
	var hashes []store.Hash
	for i := range batch {
		own, _ := split(batch[i].series) //nolint:errcheck // canonical says what is wrong
		for _, h := range own {
			if _, ok := known[h]; !ok {
				known[h] = candles{err: errors.New("missing")}
				hashes = append(hashes, h)
			}
		}
	}
	var (
		d          damage
		hash, body []byte
	)
	err := lookUp(ctx, q, hashes, []any{&hash, d.blob("body", &body)}, func() error {
		c := candles{err: d.take()}
		if c.err == nil {
			c = s.candles(store.Hash(hash), body)
		}
		known[store.Hash(hash)] = c
		return nil
	}, `SELECT hash, body`)
	return known, err
}

func (s *Store) candles(hash store.Hash, body []byte) (c candles) {
	text, err := s.pack.Unpack(body)
	if err == nil {
		err = c.series.UnmarshalJSON(text)
	}
	if err == nil && hash != c.series.Digest() {
		err = errors.New("its digest is another")
	}
	c.err = err
	return c
}

// split cuts the hashes of a record apart.
func split(series []byte) ([]store.Hash, error) {
	const size = len(store.Hash{})
	if len(series)%size != 0 {
		return nil, fmt.Errorf("series must have a multiple of %d bytes, had %d", size, len(series))
	}
	hashes := make([]store.Hash, 0, len(series)/size)
	for ; len(series) > 0; series = series[size:] {
		hashes = append(hashes, store.Hash(series[:size]))
	}
	return hashes, nil
}
