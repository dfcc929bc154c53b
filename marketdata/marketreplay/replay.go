package marketreplay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// ErrNotRecorded says that a recording has no answer, or no further answer, to
// a query. The error that Snapshot returns also is a *NotRecordedError.
var ErrNotRecorded = errors.New("marketreplay: not recorded")

// NotRecordedError is a query that a recording cannot answer.
type NotRecordedError struct {
	Query    marketdata.Query // as it was asked
	Recorded int              // how many answers there are to it
	First    time.Time        // by time: when the first of them was taken, UTC; zero: there is none
	Now      time.Time        // by time: what the clock showed, UTC; zero: in order
}

// Error names the query.
func (e *NotRecordedError) Error() string {
	asked := queryOf(e.Query)
	switch {
	case e.Recorded == 0:
		return fmt.Sprintf("marketreplay: %s: was not recorded", asked)
	case e.First.IsZero():
		return fmt.Sprintf("marketreplay: %s: was recorded %d times and asked once more", asked, e.Recorded)
	default:
		return fmt.Sprintf("marketreplay: %s: was recorded from %s on and asked as of %s",
			asked, e.First.Format(time.RFC3339Nano), e.Now.Format(time.RFC3339Nano))
	}
}

// Unwrap is ErrNotRecorded.
func (e *NotRecordedError) Unwrap() error { return ErrNotRecorded }

// Recorded is one answer of a recording.
type Recorded struct {
	Query marketdata.Query // sorted; MaxAge is not recorded
	At    time.Time        // of the snapshot, UTC; zero: the answer was an error
}

// Replay is a source that answers from a recording and asks nobody. Queries
// are the same when they ask for the same symbols, intervals and number of
// candles, in whatever order; MaxAge makes no difference. What is answered
// has the times that were recorded: see the package's documentation for the
// clock that an engine needs. It is safe for concurrent use.
//
// A failure for an unknown symbol wraps marketdata.ErrUnknownSymbol again;
// other failures have lost their cause. By time, errors are not replayed.
type Replay struct {
	cfg      Config
	torn     *LineError
	recorded []Recorded

	mu     sync.Mutex
	tracks map[string]*track
	now    time.Time // of the newest answer given
}

// track is what a query was answered, in recorded order; by time, the
// snapshots in the order of their times.
type track struct {
	answers []answer
	given   int
}

// answer is one recorded outcome; failure is nil for a snapshot.
type answer struct {
	snapshot marketdata.Snapshot
	failure  *failure
}

var _ marketdata.Source = (*Replay)(nil)

func newReplay(cfg Config) *Replay { return &Replay{cfg: cfg, tracks: map[string]*track{}} }

func (r *Replay) add(e entry) error {
	key, err := e.Query.key()
	if err != nil {
		return err
	}
	a, was := answer{failure: e.Error}, Recorded{Query: marketdata.Query{Symbols: e.Query.Symbols, Intervals: e.Query.Intervals, Candles: e.Query.Candles}}
	if e.Snapshot != nil {
		a.snapshot, was.At = *e.Snapshot, e.Snapshot.At.UTC()
		for symbol, failure := range a.snapshot.Failures {
			if failure.Reason == marketdata.ReasonUnknownSymbol {
				failure.Err = marketdata.ErrUnknownSymbol
				a.snapshot.Failures[symbol] = failure
			}
		}
	}
	r.recorded = append(r.recorded, was)
	t := r.tracks[key]
	if t == nil {
		t = &track{}
		r.tracks[key] = t
	}
	if r.cfg.Now == nil || a.failure == nil {
		t.answers = append(t.answers, a)
	}
	return nil
}

// settle is called once everything was read.
func (r *Replay) settle() {
	for _, was := range r.recorded {
		if r.now = was.At; !r.now.IsZero() {
			break
		}
	}
	if r.cfg.Now == nil {
		return
	}
	for _, t := range r.tracks {
		slices.SortStableFunc(t.answers, func(a, b answer) int { return a.snapshot.At.Compare(b.snapshot.At) })
	}
}

// Snapshot gives a recorded answer, at once. Without one the error is a
// *NotRecordedError; after the end of ctx it is the context's, and no answer
// is used up.
func (r *Replay) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	if err := q.Validate(); err != nil {
		return marketdata.Snapshot{}, err
	}
	if err := ctx.Err(); err != nil {
		return marketdata.Snapshot{}, fmt.Errorf("marketreplay: %w", err)
	}
	key, err := queryOf(q).key()
	if err != nil {
		return marketdata.Snapshot{}, errors.Join(&NotRecordedError{Query: q}, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a, err := r.pick(key, q)
	switch {
	case err != nil:
		return marketdata.Snapshot{}, err
	case a.failure != nil:
		return marketdata.Snapshot{}, a.failure.err()
	}
	r.now = a.snapshot.At.UTC()
	return copied(a.snapshot), nil
}

func (r *Replay) pick(key string, q marketdata.Query) (answer, error) {
	t := r.tracks[key]
	if t == nil || len(t.answers) == 0 {
		return answer{}, &NotRecordedError{Query: q}
	}
	if r.cfg.Now != nil {
		return t.asOf(r.cfg.Now().UTC(), q)
	}
	if t.given == len(t.answers) {
		return answer{}, &NotRecordedError{Query: q, Recorded: t.given}
	}
	t.given++
	return t.answers[t.given-1], nil
}

// asOf is the newest snapshot that was not taken after now.
func (t *track) asOf(now time.Time, q marketdata.Query) (answer, error) {
	later, _ := slices.BinarySearchFunc(t.answers, now, func(a answer, now time.Time) int {
		if a.snapshot.At.After(now) {
			return 1
		}
		return -1
	})
	if later == 0 {
		return answer{}, &NotRecordedError{Query: q, Recorded: len(t.answers), First: t.answers[0].snapshot.At.UTC(), Now: now}
	}
	return t.answers[later-1], nil
}

// copied shares nothing with the recording that a caller could change.
func copied(s marketdata.Snapshot) marketdata.Snapshot {
	s = s.Clone()
	s.Notes = slices.Clone(s.Notes)
	for symbol, asset := range s.Assets {
		asset.Series, asset.Degraded = maps.Clone(asset.Series), slices.Clone(asset.Degraded)
		if asset.Instrument != nil {
			in := *asset.Instrument
			in.Brackets = slices.Clone(in.Brackets)
			asset.Instrument = &in
		}
		s.Assets[symbol] = asset
	}
	return s
}

// Now is a clock that stands at the snapshot given last, before the first at
// the first that was recorded: what decision.Config.Now needs to be for a
// replay in order. It is UTC, and zero for a recording without snapshots.
func (r *Replay) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// Answers lists what was recorded, in recorded order.
func (r *Replay) Answers() []Recorded {
	out := slices.Clone(r.recorded)
	for n := range out {
		q := &out[n].Query
		q.Symbols, q.Intervals = slices.Clone(q.Symbols), slices.Clone(q.Intervals)
	}
	return out
}

// Torn is the line that broke off, a *LineError that wraps ErrTorn; nil: the
// recording is whole.
func (r *Replay) Torn() error {
	if r.torn == nil {
		return nil
	}
	return r.torn
}
