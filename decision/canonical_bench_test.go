package decision_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

// recorded is the record of a decision on n assets that a model proposed.
func recorded(tb testing.TB, n int) decision.Record {
	tb.Helper()
	b := newBench(tb, fixed)
	req := decision.Request{Account: dt.Account()}
	var actions []decision.AssetDecision
	for i := range n {
		symbol := fmt.Sprintf("A%02dUSDT", i)
		req.Symbols = append(req.Symbols, symbol)
		actions = append(actions, dt.Act(symbol, decision.ActionHold))
	}
	b.cfg.LLM = answering(answer(tb, actions...))
	b.cfg.NewID = func() string { return "recorded" }
	_, err := b.decide(tb, req)
	require.NoError(tb, err)
	require.Len(tb, b.records, 1)
	return b.records[0]
}

func BenchmarkCanonical(b *testing.B) {
	for _, assets := range []int{5, 10} {
		b.Run(fmt.Sprintf("assets=%d", assets), func(b *testing.B) {
			rec := recorded(b, assets)
			c, err := rec.Canonical()
			require.NoError(b, err)
			b.ReportAllocs()
			b.SetBytes(int64(len(c.Body)))
			for b.Loop() {
				if _, err := rec.Canonical(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCanonicalRecord(b *testing.B) {
	rec := recorded(b, 5)
	c, err := rec.Canonical()
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(c.Body)))
	for b.Loop() {
		if _, err := c.Record(); err != nil {
			b.Fatal(err)
		}
	}
}
