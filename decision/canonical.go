package decision

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Canonical is the encoding of a record that is hashed and kept: its JSON,
// apart from the candles, which many records share and which stand in it by
// their SHA-256. docs/record.md specifies it byte for byte.
type Canonical struct {
	Body   []byte
	Series []marketdata.Series // that Body names, each once, by digest
}

// ErrSchema says that a record was written by a newer version of this package.
var ErrSchema = errors.New("decision: record of an unknown schema")

// body is Canonical.Body. Record is without candles.
type body struct {
	Series map[string]map[marketdata.Interval]string `json:"series"` // SHA-256 by symbol and interval
	Record jsonx.Raw                                 `json:"record"`
}

// Canonical is the record's canonical encoding. Equal records give equal bytes.
func (r Record) Canonical() (Canonical, error) {
	var c Canonical
	series := map[string]map[marketdata.Interval]string{}
	assets := make(map[string]marketdata.Asset, len(r.Input.Market.Assets))
	seen := map[[sha256.Size]byte]bool{}
	for symbol, a := range r.Input.Market.Assets {
		for interval, s := range a.Series {
			if series[symbol] == nil {
				series[symbol] = make(map[marketdata.Interval]string, len(a.Series))
			}
			digest := s.Digest()
			series[symbol][interval] = hex.EncodeToString(digest[:])
			if !seen[digest] {
				seen[digest] = true
				c.Series = append(c.Series, s)
			}
		}
		a.Series = nil
		assets[symbol] = a
	}
	r.Input.Market.Assets = assets
	slices.SortFunc(c.Series, func(a, b marketdata.Series) int {
		x, y := a.Digest(), b.Digest()
		return bytes.Compare(x[:], y[:])
	})
	index, err := jsonx.Marshal(series)
	if err != nil {
		return Canonical{}, fmt.Errorf("decision: record: series: %w", err)
	}
	record, err := recordEncoder.Marshal(plainRecord(r))
	if err != nil {
		return Canonical{}, fmt.Errorf("decision: record: %w", err)
	}
	c.Body = make([]byte, 0, len(index)+len(record)+24)
	c.Body = append(append(c.Body, `{"series":`...), index...)
	c.Body = append(append(c.Body, `,"record":`...), record...)
	c.Body = append(c.Body, '}')
	return c, nil
}

type (
	plainRecord   Record
	plainInput    Input
	plainDecision Decision
	plainAsset    AssetDecision
	plainResult   Result
)

// recordEncoder gives the bytes of Record.MarshalJSON in one pass: a record is
// encoded for every decision.
//
//nolint:gochecknoglobals // it never changes, and holds what the JSON library derives of the types once
var recordEncoder = jsonx.NewEncoder(
	jsonx.Inline(func(v Input) plainInput { return plainInput(v) }),
	jsonx.Inline(func(v Account) plainAccount { return plainAccount(v) }),
	jsonx.Inline(Strategy.plain),
	jsonx.Inline(func(v Decision) plainDecision { return plainDecision(v) }),
	jsonx.Inline(func(v AssetDecision) plainAsset { return plainAsset(v) }),
	jsonx.Inline(func(v Result) plainResult { return plainResult(v) }),
)

// Digest is the SHA-256 of Body, which identifies the record's content.
func (c Canonical) Digest() [sha256.Size]byte { return sha256.Sum256(c.Body) }

// Digest is that of the record's canonical encoding in hexadecimal: equal
// content, equal digest.
func (r Record) Digest() (string, error) {
	c, err := r.Canonical()
	if err != nil {
		return "", err
	}
	digest := c.Digest()
	return hex.EncodeToString(digest[:]), nil
}

// Record reads a canonical encoding of this or an earlier version; that of a
// later one is ErrSchema. The digest of Body is not checked, whoever keeps it
// does that; those of Series are, as nothing else says which they are.
func (c Canonical) Record() (Record, error) {
	var b body
	if err := jsonx.Unmarshal(c.Body, &b); err != nil {
		return Record{}, fmt.Errorf("decision: record: %w", err)
	}
	var r Record
	if err := r.UnmarshalJSON(b.Record); err != nil {
		return Record{}, fmt.Errorf("decision: record: %w", err)
	}
	byDigest := make(map[string]marketdata.Series, len(c.Series))
	for _, s := range c.Series {
		digest := s.Digest()
		byDigest[hex.EncodeToString(digest[:])] = s
	}
	for _, symbol := range slices.Sorted(maps.Keys(b.Series)) {
		asset, ok := r.Input.Market.Assets[symbol]
		if !ok || len(asset.Series) > 0 {
			return Record{}, fmt.Errorf("decision: record: series of %.40q, which has no place for them", symbol)
		}
		asset.Series = make(map[marketdata.Interval]marketdata.Series, len(b.Series[symbol]))
		for interval, digest := range b.Series[symbol] {
			s, ok := byDigest[digest]
			if !ok {
				return Record{}, fmt.Errorf("decision: record: the candles %.64s of %.40s, %.10s are missing or were changed", digest, symbol, interval)
			}
			asset.Series[interval] = s
		}
		r.Input.Market.Assets[symbol] = asset
	}
	return r, nil
}

// checkSchema reports a record of a schema that this version cannot read. The
// schema is the first member, so that it is found whatever follows.
func checkSchema(record []byte) error {
	d := jsonx.NewDecoder(record)
	if kind, err := d.Token(); err != nil || kind != '{' {
		return cmp.Or(err, errNoSchema)
	}
	if name, err := d.Text(); err != nil || string(name) != "schema" {
		return errNoSchema
	}
	number, err := d.Raw()
	if err != nil {
		return err
	}
	if schema, err := strconv.Atoi(string(number)); err != nil || schema < 1 || schema > RecordSchema {
		return fmt.Errorf("%w: %.20s, this version reads 1 to %d", ErrSchema, number, RecordSchema)
	}
	return nil
}

var errNoSchema = fmt.Errorf("%w: it must be an object whose first member is schema", ErrSchema)
