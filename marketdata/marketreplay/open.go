package marketreplay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// ErrTorn says that the last line of a recording broke off, as it does when a
// program is killed while it writes. A *LineError wraps it.
var ErrTorn = errors.New("the last line broke off")

// LineError is what is wrong with a line of a recording.
type LineError struct {
	Line int // from 1, the header
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("marketreplay: line %d: %s", e.Line, e.Err) }

// Unwrap is the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Config says how a recording answers.
type Config struct {
	// Now is the clock of a replay by time: the newest snapshot of the same
	// query that was not taken after it answers, again and again. Default nil:
	// a replay in order, in which a query that was recorded n times gives its
	// n answers one after the other.
	Now func() time.Time
	// AllowTorn uses a recording whose last line broke off, as far as it goes;
	// Replay.Torn then says so. Default false: that is an error.
	AllowTorn bool
}

// Open reads a whole recording of at most MaxFileBytes, MaxAnswers and
// MaxLineBytes a line. Anything that a Recorder would not have written is a
// *LineError; an error of r is wrapped.
func Open(r io.Reader, cfg Config) (*Replay, error) { return open(r, cfg, standard()) }

func open(r io.Reader, cfg Config, bounds limits) (*Replay, error) {
	source := &io.LimitedReader{R: r, N: bounds.file + 1}
	scanner := bufio.NewScanner(source)
	scanner.Buffer(nil, bounds.line+2) // with its end, which may be CR LF
	scanner.Split(linesWithEnd)
	o := opening{bounds: bounds, replay: newReplay(cfg), series: map[digest]marketdata.Series{}}
	var err error
	for err == nil && scanner.Scan() {
		err = o.read(scanner.Bytes())
	}
	switch {
	case source.N <= 0:
		err = bounds.fileError(bounds.file + 1)
	case errors.Is(scanner.Err(), bufio.ErrTooLong):
		o.number++
		err = bounds.lineError(bounds.line + 1)
	case scanner.Err() != nil:
		return nil, fmt.Errorf("marketreplay: %w", scanner.Err())
	case o.number == 0:
		o.number, err = 1, errors.New("is missing")
	}
	if err == nil {
		o.replay.settle()
		return o.replay, nil
	}
	bad := &LineError{Line: o.number, Err: err}
	if errors.Is(err, ErrTorn) && cfg.AllowTorn && o.number > 1 {
		o.replay.torn = bad
		o.replay.settle()
		return o.replay, nil
	}
	return nil, bad
}

// linesWithEnd keeps the end of each line: what has none is the last, and may
// have broken off.
func linesWithEnd(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if end := bytes.IndexByte(data, '\n') + 1; end > 0 {
		return end, data[:end], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// opening is a recording while it is read.
type opening struct {
	bounds limits
	replay *Replay
	series map[digest]marketdata.Series
	number int // of the line that is read, from 1
	sum    digest
}

func (o *opening) read(text []byte) error {
	o.number++
	data, whole := bytes.CutSuffix(text, []byte("\n"))
	data = bytes.TrimSuffix(data, []byte("\r"))
	if len(data) > o.bounds.line {
		return o.bounds.lineError(len(data))
	}
	err := o.readLine(data)
	if err != nil && !whole {
		return fmt.Errorf("%w: %w", ErrTorn, err)
	}
	return err
}

func (o *opening) readLine(data []byte) error {
	if o.number == 1 {
		var h header
		if err := jsonx.Unmarshal(data, &h); err != nil {
			return err
		}
		o.sum = digestOf(data)
		return h.check()
	}
	var l line
	if err := jsonx.Unmarshal(data, &l); err != nil {
		return err
	}
	if o.sum = digestOf(o.sum[:], l.Entry); o.sum != l.Sum {
		return errors.New("sum must be that of the lines so far and the entry: something was changed, lost or put in")
	}
	e, s, err := decodeEntry(l.Entry)
	switch {
	case err != nil:
		return err
	case len(e.Series) > 0:
		o.series[digestOf(e.Series)] = s
		return nil
	}
	return o.keep(e)
}

// keep puts the candles back into a snapshot and adds it to the replay.
func (o *opening) keep(e entry) error {
	if len(o.replay.recorded) == o.bounds.answers {
		return o.bounds.answersError()
	}
	if e.Snapshot != nil {
		for symbol, of := range e.Candles {
			asset := e.Snapshot.Assets[symbol]
			asset.Series = make(map[marketdata.Interval]marketdata.Series, len(of))
			for interval, id := range of {
				s, known := o.series[id]
				if !known {
					return fmt.Errorf("candles: %.40q: %s must be a series of an earlier line", symbol, interval)
				}
				if err := checkInterval(interval, s); err != nil {
					return fmt.Errorf("candles: %.40q: %w", symbol, err)
				}
				asset.Series[interval] = s
			}
			e.Snapshot.Assets[symbol] = asset
		}
	}
	return o.replay.add(e)
}
