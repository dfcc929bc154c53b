package app

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ballast-go/ballast/breaker"
)

// savedCircuits keeps what the circuits of models know in DATA_DIR, so that
// the next run does not hammer a provider that is down. It adds what happened
// since the last save to what the file holds, because several runs may share
// it; of two that save in the same instant, one is lost.
type savedCircuits struct {
	dir string
	now func() time.Time

	mu       sync.Mutex
	written  map[string]breaker.Stats // counts that the file has
	served   uint64                   // of reported, since the last save
	reported uint64
	warnings []string
}

func openCircuits(dir string, now func() time.Time) *savedCircuits {
	return &savedCircuits{dir: dir, now: now, written: map[string]breaker.Stats{}}
}

// restore brings the circuits to where the file left them. A file that cannot
// be read is a warning and a fresh start.
func (s *savedCircuits) restore(guards []*guard, threshold int) {
	file := s.read()
	for _, g := range guards {
		for _, k := range g.keepers() {
			one := file.find(k.Stats().Name)
			if one == nil {
				continue
			}
			state := one.State
			state.ConsecutiveFailures = min(state.ConsecutiveFailures, threshold-1) // which may have been higher
			if err := k.Restore(state); err != nil {
				s.warn(fmt.Sprintf("%s: circuit %s starts fresh: %v", CircuitsPath(s.dir), state.Name, err))
			}
		}
	}
}

func (s *savedCircuits) read() CircuitsFile {
	file, err := ReadCircuits(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.warn(err.Error() + "; every circuit starts fresh")
		return CircuitsFile{}
	}
	return file
}

// note counts a decision, for the share of those that were served.
func (s *savedCircuits) note(served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reported++
	if served {
		s.served++
	}
}

// save writes the file when there is anything new.
func (s *savedCircuits) save(guards []*guard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.news(guards) {
		return
	}
	file, err := ReadCircuits(s.dir)
	if err != nil {
		file = CircuitsFile{} // absent, or broken as restore said
	}
	at, counted := s.now().UTC(), map[string]breaker.Stats{}
	for _, g := range guards {
		for _, k := range g.keepers() {
			stats := k.Stats()
			counted[stats.Name] = stats
			one := file.entry(stats.Name)
			one.add(stats, s.written[stats.Name])
			one.State, one.SavedAt = k.Save(), at
			if k == keeper(g.policy) {
				one.Served, one.Reported = one.Served+s.served, one.Reported+s.reported
			}
		}
	}
	if err := file.write(s.dir); err != nil {
		s.warnings = append(s.warnings, "circuits were not saved: "+err.Error())
		return
	}
	s.written, s.served, s.reported = counted, 0, 0
}

// news reports whether anything happened since the last save.
func (s *savedCircuits) news(guards []*guard) bool {
	if s.reported > 0 {
		return true
	}
	for _, g := range guards {
		for _, k := range g.keepers() {
			stats := k.Stats()
			if was := s.written[stats.Name]; stats.Total != was.Total || stats.Rejected != was.Rejected {
				return true
			}
		}
	}
	return false
}

func (s *savedCircuits) warn(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warnings = append(s.warnings, text)
}

// taken are the warnings since it was called last.
func (s *savedCircuits) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.warnings
	s.warnings = nil
	return out
}

// add counts what happened since the last save.
func (c *SavedCircuit) add(stats, was breaker.Stats) {
	failed, succeeded := stats.Failures-was.Failures, stats.Successes-was.Successes
	c.Total += stats.Total - was.Total
	c.Successes += succeeded
	c.Failures += failed
	c.Excluded += stats.Excluded - was.Excluded
	c.Rejected += stats.Rejected - was.Rejected
	c.Opened += stats.Opened - was.Opened
	if succeeded > 0 {
		c.ConsecutiveFailures = uint64(max(stats.ConsecutiveFailures, 0)) //nolint:gosec // a count
	} else {
		c.ConsecutiveFailures += failed
	}
	if stats.LastFailureAt.After(c.LastFailureAt) {
		c.LastFailureAt, c.LastFailureReason = stats.LastFailureAt, stats.LastFailureReason
	}
	if stats.LatencyP50 > 0 {
		c.LatencyP50, c.LatencyP95, c.LatencyP99 = stats.LatencyP50, stats.LatencyP95, stats.LatencyP99
	}
}
