package decision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

// talk is a model that answers from a script and keeps the questions.
type talk struct {
	script []func(llm.Request) (llm.Response, error)
	asked  []llm.Request
}

func (m *talk) Complete(_ context.Context, req llm.Request) (llm.Response, error) {
	n := min(len(m.asked), len(m.script)-1)
	m.asked = append(m.asked, req)
	return m.script[n](req)
}

type turn = func(llm.Request) (llm.Response, error)

func says(content string) turn {
	return func(llm.Request) (llm.Response, error) {
		return llm.Response{Model: "first", Content: content, FinishReason: llm.FinishStop, Usage: llm.Usage{PromptTokens: 10}}, nil
	}
}

// by makes a turn one of a Failover, which says whom it asked.
func by(model string, t turn) turn {
	return func(req llm.Request) (llm.Response, error) {
		resp, err := t(req)
		resp.Model, resp.Hop, resp.Tried = model, model, []llm.Attempt{{Model: model}}
		return resp, err
	}
}

func fails(err error) turn {
	return func(llm.Request) (llm.Response, error) { return llm.Response{}, err }
}

func cut(llm.Request) (llm.Response, error) {
	return llm.Response{Model: "first", Content: `{"decisions":[`, FinishReason: llm.FinishLength}, nil
}

func refuses(llm.Request) (llm.Response, error) {
	return llm.Response{Model: "first", Refusal: "I cannot", FinishReason: llm.FinishStop}, nil
}

type judgement struct {
	model  string
	usable bool
}

func TestConversation(t *testing.T) {
	t.Parallel()
	whole := says(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	part := says(answer(t, dt.Buy("BTCUSDT", "500")))
	down := fails(&llm.Error{Kind: llm.KindServer, Status: 502, Endpoint: "test"})
	alarming := answer(t, dt.Buy("BTCUSDT", "500"), dt.Buy("EVILUSDT", "500"))
	for _, c := range []struct {
		name   string
		script []turn
		asked  int
		origin decision.Origin
		model  string
		reason string
		judged []judgement
	}{
		{"understood at once", []turn{whole}, 1, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"repaired", []turn{says("I would buy."), whole}, 2, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"repaired once only", []turn{says("I would buy.")}, 2, "fallback", "", "unusable answer", []judgement{{"first", false}}},
		{"lengthened", []turn{cut, whole}, 2, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"lengthened once only", []turn{cut}, 2, "fallback", "", "unusable answer", []judgement{{"first", false}}},
		{"lengthened, then repaired", []turn{cut, says("no"), whole}, 3, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"left out twice", []turn{part}, 2, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"left out, then down", []turn{part, down}, 2, "model", "first", "the model answered", []judgement{{"first", true}}},
		{"nonsense, then down", []turn{says("no"), down}, 2, "fallback", "", "asked again: llm: test: server (502)", []judgement{{"first", false}}},
		{"refusal, nobody else", []turn{refuses}, 1, "fallback", "", "unusable answer", []judgement{{"first", false}}},
		{"refusal, next model", []turn{by("first", refuses), by("second", whole)}, 2, "model", "second", "the model answered", []judgement{{"first", false}, {"second", true}}},
		{"nonsense twice, next model", []turn{by("first", says("no")), by("first", says("no")), by("second", whole)}, 3, "model", "second", "the model answered", []judgement{{"first", false}, {"second", true}}},
		{"every model refuses", []turn{by("first", refuses), by("second", refuses), fails(llm.ErrNoModel)}, 3, "fallback", "", "unusable answer", []judgement{{"first", false}, {"second", false}}},
		{"at most four questions", []turn{by("first", says("no")), by("first", cut), by("first", cut), by("second", says("no")), whole}, 4, "fallback", "", "unusable answer", []judgement{{"first", false}, {"second", false}}},
		{"words of somebody else", []turn{by("first", says(alarming)), by("second", whole)}, 1, "fallback", "", "unusable answer", []judgement{{"first", false}}},
		{"left out, then words of somebody else", []turn{part, says(alarming)}, 2, "fallback", "", "unusable answer", []judgement{{"first", false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, m := newBench(t, fixed), &talk{script: c.script}
			var judged []judgement
			b.cfg.LLM = m
			b.cfg.Judge = func(model string, usable bool) { judged = append(judged, judgement{model, usable}) }
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Len(t, m.asked, c.asked)
			require.Equal(t, c.origin, res.Origin)
			require.Equal(t, c.model, res.Model)
			require.Contains(t, res.Reason, c.reason)
			require.Equal(t, c.judged, judged)
			for _, req := range m.asked {
				require.Equal(t, "test", req.Account, "whose budget pays")
			}
		})
	}
}

func TestRepairQuestionQuotesTheErrorAndTheClippedAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	m := &talk{script: []turn{says("no " + strings.Repeat("é", 4000)), says(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))}}
	b.cfg.LLM = m
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, 20, res.Usage.PromptTokens, "both answers are paid for")
	require.Len(t, res.Tried, 2)
	require.Len(t, b.records[0].Responses, 2)

	first, second := m.asked[0].Messages, m.asked[1].Messages
	require.Len(t, first, 2)
	require.Equal(t, first, second[:2], "the same data, so that caches of providers hit")
	require.Equal(t, llm.RoleAssistant, second[2].Role)
	require.LessOrEqual(t, len(second[2].Content), 4<<10+len(" [cut]"))
	require.True(t, strings.HasSuffix(second[2].Content, "é [cut]"), "cut at a rune")
	require.Equal(t, llm.RoleUser, second[3].Role)
	require.Contains(t, second[3].Content, "Your reply was rejected: ")
	require.Contains(t, second[3].Content, "do not change your decision")
}

func TestCutAnswersAreAskedForWithTwiceTheTokens(t *testing.T) {
	t.Parallel()
	for start, want := range map[int]int{1000: 2000, 150_000: 200_000} {
		b, m := newBench(t, fixed), &talk{script: []turn{cut}}
		b.cfg.LLM, b.cfg.MaxTokens = m, start
		_, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, want, m.asked[1].MaxTokens)
		require.Equal(t, m.asked[0].Messages, m.asked[1].Messages)
	}
}

func TestTheNextModelGetsTheFirstQuestion(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	m := &talk{script: []turn{by("first", says("no")), by("first", says("no")), by("second", says("no"))}}
	b.cfg.LLM = m
	_, err := b.decide(t, request())
	require.NoError(t, err)
	require.Empty(t, m.asked[0].Skip)
	require.Equal(t, []string{"first"}, m.asked[2].Skip)
	require.Len(t, m.asked[2].Messages, 2)
	require.Len(t, m.asked[3].Messages, 4, "and is asked for a repair of its own")
	require.Equal(t, []string{"first"}, m.asked[3].Skip)
}

// refused is an open circuit as a decorator of any package may report it.
type refused struct{}

func (refused) Error() string             { return "circuit is open" }
func (refused) Circuit() string           { return "open" }
func (refused) RetryAfter() time.Duration { return 42 * time.Second }

func TestResultTellsOfTheCircuitThatRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = &talk{script: []turn{fails(fmt.Errorf("wrapped: %w", refused{}))}}
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginFallback, res.Origin)
	require.Equal(t, "open", res.Circuit)
	require.Equal(t, 42*time.Second, res.ProbeIn)

	b.cfg.LLM = &talk{script: []turn{fails(&llm.FailoverError{Tried: []llm.Attempt{{Model: "a"}, {Model: "b"}}, Causes: []error{errors.New("down")}})}}
	res, err = b.decide(t, request())
	require.NoError(t, err)
	require.Len(t, res.Tried, 2)
	require.Empty(t, res.Circuit)
}

// hops is a real Failover over two scripted models.
func hops(t *testing.T, first, second *talk) *llm.Failover {
	t.Helper()
	f, err := llm.NewFailover(llm.FailoverConfig{Hops: []llm.Hop{
		{Name: "one", Model: "same/model", Client: first}, {Name: "two", Model: "same/model", Client: second},
	}})
	require.NoError(t, err)
	return f
}

func TestAQuestionAboutAnAnswerGoesToWhomGaveIt(t *testing.T) {
	t.Parallel()
	whole := says(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	part := says(answer(t, dt.Buy("BTCUSDT", "500")))
	down := fails(&llm.Error{Kind: llm.KindServer, Status: 502})
	for _, c := range []struct {
		name          string
		first, second []turn
		asked         [2]int
		origin        decision.Origin
		judged        []judgement
	}{
		{"the first cannot repair, the second starts anew", []turn{says("no"), down}, []turn{whole}, [2]int{2, 1}, "model", []judgement{{"one", false}, {"two", true}}},
		{"the second repairs its own", []turn{down}, []turn{part, says("no")}, [2]int{1, 2}, "model", []judgement{{"two", true}}},
		{"the second is lengthened", []turn{down}, []turn{cut, whole}, [2]int{1, 2}, "model", []judgement{{"two", true}}},
		{"both cannot", []turn{says("no")}, []turn{says("no")}, [2]int{2, 2}, "fallback", []judgement{{"one", false}, {"two", false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, first, second := newBench(t, fixed), &talk{script: c.first}, &talk{script: c.second}
			var judged []judgement
			b.cfg.LLM = hops(t, first, second)
			b.cfg.Judge = func(model string, usable bool) { judged = append(judged, judgement{model, usable}) }
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Len(t, first.asked, c.asked[0])
			require.Len(t, second.asked, c.asked[1])
			require.Equal(t, c.origin, res.Origin)
			require.Equal(t, c.judged, judged)
			require.Len(t, second.asked[0].Messages, 2, "the second model never sees the first one's words")
			require.Len(t, res.Tried, len(first.asked)+len(second.asked))
		})
	}
}

func TestWhatAHangingModelTriedIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := llm.ClientFunc(func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			<-ctx.Done()
			return llm.Response{}, ctx.Err()
		})
		f, err := llm.NewFailover(llm.FailoverConfig{Hops: []llm.Hop{{Model: "one", Client: hang}, {Model: "two", Client: hang}}})
		require.NoError(t, err)
		for range 20 {
			b := newBench(t, time.Now)
			b.cfg.LLM = f
			res, err := b.decide(t, request())
			require.NoError(t, err)
			require.Len(t, res.Tried, 2)
			require.Contains(t, res.Reason, "no answer within 30s")
		}
	})
}

func TestRepairStaysWithinTheModelsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		calls := 0
		b.cfg.LLM = llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			calls++
			select {
			case <-time.After(20 * time.Second):
				return says("no")(req)
			case <-ctx.Done():
				return llm.Response{}, ctx.Err()
			}
		})
		started := time.Now()
		res, err := b.decide(t, request())
		require.NoError(t, err)
		require.Equal(t, 30*time.Second-20*time.Millisecond, time.Since(started), "not 40")
		require.Equal(t, 2, calls)
		require.Contains(t, res.Reason, "unusable answer")
		require.Contains(t, res.Reason, "no answer within 30s")
	})
}

func TestDecideHoldsWhatTheModelLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.cfg.LLM = answering("```json\n" + answer(t, dt.Buy("BTCUSDT", "500")) + "\n```")
	res, err := b.decide(t, request())
	require.NoError(t, err)
	require.Equal(t, decision.OriginModel, res.Origin)
	require.Equal(t, "not covered by the proposal", res.Decision.Decisions[1].Rationale)
	require.Contains(t, res.Degraded[0], "ETHUSDT")
	require.Len(t, b.records[0].Responses, 2, "after one repair question")
}
