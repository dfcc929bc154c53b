package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/store"
)

// Full is a store of everything that package store names.
type Full interface {
	store.Store
	store.History
	store.Chain
	store.Outcomes
	store.Metrics
	store.Accounts
	store.Strategies
	store.Assignments
	store.Halts
	store.Breakers
	store.Candles
	llm.Ledger
}

// RunAll checks every promise of every interface of a store, one subtest each.
// open returns an empty store for one subtest; it may skip, and cleans up by
// t.Cleanup. The subtests run in parallel, those of the budgets apart. What
// budgets promise about a crash needs llmtest.RunLedger.
func RunAll(t *testing.T, open func(t *testing.T) Full) {
	t.Helper()
	for _, part := range [...]struct {
		name string
		run  func(t *testing.T)
	}{
		{"records", func(t *testing.T) { Run(t, as[store.Store](open)) }},
		{"history", func(t *testing.T) { RunHistory(t, as[History](open)) }},
		{"chain", func(t *testing.T) { RunChain(t, as[Chain](open)) }},
		{"outcomes", func(t *testing.T) { RunOutcomes(t, as[Outcomes](open)) }},
		{"metrics", func(t *testing.T) { RunMetrics(t, as[Metrics](open)) }},
		{"accounts", func(t *testing.T) { RunAccounts(t, as[Accounts](open)) }},
		{"strategies", func(t *testing.T) { RunStrategies(t, as[store.Strategies](open)) }},
		{"assignments", func(t *testing.T) { RunAssignments(t, as[Assignments](open)) }},
		{"halts", func(t *testing.T) { RunHalts(t, as[store.Halts](open)) }},
		{"breakers", func(t *testing.T) { RunBreakers(t, as[store.Breakers](open)) }},
		{"candles", func(t *testing.T) { RunCandles(t, as[store.Candles](open)) }},
		{"budgets", func(t *testing.T) {
			llmtest.RunLedger(t, func(tb testing.TB) (llm.Ledger, func() llm.Ledger) {
				sub, ok := tb.(*testing.T)
				require.True(tb, ok)
				return open(sub), nil
			})
		}},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t)
		})
	}
}

// as opens a store as one of its parts.
func as[S any](open func(t *testing.T) Full) func(t *testing.T) S {
	return func(t *testing.T) S {
		s, ok := open(t).(S)
		require.True(t, ok)
		return s
	}
}

// promise is one thing that a store must keep.
type promise[S any] struct {
	name  string
	check func(t *testing.T, s S)
}

func run[S any](t *testing.T, open func(t *testing.T) S, promises []promise[S]) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, open(t))
		})
	}
}

// same compares what JSON says of both: empty lists are lists, and decimals
// have no trailing zeros.
func same(t *testing.T, want, got any, why ...any) {
	t.Helper()
	a, err := jsonx.Marshal(want)
	require.NoError(t, err)
	b, err := jsonx.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b), why...)
}

// words are texts that a store must neither change nor take for anything else.
func words() []string {
	return []string{
		"plain", "50%", "a_b", `back\slash`, `\0`, `\\`, "NUL \x00 inside", "\x00", "it's \"quoted\"", "tab\tline\r\n", " spaces ",
		"Aufwärts 上昇 📈 \u202e", "'); DROP TABLE decisions; --", "{{braces}} %s $1 ?",
	}
}
