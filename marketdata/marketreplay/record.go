package marketreplay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Recorder asks a source and writes each answer down once it has come, with
// one Write for the answer and the series that are new in it. It is safe for
// concurrent use. Invalid queries are passed on and not recorded.
//
// What the source answers is passed on unchanged even when it cannot be
// recorded: a full disk costs no decision its market. The first such failure
// ends the recording and is kept for Err.
type Recorder struct {
	source marketdata.Source
	max    limits

	mu      sync.Mutex
	w       io.Writer
	last    digest // of the newest line
	known   map[digest]bool
	lines   int
	answers int
	bytes   int64
	err     error
}

var _ marketdata.Source = (*Recorder)(nil)

// Record writes the header of a recording to w, or fails, and records what the
// source is asked from then on. The caller closes w, after the last call.
func Record(source marketdata.Source, w io.Writer) (*Recorder, error) {
	return record(source, w, standard())
}

func record(source marketdata.Source, w io.Writer, bounds limits) (*Recorder, error) {
	if source == nil || w == nil {
		return nil, errors.New("marketreplay: a source and a writer are needed")
	}
	r := &Recorder{source: source, w: w, max: bounds, known: map[digest]bool{}}
	data, err := jsonx.Marshal(header{Format: format, Schema: Schema})
	if err != nil {
		return nil, fmt.Errorf("marketreplay: header: %w", err)
	}
	r.last = digestOf(data)
	if r.write(append(data, '\n'), 1); r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// Snapshot asks the source.
func (r *Recorder) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	snap, err := r.source.Snapshot(ctx, q)
	if q.Validate() != nil {
		return snap, err
	}
	asked := queryOf(q)
	answer := entry{Query: &asked}
	var series map[digest]raw
	var odd error
	if err != nil {
		answer.Error = describe(err)
	} else {
		series, odd = answer.take(snap)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
	case odd != nil:
		r.fail(0, odd)
	default:
		r.note(answer, series)
	}
	return snap, err
}

// Err is why the recording is incomplete: the first answer that could not be
// written. nil says that every call that returned is in it.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// take puts a snapshot into an answer and returns its series, encoded.
func (e *entry) take(snap marketdata.Snapshot) (map[digest]raw, error) {
	series := map[digest]raw{}
	bare := snap
	bare.Assets = make(map[string]marketdata.Asset, len(snap.Assets))
	for symbol, asset := range snap.Assets {
		for interval, candles := range asset.Series {
			data, err := jsonx.Marshal(candles)
			if err == nil {
				err = checkInterval(interval, candles)
			}
			if err != nil {
				return nil, fmt.Errorf("candles: %.40q: %w", symbol, err)
			}
			id := digestOf(data)
			series[id] = data
			e.refer(symbol, interval, id)
		}
		asset.Series = nil
		bare.Assets[symbol] = asset
	}
	e.Snapshot = &bare
	return series, nil
}

func (e *entry) refer(symbol string, interval marketdata.Interval, id digest) {
	if e.Candles == nil {
		e.Candles = map[string]map[marketdata.Interval]digest{}
	}
	if e.Candles[symbol] == nil {
		e.Candles[symbol] = map[marketdata.Interval]digest{}
	}
	e.Candles[symbol][interval] = id
}

// note writes an answer after the series that no line has yet.
func (r *Recorder) note(answer entry, series map[digest]raw) {
	maps.DeleteFunc(series, func(id digest, _ raw) bool { return r.known[id] })
	entries := make([]entry, 0, len(series)+1)
	for _, id := range slices.SortedFunc(maps.Keys(series), func(a, b digest) int { return bytes.Compare(a[:], b[:]) }) {
		entries = append(entries, entry{Series: series[id]})
	}
	if r.answers++; r.answers > r.max.answers {
		r.fail(0, r.max.answersError())
		return
	}
	var text []byte
	for n, e := range append(entries, answer) {
		data, err := r.encode(e)
		switch size := r.bytes + int64(len(text)+len(data)) + 1; {
		case err != nil:
		case len(data) > r.max.line:
			err = r.max.lineError(len(data))
		case size > r.max.file:
			err = r.max.fileError(size)
		}
		if err != nil {
			r.fail(n, err)
			return
		}
		text = append(append(text, data...), '\n')
	}
	r.write(text, len(entries)+1)
	for id := range series {
		r.known[id] = true
	}
}

// encode makes a line and reads it back, so that no recording is refused
// later.
func (r *Recorder) encode(e entry) ([]byte, error) {
	data, err := jsonx.Marshal(e)
	if err != nil {
		return nil, err
	}
	r.last = digestOf(r.last[:], data)
	out, err := jsonx.Marshal(line{Sum: r.last, Entry: data})
	if err == nil {
		_, _, err = decodeEntry(data)
	}
	return out, err
}

// write appends lines.
func (r *Recorder) write(text []byte, lines int) {
	if _, err := r.w.Write(text); err != nil {
		r.fail(0, err)
		return
	}
	r.lines += lines
	r.bytes += int64(len(text))
}

// fail ends the recording at one of the lines that were to be written.
func (r *Recorder) fail(after int, err error) {
	r.err = &LineError{Line: r.lines + 1 + after, Err: err}
}
