package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/decision/replay"
	"github.com/ballast-go/ballast/fallback"
)

// tampering changes one field of a record of the corpus.
type tampering struct {
	record string // of the corpus
	what   string
	edit   func(*decision.Record)
	stage  replay.Stage
	field  string
	// recorded and replayed are the values told, when given.
	recorded, replayed string
}

func tamperings() []tampering {
	first := func(r *decision.Record) *decision.AssetDecision { return &r.Result.Decision.Decisions[0] }
	return []tampering{
		{
			"accepted_buy", "the answer's amount", func(r *decision.Record) {
				r.Responses[0].Content = strings.ReplaceAll(r.Responses[0].Content, "3000", "2999")
			}, replay.StageDecode, "/proposal/decision/decisions/0/allocation_usd", "3000", "2999",
		},
		{"accepted_buy", "the answer's end", func(r *decision.Record) { r.Responses[0].FinishReason = "length" }, replay.StageDecode, "/result/origin", "", ""},
		{"accepted_buy", "the answer is gone", func(r *decision.Record) { r.Responses = nil }, replay.StageResult, "/result/origin", `"model"`, `"fallback"`},
		{"accepted_buy", "an error beside an answer", func(r *decision.Record) { r.ModelError = "x" }, replay.StageDecode, "/model_error", `"x"`, `""`},
		{"answer_fenced_after_thinking", "what was taken off", func(r *decision.Record) { r.Normalised = r.Normalised[:1] }, replay.StageDecode, "/normalised/1", "", `"think_block"`},
		{"fallback_undecodable_twice", "why it was not used", func(r *decision.Record) { r.ModelError = "tired" }, replay.StageDecode, "/model_error", `"tired"`, ""},
		{
			"fallback_undecodable_twice", "a usable answer", func(r *decision.Record) {
				r.Responses[1].Content = `{"decisions":[{"asset":"BTCUSDT","action":"hold","allocation_usd":0,"position_adjustment":null,"order_adjustment":null,"tp_price":null,"sl_price":null,` +
					`"exit_plan":"none","rationale":"calm","confidence":50,"risk_level":"low"}],"portfolio_rationale":"calm","total_allocation_usd":0,"portfolio_risk_level":"low"}`
			}, replay.StageDecode, "/result/origin", `"fallback"`, `"model"`,
		},
		{
			"accepted_buy", "what was offered", func(r *decision.Record) { r.Input.Envelope.Assets[0].MaxLongUSD = dt.D("1000000") },
			replay.StageEnvelope, "/input/envelope/assets/0/max_long_usd", "1000000", "",
		},
		{"accepted_buy", "the balance", func(r *decision.Record) { r.Input.Account.BalanceUSD = dt.D("5000") }, replay.StageEnvelope, "/input/envelope/assets/0/max_long_usd", "", ""},
		{"host_rule_panics", "an offer although the rules failed", func(r *decision.Record) { r.Input.Envelope.NewPositions = 3 }, replay.StageEnvelope, "/input/envelope/new_positions", "3", "0"},
		{"accepted_buy", "the question", func(r *decision.Record) { r.Request.Messages[1].Content += " Buy!" }, replay.StagePrompt, "/request/messages/1/content", "", ""},
		{"accepted_buy", "the schema", func(r *decision.Record) { r.Request.Schema.JSON = []byte(`{}`) }, replay.StagePrompt, "/request/schema/json", "", ""},
		{"accepted_buy", "no schema", func(r *decision.Record) { r.Request.Schema = nil }, replay.StagePrompt, "/request/schema", "null", ""},
		{
			"fallback_no_model", "the fallback's confidence", func(r *decision.Record) { r.Proposal.Decision.Decisions[0].Confidence = dt.D("99.5") },
			replay.StageScore, "/proposal/decision/decisions/0/confidence", "99.5", "",
		},
		{"accepted_buy", "a score beside the answer", func(r *decision.Record) { r.Assessments[0].Long.Score = 101 }, replay.StageScore, "/assessments/0/long/score", "101", ""},
		{
			"hold_nobody", "a reason to hold", func(r *decision.Record) { r.Proposal.Decision.PortfolioRationale = "calm" },
			replay.StageScore, "/proposal/decision/portfolio_rationale", `"calm"`, "",
		},
		{"accepted_buy", "the amount let through", func(r *decision.Record) { first(r).AllocationUSD = dt.D("3001") }, replay.StageGate, "/result/decision/decisions/0/allocation_usd", "3001", "3000"},
		{"refused_daily_loss", "a refusal left out", func(r *decision.Record) { r.Result.Refused = nil }, replay.StageGate, "/result/refused/0", "", ""},
		{
			"refused_daily_loss", "a refusal's figure", func(r *decision.Record) { r.Result.Refused[0].Violations[0].Value = "-1" },
			replay.StageGate, "/result/refused/0/violations/0/value", `"-1"`, "",
		},
		{"warned_large_allocation", "a warning left out", func(r *decision.Record) { r.Result.Warnings = nil }, replay.StageGate, "/result/warnings/0", "", ""},
		{"recheck_drift", "the drift", func(r *decision.Record) { r.Result.Warnings[0].Value = "0.1" }, replay.StageGate, "/result/warnings/0/value", `"0.1"`, ""},
		{
			"recheck_drift", "the price read again", func(r *decision.Record) {
				q := r.Recheck.Quotes[btc]
				q.Last = q.Last.Mul(dt.D("0.5"))
				r.Recheck.Quotes[btc] = q
			}, replay.StageGate, "/result/decision/decisions/0/action", `"buy"`, `"hold"`,
		},
		{"halted_while_the_model_thinks", "the halt", func(r *decision.Record) { r.Recheck.Halted = false }, replay.StageGate, "/result/decision/decisions/0/action", `"hold"`, `"buy"`},
		{"host_rule_exits", "that the rules failed", func(r *decision.Record) { r.Result.Refused = nil }, replay.StageGate, "/result/refused/0", "", ""},
		{"cached_answer", "the amount of a proposal from the cache", func(r *decision.Record) { r.Proposal.Decision.Decisions[0].AllocationUSD = dt.D("500") }, replay.StageGate, "/result/decision/decisions/0/allocation_usd", "1000", "500"},
		{"accepted_buy", "the time", func(r *decision.Record) { r.Result.At = r.Result.At.Add(time.Microsecond) }, replay.StageResult, "/result/at", "", ""},
		{"accepted_buy", "the reason", func(r *decision.Record) { r.Result.Reason = "luck" }, replay.StageResult, "/result/reason", `"luck"`, `"the model answered"`},
		{"accepted_buy", "the model", func(r *decision.Record) { r.Result.Model = "other" }, replay.StageResult, "/result/model", `"other"`, `"example/one"`},
		{"accepted_buy", "what it cost", func(r *decision.Record) { r.Result.Usage.CostUSD = decimal.NewNullDecimal(decimal.Zero) }, replay.StageResult, "/result/usage/cost_usd", "0", "0.0012"},
		{"fallback_model_error", "why the fallback was asked", func(r *decision.Record) { r.Result.Reason = "luck" }, replay.StageResult, "/result/reason", `"luck"`, ""},
		{"fallback_model_error", "that a model failed", func(r *decision.Record) { r.Result.Degraded = nil }, replay.StageResult, "/result/degraded/0", "", ""},
		{"fallback_model_error", "a model that did not answer", func(r *decision.Record) { r.Result.Model = "example/one" }, replay.StageResult, "/result/model", `"example/one"`, ""},
		{"answer_partial", "that an answer left assets out", func(r *decision.Record) { r.Result.Degraded = nil }, replay.StageResult, "/result/degraded/0", "", ""},
	}
}

func TestATamperedRecordIsNamedByStageAndField(t *testing.T) {
	t.Parallel()
	configs := map[string]replay.Config{}
	for _, c := range corpusCases() {
		configs[c.name] = replayConfig(c)
	}
	stages := map[replay.Stage]bool{}
	for _, c := range tamperings() {
		stages[c.stage] = true
		t.Run(c.record+": "+c.what, func(t *testing.T) {
			t.Parallel()
			rec := corpusRecord(t, c.record)
			c.edit(&rec)
			report, err := replay.Check(t.Context(), rec, configs[c.record])
			require.NoError(t, err)
			require.False(t, report.OK())
			m := report.Mismatches[0]
			require.Equal(t, c.stage, m.Stage, m)
			require.Equal(t, c.field, m.Field, m)
			if c.recorded != "" {
				require.Equal(t, c.recorded, m.Recorded)
			}
			if c.replayed != "" {
				require.Equal(t, c.replayed, m.Replayed)
			}
			require.NotEqual(t, m.Recorded, m.Replayed, "what is told shows the difference")
			for _, m := range report.Mismatches {
				require.LessOrEqual(t, len(m.Recorded), 210)
				require.LessOrEqual(t, len(m.Replayed), 210)
				require.True(t, utf8.ValidString(m.String()))
			}
		})
	}
	require.Len(t, stages, len(replay.Stages()), "every stage")
}

func TestARecordIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	rec := corpusRecord(t, "recheck_drift")
	before, err := rec.Digest()
	require.NoError(t, err)
	_, err = replay.Check(t.Context(), rec, replay.Config{Prompt: true, Scorer: fallback.New(fallback.Config{})})
	require.NoError(t, err)
	after, err := rec.Digest()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestWhatCannotBeDerivedIsSaid(t *testing.T) {
	t.Parallel()
	for record, want := range map[string][]string{
		"accepted_buy": {"prompt: not asked for", "score: no scorer is configured"},
		"fallback_no_model": {
			"decode: no model answered", "prompt: not asked for", "score: no scorer is configured",
		},
		"cached_answer": {
			"decode: the proposal is from the cache: the record of the decision that it was made for has the answer", "prompt: not asked for",
			"score: the proposal is from the cache, made from another input",
			"result: origin, reason and model of a proposal from the cache are those of the decision that it was made for",
		},
		"fallback_undecodable_then_error": {
			"decode: the error of a call that failed (llm: example.invalid: server: overloaded) is from outside", "prompt: not asked for",
			"score: no scorer is configured",
		},
	} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			report, err := replay.Check(t.Context(), corpusRecord(t, record), replay.Config{})
			require.NoError(t, err)
			require.True(t, report.OK(), report.Mismatches)
			require.Equal(t, want, report.Skipped)
			for _, skipped := range report.Skipped {
				stage, _, ok := strings.Cut(skipped, ": ")
				require.True(t, ok)
				require.Contains(t, replay.Stages(), replay.Stage(stage))
			}
		})
	}
}

func TestOtherRulesThanTheEngineHadAreAMismatch(t *testing.T) {
	t.Parallel()
	rec := corpusRecord(t, "host_rule_refuses")
	report, err := replay.Check(t.Context(), rec, replay.Config{})
	require.NoError(t, err)
	require.False(t, report.OK(), "replayed without the host's rule")
	require.Equal(t, replay.StageGate, report.Mismatches[0].Stage)
}

// hostile is a host's rule or scorer that panics.
type hostile struct{}

func (hostile) Name() string { panic("no name") }

func (hostile) Check(decision.Input, decision.Proposal) []decision.Violation { panic("bug") }

func TestCheckReportsWhatKeepsItFromReplaying(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rec := corpusRecord(t, "fallback_no_model")

	for _, schema := range []int{0, decision.RecordSchema + 1} {
		newer := rec
		newer.Schema = schema
		_, err := replay.Check(ctx, newer, replay.Config{})
		require.ErrorIs(t, err, decision.ErrSchema)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := replay.Check(ended, rec, replay.Config{})
	require.ErrorIs(t, err, context.Canceled)

	_, err = replay.Check(ctx, rec, replay.Config{Rules: decision.Rules{nil}})
	require.ErrorContains(t, err, "Rules must not contain nil")
	_, err = replay.Check(ctx, rec, replay.Config{Rules: decision.Rules{hostile{}}})
	require.ErrorContains(t, err, "panicked: no name")

	broken := errors.New("no weights")
	_, err = replay.Check(ctx, rec, replay.Config{Scorer: decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
		return decision.Proposal{}, broken
	})})
	require.ErrorIs(t, err, broken)
}

func TestAReportOfManyDifferencesIsBounded(t *testing.T) {
	t.Parallel()
	rec := corpusRecord(t, "fallback_two_assets")
	for range 50 {
		rec.Result.Warnings = append(rec.Result.Warnings, decision.Violation{Rule: "invented", Message: strings.Repeat("ä", 5000)})
	}
	report, err := replay.Check(t.Context(), rec, replay.Config{})
	require.NoError(t, err)
	require.NotEmpty(t, report.Mismatches)
	require.LessOrEqual(t, len(report.Mismatches), 20)
	for _, m := range report.Mismatches {
		require.LessOrEqual(t, len(m.String()), 800)
	}
}
