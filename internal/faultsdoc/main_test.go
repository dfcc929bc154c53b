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
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

func TestTheCommittedPageIsWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	fresh := filepath.Join(t.TempDir(), "faults.md")
	require.NoError(t, run([]string{fresh}))
	want, err := os.ReadFile(fresh)
	require.NoError(t, err)
	got, err := os.ReadFile("../../docs/faults.md")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "docs/faults.md drifted: run go generate ./internal/faultsdoc")
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
		got := string(page([]llmtest.Scenario{{Name: "a|b", What: "does_it", Expect: expect}}, nil))
		require.Equal(t, head+want+"\n"+venueHead, got)
	}
	models := strings.TrimSuffix(strings.TrimPrefix(string(page(llmtest.Scenarios(), nil)), head), venueHead)
	require.Equal(t, len(llmtest.Scenarios()), strings.Count(models, "\n"), "a row each")
}

func TestARowOfTheExchangeSaysWhatIsExpected(t *testing.T) {
	t.Parallel()
	both := astertest.ScenarioSymbols()
	for want, s := range map[string]astertest.Scenario{
		"rate\\_limit (429, -1003) | after 40s | neither: unavailable | insufficient market data | n": {Expect: astertest.Expectation{
			Kind: "rate_limit", Status: 429, Code: -1003, Wait: 40 * time.Second, Retryable: true, Missing: both, Reason: marketdata.ReasonUnavailable, Note: "n",
		}},
		"network | yes | both | both | ":                               {Expect: astertest.Expectation{Kind: "network", Retryable: true}},
		"blocked (403) | no | both | both | ":                          {Expect: astertest.Expectation{Kind: "blocked", Status: 403}},
		"the deadline |  | the deadline | insufficient market data | ": {Expect: astertest.Expectation{Deadline: true, Missing: both}},
		"an answer |  | not ETHUSDT: bad\\_candle | the other | ":      {Expect: astertest.Expectation{Missing: both[1:], Reason: marketdata.ReasonBadCandle}},
		"an answer |  | both; open interest | both | ":                 {Expect: astertest.Expectation{Degraded: "open interest"}},
		"an error |  | both | no account | ":                           {Asked: astertest.AskedAccount, Expect: astertest.Expectation{Fails: true}},
		"deposit (400, -5050) | no | both | no account | ":             {Asked: astertest.AskedAccount, Expect: astertest.Expectation{Kind: "deposit", Status: 400, Code: -5050}},
		"an answer |  | both | both | an account":                      {Asked: astertest.AskedAccount, Expect: astertest.Expectation{Note: "an account"}},
		" |  | both | both | ":                                         {Asked: astertest.AskedNothing},
	} {
		s.Name, s.What = "a|b", "does_it"
		require.Equal(t, head+venueHead+"| a\\|b | does\\_it | "+want+" |\n", string(page(nil, []astertest.Scenario{s})))
	}
	venues := strings.TrimPrefix(string(page(nil, astertest.Scenarios())), head+venueHead)
	require.Equal(t, len(astertest.Scenarios()), strings.Count(venues, "\n"), "a row each")
}
