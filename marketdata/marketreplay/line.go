package marketreplay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Schema is the version of the recordings that this package writes and reads.
const Schema = 1

// Bounds of a recording. A Recorder stops before it exceeds one. What is read
// may take some twenty times the size of the file in memory.
const (
	MaxLineBytes = 32 << 20
	MaxAnswers   = 1_000_000
	MaxFileBytes = 256 << 20
)

// limits are the bounds as values, so that tests can lower them.
type limits struct {
	line, answers int
	file          int64
}

func standard() limits { return limits{line: MaxLineBytes, answers: MaxAnswers, file: MaxFileBytes} }

func (l limits) lineError(was int) error {
	return fmt.Errorf("must have at most %d bytes, had %d or more", l.line, was)
}

func (l limits) answersError() error {
	return fmt.Errorf("must be the last of at most %d answers", l.answers)
}

func (l limits) fileError(was int64) error {
	return fmt.Errorf("must end within %d bytes of the recording, which had %d or more", l.file, was)
}

const format = "ballast-market"

type header struct {
	Format string `json:"format"`
	Schema int    `json:"schema"`
}

func (h header) check() error {
	if h.Format != format || h.Schema != Schema {
		return fmt.Errorf("must be a recording of format %q, schema %d, was %.40q, %d", format, Schema, h.Format, h.Schema)
	}
	return nil
}

// line is every line but the header.
type line struct {
	Sum   digest `json:"sum"`
	Entry raw    `json:"entry"`
}

// digest is a SHA-256, in JSON in hexadecimal.
type digest [sha256.Size]byte

func digestOf(parts ...[]byte) digest { return sha256.Sum256(slices.Concat(parts...)) }

// MarshalText writes lower case.
func (d digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (d *digest) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(make([]byte, len(text)), text); err != nil || n != len(d) || strings.ToLower(string(text)) != string(text) {
		return fmt.Errorf("must be %d hexadecimal digits in lower case, was %.80q", 2*len(d), text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// raw is a JSON value as it was written.
type raw []byte

// MarshalJSON writes the value.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

// UnmarshalJSON takes any value.
func (r *raw) UnmarshalJSON(data []byte) error {
	*r = slices.Clone(data)
	return nil
}

// entry is a series, or a query and its answer.
type entry struct {
	Series   raw                  `json:"series,omitzero"`
	Query    *query               `json:"query,omitempty"`
	Snapshot *marketdata.Snapshot `json:"snapshot,omitempty"` // whose assets have no series
	// Candles are the series of the snapshot's assets.
	Candles map[string]map[marketdata.Interval]digest `json:"candles,omitempty"`
	Error   *failure                                  `json:"error,omitempty"`
}

// query is what of a marketdata.Query determines its answer, each member in
// one of the ways in which it can be put.
type query struct {
	Symbols   []string              `json:"symbols"` // sorted
	Intervals []marketdata.Interval `json:"intervals,omitempty"`
	Candles   int                   `json:"candles,omitzero"` // 0 without intervals
}

// queryOf is of a query that is valid.
func queryOf(q marketdata.Query) query {
	out := query{Symbols: slices.Sorted(slices.Values(q.Symbols))}
	for _, i := range marketdata.Intervals() {
		if slices.Contains(q.Intervals, i) {
			out.Intervals = append(out.Intervals, i)
		}
	}
	if len(out.Intervals) > 0 {
		out.Candles = q.CandleCount()
	}
	return out
}

// check refuses what queryOf does not make.
func (q query) check() error {
	asked := marketdata.Query{Symbols: q.Symbols, Intervals: q.Intervals, Candles: q.Candles}
	if err := asked.Validate(); err != nil {
		return err
	}
	if want := queryOf(asked); !slices.Equal(want.Symbols, q.Symbols) || !slices.Equal(want.Intervals, q.Intervals) || want.Candles != q.Candles {
		return fmt.Errorf("query must have sorted symbols and intervals and the count of its candles, was %s", q)
	}
	return nil
}

// key is the identity of a query.
func (q query) key() (string, error) {
	data, err := jsonx.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("marketreplay: query: %w", err)
	}
	return string(data), nil
}

const maxQueryText = 200

// String names the query for a person: "BTCUSDT, ETHUSDT: 250 candles of 1h,
// 4h".
func (q query) String() string {
	symbols := fmt.Sprintf("%.*q", maxQueryText, strings.Join(q.Symbols, ", "))
	symbols = symbols[1 : len(symbols)-1] // control characters stay escaped
	if len(q.Intervals) == 0 {
		return symbols + ": quotes"
	}
	names := make([]string, len(q.Intervals))
	for n, i := range q.Intervals {
		names[n] = string(i)
	}
	return fmt.Sprintf("%s: %d candles of %s", symbols, q.Candles, strings.Join(names, ", "))
}

// check is of an entry that was just read.
func (e *entry) check() error {
	switch {
	case len(e.Series) > 0 && (e.Query != nil || e.Snapshot != nil || e.Candles != nil || e.Error != nil):
		return errors.New("must have either a series or an answer")
	case len(e.Series) > 0:
		return nil
	case e.Query == nil:
		return errors.New("must have a series, or a query and its answer")
	case (e.Snapshot == nil) == (e.Error == nil):
		return errors.New("must have either a snapshot or an error")
	}
	if err := e.Query.check(); err != nil {
		return err
	}
	if e.Error != nil {
		if e.Candles != nil {
			return errors.New("candles must belong to a snapshot")
		}
		return e.Error.check()
	}
	return e.checkSnapshot()
}

// checkSnapshot holds the snapshot to what every source promises.
func (e *entry) checkSnapshot() error {
	s := e.Snapshot
	if s.At.IsZero() {
		return errors.New("snapshot.at must be set")
	}
	if len(s.Assets)+len(s.Failures) != len(e.Query.Symbols) {
		return fmt.Errorf("snapshot must have an asset or a failure for each of %d symbols, had %d and %d", len(e.Query.Symbols), len(s.Assets), len(s.Failures))
	}
	for _, symbol := range e.Query.Symbols {
		asset, found := s.Assets[symbol]
		failure, failed := s.Failures[symbol]
		switch {
		case found == failed:
			return fmt.Errorf("%.40q must be either in snapshot.assets or in snapshot.failures", symbol)
		case found && asset.Symbol != symbol:
			return fmt.Errorf("snapshot.assets: %.40q must have its name, had %.40q", symbol, asset.Symbol)
		case found && asset.Series != nil:
			return fmt.Errorf("snapshot.assets: %.40q must have its candles beside the snapshot", symbol)
		case failed && (failure.Symbol != symbol || failure.Reason == ""):
			return fmt.Errorf("snapshot.failures: %.40q must have its name and a reason, had %.40q and %.40q", symbol, failure.Symbol, failure.Reason)
		}
	}
	for symbol := range e.Candles {
		if _, found := s.Assets[symbol]; !found {
			return fmt.Errorf("candles: %.40q must be an asset of the snapshot", symbol)
		}
	}
	return nil
}

// checkInterval refuses candles under another interval's name.
func checkInterval(name marketdata.Interval, s marketdata.Series) error {
	if i := s.Interval(); i != name && i != "" {
		return fmt.Errorf("%.40q must be candles of that interval, were of %s", name, i)
	}
	return nil
}

// decodeEntry reads an entry, strictly, and the series in it.
func decodeEntry(data []byte) (entry, marketdata.Series, error) {
	var e entry
	var s marketdata.Series
	if err := jsonx.Unmarshal(data, &e); err != nil {
		return e, s, err
	}
	if err := e.check(); err != nil {
		return e, s, err
	}
	if len(e.Series) > 0 {
		return e, s, s.UnmarshalJSON(e.Series)
	}
	return e, s, nil
}
