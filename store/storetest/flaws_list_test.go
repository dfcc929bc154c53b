package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// flaws are stores that each break one promise at least.
func flaws() []flaw {
	return slices.Concat(flawedAnswers(), flawedSwitches(), flawedText(), flawedChecks(), flawedCopies(), flawedWriters(), flawedContexts())
}

func flawedAnswers() []flaw {
	return []flaw{
		{"begins with a global halt", "nothing is halted at first", begins(decision.Halt{At: start()})},
		{"begins with another halt", "nothing is halted at first", begins(decision.Halt{AccountID: "x", At: start()})},
		{"forgets who", "a halt reads back equal", changed(func(h *decision.Halt) { h.By = "" })},
		{"forgets why", "a halt reads back equal", changed(func(h *decision.Halt) { h.Reason = "" })},
		{"fills in a reason", "a halt reads back equal", changed(func(h *decision.Halt) { h.Reason = cmp.Or(h.Reason, "unknown") })},
		{"lists no global halt", "a halt reads back equal", spoilt{list: func(ctx context.Context, s store.Halts) ([]decision.Halt, error) {
			all, err := s.Halts(ctx)
			return slices.DeleteFunc(all, func(h decision.Halt) bool { return h.AccountID == "" }), err
		}}.open},
		{"halts everybody", "a halt is of one account only", matching(func(string, string) bool { return true })},
		{"matches beginnings", "a halt is of one account only", matching(func(of, id string) bool { return strings.HasPrefix(id, of) })},
		{"matches parts", "a halt is of one account only", matching(func(of, id string) bool { return id != "" && strings.HasPrefix(of, id) })},
		{"matches patterns", "a halt is of one account only", matching(wildcard)},
		{"folds case", "a halt is of one account only", renamed(strings.ToLower)},
		{"trims accounts", "a halt is of one account only", renamed(strings.TrimSpace)},
		{"ends at a NUL", "a halt is of one account only", renamed(func(id string) string {
			id, _, _ = strings.Cut(id, "\x00")
			return id
		})},
		{"answers the account first", "the global halt comes before that of the account", spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			if h, err := ofAccount(ctx, s, id); h != nil || err != nil {
				return h, err
			}
			return ofAccount(ctx, s, "")
		}}.open},
		{"asks no global halt", "the global halt comes before that of the account", spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			return ofAccount(ctx, s, id)
		}}.open},
		{"lists in reverse", "halts are listed by account", ordered(func(a, b decision.Halt) int { return byAccount(b, a) })},
		{"lists without regard to case", "halts are listed by account", ordered(func(a, b decision.Halt) int {
			return cmp.Compare(strings.ToLower(a.AccountID), strings.ToLower(b.AccountID))
		})},
		{"lists the global halt last", "halts are listed by account", ordered(func(a, b decision.Halt) int {
			return cmp.Compare(cmp.Or(a.AccountID, "\xff"), cmp.Or(b.AccountID, "\xff"))
		})},
	}
}

// ofAccount is the halt of that account alone.
func ofAccount(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
	all, err := s.Halts(ctx)
	for _, h := range all {
		if h.AccountID == id {
			return &h, err
		}
	}
	return nil, err
}

func flawedSwitches() []flaw {
	return []flaw{
		{"turns all off with the global halt", "the global halt comes before that of the account", turningOff(func(ctx context.Context, s store.Halts, id string) error {
			if id == "" {
				return turnAllOff(ctx, s)
			}
			return s.SetHalt(ctx, id, nil)
		})},
		{"turns the global halt off with any", "nil turns one switch off, and may again", turningOff(func(ctx context.Context, s store.Halts, id string) error {
			return errors.Join(s.SetHalt(ctx, "", nil), s.SetHalt(ctx, id, nil))
		})},
		{"turns all off", "nil turns one switch off, and may again", turningOff(func(ctx context.Context, s store.Halts, _ string) error { return turnAllOff(ctx, s) })},
		{"turns nothing off", "nil turns one switch off, and may again", turningOff(func(context.Context, store.Halts, string) error { return nil })},
		{"is strict about what is off", "nil turns one switch off, and may again", turningOff(func(ctx context.Context, s store.Halts, id string) error {
			all, err := s.Halts(ctx)
			if err == nil && !slices.ContainsFunc(all, func(h decision.Halt) bool { return h.AccountID == id }) {
				err = errors.New("not halted")
			}
			return errors.Join(err, s.SetHalt(ctx, id, nil))
		})},
		{"keeps the first", "a second halt replaces the first", replacing(func(decision.Halt, decision.Halt) bool { return false })},
		{"keeps the latest by time", "a second halt replaces the first", replacing(func(old, h decision.Halt) bool { return h.At.After(old.At) })},
	}
}

// replacing replaces a halt only when that is wanted.
func replacing(wanted func(old, h decision.Halt) bool) func() store.Halts {
	return spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
		all, err := s.Halts(ctx)
		for _, old := range all {
			if h != nil && old.AccountID == id && !wanted(old, *h) {
				return err
			}
		}
		return s.SetHalt(ctx, id, h)
	}}.open
}

func flawedText() []flaw {
	dropped := func(set string) func(h *decision.Halt) {
		return func(h *decision.Halt) {
			h.Reason = strings.Map(func(r rune) rune {
				if strings.ContainsRune(set, r) {
					return -1
				}
				return r
			}, h.Reason)
		}
	}
	zone := time.FixedZone("CET", 3600)
	return []flaw{
		{"drops NUL", "a halt keeps every character", changed(dropped("\x00"))},
		{"drops line ends", "a halt keeps every character", changed(dropped("\r\n"))},
		{"drops what is not in the BMP", "a halt keeps every character", changed(dropped("📈"))},
		{"doubles quotes", "a halt keeps every character", changed(func(h *decision.Halt) { h.Reason = strings.ReplaceAll(h.Reason, "'", "''") })},
		{"trims text", "a halt keeps every character", changed(func(h *decision.Halt) { h.By = strings.TrimSpace(h.By) })},
		{"keeps seconds", "a halt keeps its microseconds in UTC", changed(func(h *decision.Halt) { h.At = h.At.Truncate(time.Second) })},
		{"keeps milliseconds", "a halt keeps its microseconds in UTC", changed(func(h *decision.Halt) { h.At = h.At.Truncate(time.Millisecond) })},
		{"drops the zone", "a halt keeps its microseconds in UTC", changed(func(h *decision.Halt) {
			y, m, d := h.At.Date()
			h.At = time.Date(y, m, d, h.At.Hour(), h.At.Minute(), h.At.Second(), h.At.Nanosecond(), time.UTC)
		})},
		{"answers in its own zone", "a halt keeps its microseconds in UTC", spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			h, err := s.Halted(ctx, id)
			if h != nil {
				h.At = h.At.In(zone)
			}
			return h, err
		}}.open},
		{"lists in its own zone", "a halt keeps its microseconds in UTC", spoilt{list: func(ctx context.Context, s store.Halts) ([]decision.Halt, error) {
			all, err := s.Halts(ctx)
			for i := range all {
				all[i].At = all[i].At.In(zone)
			}
			return all, err
		}}.open},
		{"cuts reasons", "the longest halt is kept", changed(func(h *decision.Halt) { withReason(h, 498) })},
		{"cuts names", "the longest halt is kept", changed(func(h *decision.Halt) { h.By = h.By[:min(len(h.By), 64)] })},
		{"refuses long accounts", "the longest halt is kept", spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if len(id) > 99 {
				return errors.New("too long")
			}
			return s.SetHalt(ctx, id, h)
		}}.open},
	}
}

func flawedChecks() []flaw {
	const invalid, account = "an invalid halt is refused and changes nothing", "an invalid account is refused"
	whole := func(text string) string { return strings.ToValidUTF8(text, "") }
	return []flaw{
		{"files under the account of the halt", invalid, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if h != nil {
				id = h.AccountID
			}
			return s.SetHalt(ctx, id, h)
		}}.open},
		{"files under the account of the switch", invalid, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if h != nil {
				own := *h
				own.AccountID = id
				h = &own
			}
			return s.SetHalt(ctx, id, h)
		}}.open},
		{"cuts what is too long", invalid, changed(func(h *decision.Halt) { withReason(h, 500) })},
		{"cuts names that are too long", invalid, changed(func(h *decision.Halt) { h.By = h.By[:min(len(h.By), 100)] })},
		{"repairs text", invalid, changed(func(h *decision.Halt) { h.Reason = whole(h.Reason) })},
		{"makes up a time", invalid, changed(func(h *decision.Halt) {
			if h.At.IsZero() {
				h.At = start()
			}
		})},
		{"takes any year", invalid, changed(func(h *decision.Halt) {
			if h.At.Year() > 9999 {
				h.At = start()
			}
		})},
		{"turns off what it refuses", invalid, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if err := store.CheckHalt(id, h); err != nil {
				return errors.Join(err, s.SetHalt(ctx, id, nil))
			}
			return s.SetHalt(ctx, id, h)
		}}.open},
		{"cuts accounts", account, renamed(func(id string) string { return id[:min(len(id), 100)] })},
		{"repairs accounts", account, renamed(whole)},
		{"knows that nobody has such an account", account, spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			if valid := store.CheckHalt(id, nil) == nil; valid {
				return s.Halted(ctx, id)
			}
			return nil, nil
		}}.open},
		{"turns any account off", account, turningOff(func(ctx context.Context, s store.Halts, id string) error {
			if valid := store.CheckHalt(id, nil) == nil; valid {
				return s.SetHalt(ctx, id, nil)
			}
			return nil
		})},
	}
}

func flawedCopies() []flaw {
	return []flaw{
		{"keeps what it was given", "a halt that was given may be changed", func() store.Halts {
			return &shelf{copiesHalted: true, copiesList: true}
		}},
		{"answers what it keeps", "a halt that was returned may be changed", func() store.Halts {
			return &shelf{copiesGiven: true, copiesList: true}
		}},
		{"lists what it keeps", "a halt that was returned may be changed", func() store.Halts {
			return &shelf{copiesGiven: true, copiesHalted: true}
		}},
	}
}

func flawedWriters() []flaw {
	return []flaw{
		{"loses what others write", "writers at once keep every halt", func() store.Halts { return &page{} }},
		{"is empty while it is written", "a switch that is on is never seen off", func() store.Halts { return &page{empties: true} }},
		{"mixes writers", "one switch from many writers is one of theirs", func() store.Halts {
			var mu sync.Mutex
			before := ""
			return changed(func(h *decision.Halt) { // in any order, none is what its writer gave
				mu.Lock()
				defer mu.Unlock()
				h.By, before = before, h.By
			})()
		}},
		{"keeps one for each writer", "one switch from many writers is one of theirs", func() store.Halts {
			var mu sync.Mutex
			var given []decision.Halt
			s := spoilt{
				set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
					mu.Lock()
					defer mu.Unlock()
					if h != nil {
						given = append(given, *h)
					}
					return s.SetHalt(ctx, id, h)
				},
				list: func(context.Context, store.Halts) ([]decision.Halt, error) {
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(given), nil
				},
			}
			return s.open()
		}},
	}
}

func flawedContexts() []flaw {
	const promise = "an ended context changes nothing"
	return []flaw{
		{"sets without regard to the context", promise, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			return s.SetHalt(always(ctx), id, h)
		}}.open},
		{"sets and then reports the context", promise, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			return cmp.Or(s.SetHalt(always(ctx), id, h), ctx.Err())
		}}.open},
		{"hides why it did not set", promise, spoilt{set: func(ctx context.Context, s store.Halts, id string, h *decision.Halt) error {
			if err := s.SetHalt(ctx, id, h); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}}.open},
		{"answers without regard to the context", promise, spoilt{halted: func(ctx context.Context, s store.Halts, id string) (*decision.Halt, error) {
			return s.Halted(always(ctx), id)
		}}.open},
		{"lists without regard to the context", promise, spoilt{list: func(ctx context.Context, s store.Halts) ([]decision.Halt, error) {
			return s.Halts(always(ctx))
		}}.open},
	}
}
