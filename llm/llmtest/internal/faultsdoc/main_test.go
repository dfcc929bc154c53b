package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
)

func TestTheCommittedPageIsWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	fresh := filepath.Join(t.TempDir(), "faults.md")
	require.NoError(t, run([]string{fresh}))
	want, err := os.ReadFile(fresh)
	require.NoError(t, err)
	got, err := os.ReadFile("../../../../docs/faults.md")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "docs/faults.md drifted: run go generate ./llm/llmtest")
}

func TestRunWantsOneFile(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(nil), "got 0 arguments")
	require.Error(t, run([]string{filepath.Join(t.TempDir(), "absent", "faults.md")}))
}

func TestARowSaysWhatIsExpected(t *testing.T) {
	t.Parallel()
	for want, expect := range map[string]llmtest.Expectation{
		"| a\\|b | does\\_it | rate\\_limited (429) | after 40s |  | fallback | n |": {
			Kind: llm.KindRateLimited, Status: 429, Wait: 40 * time.Second, Retryable: true, DecidedBy: "fallback", Note: "n",
		},
		"| a\\|b | does\\_it | timeout | yes |  | fallback |  |":             {Kind: llm.KindTimeout, Retryable: true, DecidedBy: "fallback"},
		"| a\\|b | does\\_it | auth (401) | no |  | fallback |  |":           {Kind: llm.KindAuth, Status: 401, DecidedBy: "fallback"},
		"| a\\|b | does\\_it | the deadline |  |  | fallback |  |":           {Deadline: true, DecidedBy: "fallback"},
		"| a\\|b | does\\_it | an answer |  | usable | model |  |":           {DecidedBy: "model"},
		"| a\\|b | does\\_it | an answer |  | reject, alarm | fallback |  |": {Answer: llmtest.Reject, Alarm: true, DecidedBy: "fallback"},
		"| a\\|b | does\\_it | an answer |  | ask\\_again | fallback |  |":   {Answer: llmtest.AskAgain, DecidedBy: "fallback"},
	} {
		got := string(page([]llmtest.Scenario{{Name: "a|b", What: "does_it", Expect: expect}}))
		require.Equal(t, head+want+"\n", got)
	}
	require.Equal(t, len(llmtest.Scenarios()), strings.Count(strings.TrimPrefix(string(page(llmtest.Scenarios())), head), "\n"), "a row each")
}
