package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

// History is what RunHistory needs of a store.
type History interface {
	store.Store
	store.History
}

// RunHistory checks every promise of store.History, as Run does of store.Store.
func RunHistory(t *testing.T, open func(t *testing.T) History) {
	t.Helper()
	run(t, open, []promise[History]{
		{"no decisions are an empty page", emptyPage},
		{"a line is the projection of its record", projection},
		{"pages follow each other to the end", pagesToTheEnd},
		{"pages neither repeat nor miss while others append", pagesMeanwhile},
		{"pages of any ids follow each other", pagesOfAnyIDs},
		{"filters select lines", filterLines},
		{"a symbol narrows assets and keeps totals", narrow},
		{"an offset skips after the cursor", offset},
		{"a count is of all that is selected", count},
		{"sizes of pages are bounded", pageSizes},
		{"a foreign cursor is refused", foreignCursor},
		{"a returned page may be changed", returnedPage},
		{"an ended context is the error of a page", endedPage},
	})
}

// rich is a sample with something in every column, NUL and all.
func rich(id string, at time.Time) decision.Record {
	r := Sample(id, at)
	nul := strings.Join(words(), "")
	res := &r.Result
	res.Reason, res.Model, res.Cached = nul, nul, true
	res.Took = 1234567 * time.Nanosecond
	res.Usage.CostUSD = null("0.000000000000000001")
	res.Degraded = words()
	d := &res.Decision
	d.PortfolioRationale, d.Decisions[0].Rationale, d.Decisions[0].ExitPlan = nul, nul, nul
	d.Decisions[0].AllocationUSD, d.Decisions[0].Confidence = dec("123456789012.123456789012345678"), dec("0.000000000000000001")
	d.Decisions[0].TPPrice, d.Decisions[1].TPPrice = null("0"), null("-1.5")
	d.TotalAllocationUSD = dec("-0.000000000000000009")
	res.Refused[0].Violations[0].Message = nul
	res.Refused[0].Was.ExitPlan = nul
	other := entry()
	other.Asset = "DOGEUSDT"
	res.Refused = append(res.Refused, decision.Refusal{Asset: other.Asset, Was: other, Violations: []decision.Violation{violation(decision.SeverityError)}})
	res.Tried = []llm.Attempt{
		{Model: nul, Endpoint: nul, Kind: llm.KindTimeout, Took: 2 * time.Second},
		{Model: "m", Took: 1500 * time.Microsecond, Usage: llm.Usage{PromptTokens: 1, CompletionTokens: 2, ReasoningTokens: 3, CostUSD: null("0.1")}},
	}
	return r
}

// page reads one page.
func page(t *testing.T, s store.History, q store.Query) store.Page {
	t.Helper()
	p, err := s.Page(t.Context(), q)
	require.NoError(t, err)
	return p
}

func idsOf(p store.Page) []string {
	out := []string{}
	for i := range p.Entries {
		out = append(out, p.Entries[i].ID)
	}
	return out
}

// pagedIDs follows the cursors from the first page on.
func pagedIDs(t *testing.T, s store.History, q store.Query, between func()) []string {
	t.Helper()
	all := []string{}
	for range 1000 {
		p := page(t, s, q)
		all = append(all, idsOf(p)...)
		if p.Next == "" {
			return all
		}
		require.Len(t, p.Entries, q.Size(), "only the last page is shorter")
		between()
		q.Cursor = p.Next
	}
	require.Fail(t, "the pages do not end")
	return nil
}

func emptyPage(t *testing.T, s History) {
	p := page(t, s, store.Query{Count: true})
	require.Empty(t, p.Entries)
	require.Zero(t, p.Total)
	require.Empty(t, p.Next)
}

func projection(t *testing.T, s History) {
	records := []decision.Record{rich("r1", Start().Add(999*time.Nanosecond)), Sample("r0", Start().Add(-time.Microsecond))}
	for i, w := range words() {
		r := Sample(fmt.Sprintf("q%02d", 50-i), Start().Add(-time.Hour))
		r.Input.Account.ID, r.Input.Strategy.ID = w, w
		r.Result.Decision.Decisions[0].Asset, r.Result.Refused[0].Asset, r.Result.Refused[0].Was.Asset = w, w, w
		records = append(records, r)
	}
	bare := Sample("a", Start().Add(-2*time.Hour))
	bare.Result = decision.Result{ID: "a", At: bare.Result.At, Origin: decision.OriginHold}
	records = append(records, bare)
	for _, r := range records {
		require.NoError(t, s.Append(t.Context(), r))
		require.Contains(t, idsOf(page(t, s, store.Query{})), r.Result.ID, "what was appended is there at once")
	}
	p := page(t, s, store.Query{})
	require.Len(t, p.Entries, len(records))
	for i, r := range records {
		want, err := store.Project(r)
		require.NoError(t, err)
		want.Calls = nil
		got := p.Entries[i]
		same(t, want, got.Row)
		require.Equal(t, time.UTC, got.At.Location())
		digest, err := r.Digest()
		require.NoError(t, err)
		require.Equal(t, digest, got.Link.Digest.String())
		require.True(t, got.ExecutedAt.IsZero())
		require.Empty(t, got.Outcomes)
	}
}

// crowd appends n records, most at equal times, and returns their ids in the
// order of pages.
func crowd(t *testing.T, s store.Store, n int) []string {
	t.Helper()
	want := make([]string, n)
	for i := range n {
		want[n-1-i] = fmt.Sprintf("%03d", i)
	}
	for i := range n {
		at := (i * 7) % n // not in the order of pages
		require.NoError(t, s.Append(t.Context(), Sample(fmt.Sprintf("%03d", at), Start().Add(time.Duration(at/5)*time.Microsecond))))
	}
	return want
}

func pagesToTheEnd(t *testing.T, s History) {
	want := crowd(t, s, 24)
	for _, size := range []int{1, 5, 6, 7, 23, 24, 25} {
		got := pagedIDs(t, s, store.Query{Filter: store.Filter{Limit: size}}, func() {})
		require.Equal(t, want, got, "pages of %d", size)
	}
}

func pagesMeanwhile(t *testing.T, s History) {
	before := crowd(t, s, 24)
	var wg sync.WaitGroup
	defer wg.Wait()
	step := 0
	got := pagedIDs(t, s, store.Query{Filter: store.Filter{Limit: 3}}, func() {
		step++
		made := func(i int, at time.Time) decision.Record {
			return Sample(fmt.Sprintf("0%d-new-%d", step%3, step*10+i), at)
		}
		require.NoError(t, s.Append(t.Context(), made(0, Start().Add(time.Hour))))
		if step > 8 {
			return // else the pages might not end
		}
		for i, at := range []time.Time{Start().Add(time.Hour), Start().Add(2 * time.Microsecond), Start().Add(-time.Hour)} {
			r := made(i+1, at)
			wg.Go(func() {
				if err := s.Append(t.Context(), r); err != nil {
					t.Errorf("append meanwhile: %v", err)
				}
			})
		}
	})
	seen := map[string]bool{}
	for _, id := range got {
		require.False(t, seen[id], "%s came twice", id)
		seen[id] = true
	}
	got = slices.DeleteFunc(got, func(id string) bool { return strings.Contains(id, "new") })
	require.Equal(t, before, got, "nothing that was there is missed")
}

func pagesOfAnyIDs(t *testing.T, s History) {
	want := append(words(), "a", "a\x00", `a\`, "a!", "A", "é")
	for _, id := range want {
		require.NoError(t, s.Append(t.Context(), Sample(id, Start())))
	}
	slices.SortFunc(want, func(a, b string) int { return strings.Compare(store.Key(b), store.Key(a)) })
	require.Equal(t, want, pagedIDs(t, s, store.Query{Filter: store.Filter{Limit: 1}}, func() {}))
	require.Equal(t, want, ids(t, s, store.Filter{}), "records are in the same order")
}

func filterLines(t *testing.T, s History) {
	fill(t, s)
	for _, c := range filterCases() {
		p := page(t, s, store.Query{Filter: c.f, Count: true})
		require.Equal(t, c.want, idsOf(p), c.name)
		require.Equal(t, int64(len(c.want)), p.Total, c.name)
		c.f.Limit = 1
		require.Equal(t, c.want, pagedIDs(t, s, store.Query{Filter: c.f}, func() {}), c.name)
	}
	for i, w := range words() {
		r := Sample(fmt.Sprint("w", i), Start())
		r.Input.Account.ID, r.Input.Strategy.ID = "account "+w, "strategy "+w
		r.Result.Decision.Decisions[1].Asset = "asset " + w
		require.NoError(t, s.Append(t.Context(), r))
		for _, f := range []store.Filter{{AccountID: "account " + w}, {StrategyID: "strategy " + w}, {Symbol: "asset " + w}} {
			require.Equal(t, []string{r.Result.ID}, idsOf(page(t, s, store.Query{Filter: f})), "%+v", f)
			require.Equal(t, []string{r.Result.ID}, ids(t, s, f), "%+v", f)
		}
	}
}

func narrow(t *testing.T, s History) {
	r := rich("r1", Start())
	require.NoError(t, s.Append(t.Context(), r))
	for _, c := range []struct {
		symbol  string
		refused int
	}{{"BTCUSDT", 1}, {"ETHUSDT", 0}} {
		p := page(t, s, store.Query{Filter: store.Filter{Symbol: c.symbol}})
		require.Len(t, p.Entries, 1)
		want, err := store.Project(r)
		require.NoError(t, err)
		want.Calls = nil
		same(t, want.Narrow(c.symbol), p.Entries[0].Row)
		require.Len(t, p.Entries[0].Decision.Decisions, 1)
		require.Len(t, p.Entries[0].Refused, c.refused)
		require.Equal(t, r.Result.Decision.TotalAllocationUSD.String(), p.Entries[0].Decision.TotalAllocationUSD.String())
	}
	require.Empty(t, page(t, s, store.Query{Filter: store.Filter{Symbol: "DOGEUSDT"}}).Entries, "what was refused only is not decided on")
}

func offset(t *testing.T, s History) {
	want := crowd(t, s, 12)
	for _, from := range []int{0, 1, 5, 11, 12, 100} {
		p := page(t, s, store.Query{Offset: from, Filter: store.Filter{Limit: 4}, Count: true})
		rest := want[min(from, len(want)):]
		require.Equal(t, append([]string{}, rest[:min(4, len(rest))]...), idsOf(p), from)
		require.Equal(t, len(rest) > 4, p.Next != "")
		require.Equal(t, int64(12), p.Total)
	}
	first := page(t, s, store.Query{Filter: store.Filter{Limit: 3}})
	second := page(t, s, store.Query{Filter: store.Filter{Limit: 3}, Cursor: first.Next, Offset: 2})
	require.Equal(t, want[5:8], idsOf(second))
	require.Equal(t, want[8:], pagedIDs(t, s, store.Query{Filter: store.Filter{Limit: 3}, Cursor: second.Next}, func() {}))
}

func count(t *testing.T, s History) {
	fill(t, s)
	for _, c := range []struct {
		f    store.Filter
		want int64
	}{
		{store.Filter{}, 5},
		{store.Filter{AccountID: "acct-1"}, 3},
		{store.Filter{AccountID: "nobody"}, 0},
		{store.Filter{Symbol: "BTCUSDT"}, 3},
		{store.Filter{StrategyID: "scalp", AccountID: "acct-1"}, 1},
		{store.Filter{Since: Start().Add(time.Minute)}, 4},
	} {
		c.f.Limit = 1
		p := page(t, s, store.Query{Filter: c.f, Count: true})
		require.Equal(t, c.want, p.Total, "%+v", c.f)
		if p.Next != "" {
			require.Equal(t, c.want, page(t, s, store.Query{Filter: c.f, Count: true, Cursor: p.Next}).Total, "on every page")
		}
		require.Zero(t, page(t, s, store.Query{Filter: c.f}).Total, "nobody asked")
	}
	require.ErrorIs(t, s.Append(t.Context(), Sample("b", Start())), store.ErrConflict)
	require.Equal(t, int64(5), page(t, s, store.Query{Count: true}).Total, "what was refused does not count")
}

func pageSizes(t *testing.T, s History) {
	want := crowd(t, s, store.DefaultPageSize+1)
	require.Equal(t, want[:store.DefaultPageSize], idsOf(page(t, s, store.Query{})))
	require.Equal(t, want, idsOf(page(t, s, store.Query{Filter: store.Filter{Limit: store.MaxPageSize}})))
	for _, q := range []store.Query{
		{Filter: store.Filter{Limit: store.MaxPageSize + 1}},
		{Filter: store.Filter{Limit: -1}},
		{Offset: -1},
		{Filter: store.Filter{Since: Start(), Until: Start().Add(-time.Microsecond)}},
		{Filter: store.Filter{Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{Filter: store.Filter{AccountID: "\xff"}},
		{Filter: store.Filter{Symbol: "\xff"}},
		{Filter: store.Filter{StrategyID: "\xff"}},
	} {
		_, err := s.Page(t.Context(), q)
		require.EqualError(t, err, q.Validate().Error())
	}
}

func foreignCursor(t *testing.T, s History) {
	crowd(t, s, 3)
	good := page(t, s, store.Query{Filter: store.Filter{Limit: 1}}).Next
	far := store.Position{At: time.UnixMicro(1<<63 - 1), ID: "x"}.Cursor()
	for _, cursor := range []string{
		"x", "AAAAAAAAAAA", good + "=", good[:4], " " + good, "../" + good, "\x00", far, strings.Repeat("A", 1000),
		store.Position{At: Start(), ID: "\xff"}.Cursor(), "'; --",
	} {
		_, err := s.Page(t.Context(), store.Query{Cursor: cursor})
		require.ErrorIs(t, err, store.ErrCursor, "%q", cursor)
	}
	require.Len(t, page(t, s, store.Query{Cursor: store.Position{At: Start().Add(time.Hour), ID: "gone"}.Cursor()}).Entries, 3, "its entry need not be there")
}

func returnedPage(t *testing.T, s History) {
	r := rich("r1", Start())
	require.NoError(t, s.Append(t.Context(), r))
	want, err := store.Project(r)
	require.NoError(t, err)
	want.Calls = nil
	for range 2 {
		p := page(t, s, store.Query{})
		same(t, want, p.Entries[0].Row)
		p.Entries[0].Decision.Decisions[0].Asset = "X"
		p.Entries[0].Decision.Decisions[1].OrderAdjustment.AdjustTP = true
		p.Entries[0].Refused[0].Violations[0].Rule = "X"
		p.Entries[0].Refused[0].Asset = "X"
		p.Entries[0].Warnings[0].Rule = "X"
		p.Entries[0].Degraded[0] = "X"
	}
}

func endedPage(t *testing.T, s History) {
	crowd(t, s, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Page(ctx, store.Query{})
	require.ErrorIs(t, err, context.Canceled)
}
