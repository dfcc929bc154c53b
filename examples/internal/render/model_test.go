package render_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/llm"
)

func TestEachAttemptIsALineWithItsOutcomeAndDuration(t *testing.T) {
	t.Parallel()
	d := render.Decision{
		Record:   decision.Record{Input: decisiontest.Input("BTCUSDT")},
		Circuits: []string{render.Circuit("a/b", "open", 298*time.Second-time.Millisecond, "it\x1b[2J hangs")},
		Result: decision.Result{
			Origin: decision.OriginModel, Model: "second-0131", Usage: llm.Usage{PromptTokens: 5, CompletionTokens: 7},
			Tried: []llm.Attempt{
				{Model: "a/b", Kind: llm.KindTimeout, Took: 15_020 * time.Millisecond},
				{Model: "c/d", Kind: llm.KindOther, Took: time.Microsecond},
				{Model: "e\x1b/second", Took: 250 * time.Millisecond, Usage: llm.Usage{PromptTokens: 5, CompletionTokens: 7, CostUSD: decisiontest.Null("0.25")}},
			},
		},
	}
	var b bytes.Buffer
	require.NoError(t, d.Write(&b, render.Style{}))
	require.Contains(t, b.String(), `decided by  the model second-0131, asked as e/second (5 tokens asked, 7 answered, cost unknown)
attempts    a/b failed after 15s: timeout
            c/d was not asked
            e/second answered in 250ms, 5 tokens asked, 7 answered, 0.25 USD
circuit     a/b: circuit open, next probe in 4m58s: it[2J hangs
`)
}

func TestACircuitThatNamesNoWaitOrReasonLeavesThemOut(t *testing.T) {
	t.Parallel()
	require.Equal(t, "m: circuit half_open", render.Circuit("m", "half_open", 0, ""))
	require.Equal(t, "m: circuit cooldown, next probe in 1s", render.Circuit("m", "cooldown", time.Nanosecond, ""))
}

func TestDurationsAreAsLongAsAPersonNeeds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                        "0s",
		499 * time.Microsecond:   "0s",
		12_345_678:               "12ms",
		1_449 * time.Millisecond: "1.4s",
		59 * time.Second:         "59s",
		3661 * time.Second:       "1h1m1s",
	} {
		require.Equal(t, want, render.Duration(d))
	}
}

func TestBreakersShowWhatIsKnownAndSayWhatIsNot(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
	half, full, probe, ms, reason := 50.0, 100.0, int64(298), int64(1449), "down\x1b[2J"
	all := []api.Breaker{
		{
			Name: "openrouter.ai/x-ai/grok-4", State: "open", NextProbeSeconds: &probe, Total: 7, Successes: 3, Failures: 3, Excluded: 1, Rejected: 2,
			SuccessRate: &half, ServedRate: &full, ConsecutiveFailures: 3, LastFailureAt: &at, LastFailureReason: &reason, Opened: 1,
			LatencyP50Ms: &ms, LatencyP95Ms: &ms, LatencyP99Ms: &ms,
		},
		{Name: "openrouter.ai/x-ai/grok-4 (answers)", State: "half_open"},
		{Name: "openrouter.ai/other", State: "closed"},
	}
	for name, width := range map[string]int{"breakers.txt": 120, "breakers_narrow.txt": 60} {
		var b bytes.Buffer
		require.NoError(t, render.Breakers(&b, all, render.Style{Width: width}))
		require.NotContains(t, b.String(), "\x1b")
		for line := range strings.SplitSeq(b.String(), "\n") {
			require.LessOrEqual(t, len([]rune(line)), width)
		}
		golden(t, name, b.String())
	}
}
