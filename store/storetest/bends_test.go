package storetest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/storetest"
)

// bends are stores that each break one promise at least.
func bends() []bend {
	return slices.Concat(bentPages(), bentChains(), bentDeeds(), bentMetrics(), bentAccounts(), bentStrategies(), bentState())
}

// lines changes every line of a page.
func lines(change func(e *store.Entry)) bent {
	return bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
		p, err := s.Page(ctx, q)
		for i := range p.Entries {
			change(&p.Entries[i])
		}
		return p, err
	}}
}

// asked answers another question.
func asked(change func(q *store.Query)) bent {
	return bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
		change(&q)
		return s.Page(ctx, q)
	}}
}

func answered(change func(q store.Query, p *store.Page)) bent {
	return bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
		p, err := s.Page(ctx, q)
		change(q, &p)
		return p, err
	}}
}

func bentPages() []bend {
	const part = "history"
	return []bend{
		{"counts one too many", part, "no decisions are an empty page", answered(func(_ store.Query, p *store.Page) { p.Total++ })},
		{"loses warnings", part, "a line is the projection of its record", lines(func(e *store.Entry) { e.Warnings = nil })},
		{"rounds money", part, "a line is the projection of its record", lines(func(e *store.Entry) {
			e.Decision.TotalAllocationUSD = e.Decision.TotalAllocationUSD.Round(8)
		})},
		{"takes null for zero", part, "a line is the projection of its record", lines(func(e *store.Entry) {
			for i := range e.Decision.Decisions {
				e.Decision.Decisions[i].SLPrice.Valid = true
			}
		})},
		{"answers in its own zone", part, "a line is the projection of its record", lines(func(e *store.Entry) { e.At = e.At.In(time.FixedZone("CET", 3600)) })},
		{"has a next page always", part, "pages follow each other to the end", answered(func(_ store.Query, p *store.Page) {
			if n := len(p.Entries); n > 0 && p.Next == "" {
				p.Next = store.Position{At: p.Entries[n-1].At, ID: p.Entries[n-1].ID}.Cursor()
			}
		})},
		{"pages by time alone", part, "pages follow each other to the end", answered(func(_ store.Query, p *store.Page) {
			if n := len(p.Entries); p.Next != "" {
				p.Next = store.Position{At: p.Entries[n-1].At, ID: "\x01"}.Cursor()
			}
		})},
		{"pages by number", part, "pages neither repeat nor miss while others append", pagesByNumber()},
		{"orders ids without regard to case", part, "pages of any ids follow each other", answered(func(_ store.Query, p *store.Page) {
			if p.Next != "" {
				p.Next = store.Position{At: p.Entries[len(p.Entries)-1].At, ID: strings.ToLower(p.Entries[len(p.Entries)-1].ID)}.Cursor()
			}
		})},
		{"asks for no strategy", part, "filters select lines", asked(func(q *store.Query) { q.StrategyID = "" })},
		{"keeps other assets", part, "a symbol narrows assets and keeps totals", lines(func(e *store.Entry) {
			e.Decision.Decisions = append(e.Decision.Decisions, decision.AssetDecision{Asset: "X"})
		})},
		{"adds totals up anew", part, "a symbol narrows assets and keeps totals", lines(func(e *store.Entry) { e.Decision.TotalAllocationUSD = decimal.Zero })},
		{"knows no offset", part, "an offset skips after the cursor", asked(func(q *store.Query) { q.Offset = 0 })},
		{"counts the page", part, "a count is of all that is selected", answered(func(q store.Query, p *store.Page) {
			if q.Count {
				p.Total = int64(len(p.Entries))
			}
		})},
		{"counts always", part, "a count is of all that is selected", asked(func(q *store.Query) { q.Count = true })},
		{"cuts sizes", part, "sizes of pages are bounded", asked(func(q *store.Query) { q.Limit = min(q.Limit, store.MaxPageSize) })},
		{"begins anew at a foreign cursor", part, "a foreign cursor is refused", asked(func(q *store.Query) {
			if _, err := store.ParseCursor(q.Cursor); err != nil {
				q.Cursor = ""
			}
		})},
		{"remembers the page", part, "a returned page may be changed", rememberedPage()},
		{"pages without regard to the context", part, "an ended context is the error of a page", bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
			return s.Page(always(ctx), q)
		}}},
	}
}

// pagesByNumber has cursors that are how many lines came before.
func pagesByNumber() bent {
	return bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
		if at, err := store.ParseCursor(q.Cursor); err == nil && q.Cursor != "" {
			before, err := strconv.Atoi(at.ID)
			q.Cursor, q.Offset = "", q.Offset+before
			if err != nil {
				return store.Page{}, err
			}
		}
		p, err := s.Page(ctx, q)
		if p.Next != "" {
			p.Next = store.Position{At: start(), ID: strconv.Itoa(q.Offset + len(p.Entries))}.Cursor()
		}
		return p, err
	}}
}

func rememberedPage() bent {
	var kept *store.Page
	return bent{page: func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error) {
		if kept != nil {
			return *kept, nil
		}
		p, err := s.Page(ctx, q)
		kept = &p
		return p, err
	}}
}

func bentChains() []bend {
	const part = "chain"
	return []bend{
		{"has a head of nobody", part, "an empty store has no chains", bent{heads: func(all []store.Checkpoint) []store.Checkpoint {
			return append(all, store.Checkpoint{AccountID: "x"})
		}}},
		{"counts from zero", part, "links count and hash what was appended", bent{link: func(c *store.Chained) { c.Link.Seq-- }}},
		{"hashes something else", part, "links count and hash what was appended", bent{link: func(c *store.Chained) { c.Link.Hash[0] ^= 1 }}},
		{"has late heads", part, "links count and hash what was appended", bent{heads: func(all []store.Checkpoint) []store.Checkpoint {
			for i := range all {
				all[i].At = all[i].At.Add(time.Second)
			}
			return all
		}}},
		{"loses calls", part, "a link has its record and row", bent{link: func(c *store.Chained) { c.Row.Calls = nil }}},
		{"loses candles", part, "a link has its record and row", bent{link: func(c *store.Chained) { c.Canonical.Series = nil }}},
		{"links what it has already", part, "what is not kept is not linked", bent{append: func(ctx context.Context, s storetest.Full, r decision.Record) error {
			if _, err := s.Record(ctx, r.Result.ID); err == nil {
				r.Result.ID += "again"
			}
			return s.Append(ctx, r)
		}}},
		{"has one chain", part, "chains of accounts are apart", bent{append: func(ctx context.Context, s storetest.Full, r decision.Record) error {
			r.Input.Account.ID = "one"
			return s.Append(ctx, r)
		}}},
		{"begins with the given link", part, "links follow a number", bent{links: func(ctx context.Context, s storetest.Full, account string, after int64) iter.Seq2[store.Chained, error] {
			return s.Links(ctx, account, after-1)
		}}},
		{"goes on when it stopped", part, "links can stop early and start again", bent{links: func(ctx context.Context, s storetest.Full, account string, after int64) iter.Seq2[store.Chained, error] {
			return func(yield func(store.Chained, error) bool) {
				for c, err := range s.Links(ctx, account, after) {
					after = c.Link.Seq
					if !yield(c, err) {
						return
					}
				}
			}
		}}},
		{"drops every tenth of many", part, "writers at once leave no gap", bent{append: func(ctx context.Context, s storetest.Full, r decision.Record) error {
			if strings.HasPrefix(r.Result.ID, "1") {
				return nil
			}
			return s.Append(ctx, r)
		}}},
		{"takes any content for equal", part, "one id from many writers is linked once", bent{append: func(ctx context.Context, s storetest.Full, r decision.Record) error {
			if err := s.Append(ctx, r); !errors.Is(err, store.ErrConflict) {
				return err
			}
			return nil
		}}},
		{"links without regard to the context", part, "an ended context is the error of a chain", bent{links: func(ctx context.Context, s storetest.Full, account string, after int64) iter.Seq2[store.Chained, error] {
			return s.Links(always(ctx), account, after)
		}}},
	}
}

// outcomesAs keeps something else than it was given.
func outcomesAs(change func(o *store.Outcome)) bent {
	return bent{addOutcome: func(ctx context.Context, s storetest.Full, o store.Outcome) error {
		change(&o)
		return s.AddOutcome(ctx, o)
	}}
}

func fillsAs(change func(f *store.Fill)) bent {
	return bent{addFill: func(ctx context.Context, s storetest.Full, f store.Fill) error {
		change(&f)
		return s.AddFill(ctx, f)
	}}
}

func bentDeeds() []bend {
	const part = "outcomes"
	return []bend{
		{"never executes", part, "the first fill executes a decision", lines(func(e *store.Entry) { e.ExecutedAt = time.Time{} })},
		{"keeps seconds of fills", part, "fills come back equal and in order", fillsAs(func(f *store.Fill) { f.At = f.At.Truncate(time.Second) })},
		{"reverses outcomes", part, "outcomes stand in their line, in order", lines(func(e *store.Entry) { slices.Reverse(e.Outcomes) })},
		{"has no keys", part, "a key again is nil, with other content a conflict", fillsAs(func(f *store.Fill) { f.Key += f.Quantity.String() })},
		{"keeps the first of any content", part, "a key again is nil, with other content a conflict", bent{addOutcome: func(ctx context.Context, s storetest.Full, o store.Outcome) error {
			if err := s.AddOutcome(ctx, o); !errors.Is(err, store.ErrConflict) {
				return err
			}
			return nil
		}}},
		{"takes any asset", part, "an unknown decision or asset is not found", outcomesAs(func(o *store.Outcome) { o.Asset = "BTCUSDT" })},
		{"repairs fills", part, "an invalid fill or outcome is refused", fillsAs(func(f *store.Fill) { f.Quantity = f.Quantity.Abs().Add(decimal.New(1, -9)) })},
		{"rounds profits", part, "numbers keep every digit, and null is null", outcomesAs(func(o *store.Outcome) { o.PnLUSD = o.PnLUSD.Round(8) })},
		{"takes null for zero percent", part, "numbers keep every digit, and null is null", outcomesAs(func(o *store.Outcome) { o.PnLPercent.Valid = true })},
		{"opens when it closes", part, "a trade without an opening opened with its decision", outcomesAs(func(o *store.Outcome) {
			if o.OpenedAt.IsZero() {
				o.OpenedAt = o.ClosedAt
			}
		})},
		{"trims keys", part, "keys keep every character and are apart", fillsAs(func(f *store.Fill) { f.Key = strings.TrimSpace(f.Key) })},
		{"conflicts with what is equal", part, "one key from many writers is kept once", bent{addFill: func(ctx context.Context, s storetest.Full, f store.Fill) error {
			if kept, err := s.Fills(ctx, f.DecisionID); err != nil || len(kept) > 0 {
				return errors.Join(err, store.ErrConflict)
			}
			return s.AddFill(ctx, f)
		}}},
		{"fills without regard to the context", part, "an ended context adds nothing", bent{addFill: func(ctx context.Context, s storetest.Full, f store.Fill) error {
			return s.AddFill(always(ctx), f)
		}}},
	}
}

func counted(change func(m *store.DecisionMetrics)) bent {
	return bent{metrics: func(ctx context.Context, s storetest.Full, account string, span store.Span) (store.DecisionMetrics, error) {
		m, err := s.DecisionMetrics(ctx, account, span)
		change(&m)
		return m, err
	}}
}

func summed(change func(p *store.StrategyPerformance)) bent {
	return bent{performance: func(ctx context.Context, s storetest.Full, strategy, account string, span store.Span) (store.StrategyPerformance, error) {
		p, err := s.StrategyPerformance(ctx, strategy, account, span)
		change(&p)
		return p, err
	}}
}

func bentMetrics() []bend {
	const part = "metrics"
	return []bend{
		{"has a rate of nothing", part, "nothing has no rates", counted(func(m *store.DecisionMetrics) { m.ExecutionRate.Valid = true })},
		{"rounds rates", part, "decisions are counted", counted(func(m *store.DecisionMetrics) { m.AvgConfidence.Decimal = m.AvgConfidence.Decimal.Round(1) })},
		{"swaps ties", part, "decisions are counted", counted(func(m *store.DecisionMetrics) { m.Trades.WorstPerformingAsset = "SOLUSDT" })},
		{"knows no account", part, "decisions are selected by account and span", bent{metrics: func(ctx context.Context, s storetest.Full, _ string, span store.Span) (store.DecisionMetrics, error) {
			return s.DecisionMetrics(ctx, "", span)
		}}},
		{"has no call fail", part, "one decision without calls or trades has no rates of them", counted(func(m *store.DecisionMetrics) { m.APIErrorRate.Valid = true })},
		{"deviates by all", part, "trades of a strategy are summed up", summed(func(p *store.StrategyPerformance) { p.SharpeRatio.Decimal = decimal.RequireFromString("0.35286487") })},
		{"never falls", part, "trades of a strategy are summed up", summed(func(p *store.StrategyPerformance) { p.MaxDrawdownUSD = decimal.Zero })},
		{"knows no span", part, "trades are selected by strategy, account and closing", bent{performance: func(ctx context.Context, s storetest.Full, strategy, account string, _ store.Span) (store.StrategyPerformance, error) {
			return s.StrategyPerformance(ctx, strategy, account, store.Span{})
		}}},
		{"has a factor without losses", part, "trades that never lose or win", summed(func(p *store.StrategyPerformance) { p.ProfitFactor.Valid = true })},
		{"sums floats", part, "sums keep every digit", summed(func(p *store.StrategyPerformance) {
			p.TotalPnLUSD = decimal.NewFromFloat(p.TotalPnLUSD.InexactFloat64()).Round(17)
		})},
		{"falls in any order", part, "equal closings fall in the order of their keys", outcomesAs(func(o *store.Outcome) { o.Key = strings.ToLower(o.Key) + o.Key })},
		{"takes any span", part, "an invalid span is an error", bent{metrics: func(ctx context.Context, s storetest.Full, account string, _ store.Span) (store.DecisionMetrics, error) {
			return s.DecisionMetrics(ctx, account, store.Span{})
		}}},
		{"counts without regard to the context", part, "an ended context is the error of metrics", bent{metrics: func(ctx context.Context, s storetest.Full, account string, span store.Span) (store.DecisionMetrics, error) {
			return s.DecisionMetrics(always(ctx), account, span)
		}}},
	}
}
