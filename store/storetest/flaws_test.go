package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

// flaw is what a store may get wrong, and the promise that it breaks.
type flaw struct {
	name, breaks string
	open         func() store.Halts
}

// spoilt is a sound store with some of its methods replaced.
type spoilt struct {
	sound  store.Halts
	set    func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error
	halted func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error)
	list   func(ctx context.Context, s store.Halts) ([]decision.Halt, error)
}

func (f spoilt) SetHalt(ctx context.Context, id string, h *decision.Halt) error {
	if f.set != nil {
		return f.set(ctx, f.sound, id, h)
	}
	return f.sound.SetHalt(ctx, id, h)
}

func (f spoilt) Halted(ctx context.Context, id string) (*decision.Halt, error) {
	if f.halted != nil {
		return f.halted(ctx, f.sound, id)
	}
	return f.sound.Halted(ctx, id)
}

func (f spoilt) Halts(ctx context.Context) ([]decision.Halt, error) {
	if f.list != nil {
		return f.list(ctx, f.sound)
	}
	return f.sound.Halts(ctx)
}

func (f spoilt) open() store.Halts {
	f.sound = memory.New()
	return f
}

// changed keeps something else than it was given.
func changed(change func(h *decision.Halt)) func() store.Halts {
	return spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
		if h != nil {
			other := *h
			change(&other)
			h = &other
		}
		return s.SetHalt(ctx, id, h)
	}}.open
}

// renamed takes an account for another.
func renamed(name func(id string) string) func() store.Halts {
	return spoilt{
		set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if h != nil {
				other := *h
				other.AccountID = name(h.AccountID)
				h = &other
			}
			return s.SetHalt(ctx, name(id), h)
		},
		halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			return s.Halted(ctx, name(id))
		},
	}.open
}

// matching takes a halt for that of every account which match says.
func matching(match func(of, id string) bool) func() store.Halts {
	return spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
		all, err := s.Halts(ctx)
		for _, h := range all {
			if h.AccountID == "" || match(h.AccountID, id) {
				return &h, err
			}
		}
		return nil, err
	}}.open
}

// ordered lists in another order.
func ordered(compare func(a, b decision.Halt) int) func() store.Halts {
	return spoilt{list: func(ctx context.Context, s store.Halts) ([]decision.Halt, error) {
		all, err := s.Halts(ctx)
		slices.SortStableFunc(all, compare)
		return all, err
	}}.open
}

// turningOff turns something else off.
func turningOff(off func(ctx context.Context, s store.Halts, id string) error) func() store.Halts {
	return spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
		if h == nil {
			return off(ctx, s, id)
		}
		return s.SetHalt(ctx, id, h)
	}}.open
}

func turnAllOff(ctx context.Context, s store.Halts) error {
	all, err := s.Halts(ctx)
	for _, h := range all {
		err = errors.Join(err, s.SetHalt(ctx, h.AccountID, nil))
	}
	return err
}

// shelf is a store that shares memory with its callers.
type shelf struct {
	copiesGiven, copiesHalted, copiesList bool

	mu   sync.Mutex
	kept []*decision.Halt
	list []decision.Halt
}

func (s *shelf) SetHalt(ctx context.Context, id string, h *decision.Halt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(ctx.Err(), store.CheckHalt(id, h)); err != nil {
		return err
	}
	s.list = nil
	s.kept = slices.DeleteFunc(s.kept, func(k *decision.Halt) bool { return k.AccountID == id })
	if h != nil && s.copiesGiven {
		own := *h
		h = &own
	}
	if h != nil {
		s.kept = append(s.kept, h)
	}
	return nil
}

func (s *shelf) Halted(ctx context.Context, id string) (*decision.Halt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.kept {
		if h.AccountID != id && h.AccountID != "" {
			continue
		}
		if s.copiesHalted {
			own := *h
			h = &own
		}
		return h, ctx.Err()
	}
	return nil, ctx.Err()
}

func (s *shelf) Halts(ctx context.Context) ([]decision.Halt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil || s.copiesList {
		s.list = nil
		for _, h := range s.kept {
			s.list = append(s.list, *h)
		}
	}
	return s.list, ctx.Err()
}

// page is a store that writes all halts anew in two steps.
type page struct {
	empties bool // in between nothing is on

	mu  sync.Mutex
	all []decision.Halt
}

func (p *page) swap(all []decision.Halt) []decision.Halt {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.all
	p.all = all
	return old
}

func (p *page) Halts(ctx context.Context) ([]decision.Halt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all), ctx.Err()
}

func (p *page) Halted(ctx context.Context, id string) (*decision.Halt, error) {
	all, err := p.Halts(ctx)
	for _, h := range all {
		if h.AccountID == id || h.AccountID == "" {
			return &h, err
		}
	}
	return nil, err
}

func (p *page) SetHalt(ctx context.Context, id string, h *decision.Halt) error {
	all, err := p.Halts(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(k decision.Halt) bool { return k.AccountID == id })
	if h != nil {
		all = append(all, *h)
	}
	slices.SortFunc(all, byAccount)
	if p.empties {
		p.swap(nil)
	}
	<-time.After(time.Millisecond) // in which the others read and write
	p.swap(all)
	return nil
}

func byAccount(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) }

// wildcard is a match by the patterns of SQL.
func wildcard(of, id string) bool {
	matched, err := path.Match(strings.NewReplacer("_", "?", "%", "*").Replace(of), id)
	return err == nil && matched
}

func withReason(h *decision.Halt, cut int) { h.Reason = h.Reason[:min(len(h.Reason), cut)] }

func always(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func begins(halts ...decision.Halt) func() store.Halts {
	return func() store.Halts {
		s := memory.New()
		for _, h := range halts {
			if err := s.SetHalt(context.Background(), h.AccountID, &h); err != nil {
				panic(err)
			}
		}
		return s
	}
}

func start() time.Time { return storetest.Start() }
