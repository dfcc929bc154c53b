package ballast_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/secret"
	"github.com/ballast-go/ballast/store/memory"
)

const faultKey = "sk-or-v1-0123456789abcdef0123456789abcdef"

// faultClient asks a provider that behaves as the scenario says. Waits are
// short where only they end the call, and long elsewhere.
func faultClient(t *testing.T, s llmtest.Scenario) *openrouter.Client {
	t.Helper()
	server, err := llmtest.Start(s.Script())
	require.NoError(t, err)
	t.Cleanup(server.Close)
	idle := time.Minute
	if s.Expect.Stalls() && !s.Expect.Deadline {
		idle = 200 * time.Millisecond
	}
	client, err := openrouter.New(openrouter.Config{
		APIKey: secret.New(faultKey), BaseURL: server.URL(), Model: llmtest.ScenarioModel, Dialect: openrouter.OpenRouter(),
		IdleTimeout: idle, Now: llmtest.ScenarioTime,
	})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// modelTimeout bounds the wait for a model in a scenario; only a deadline that
// is to be seen is short.
func modelTimeout(e llmtest.Expectation) time.Duration {
	if e.Stalls() {
		return 300 * time.Millisecond
	}
	return 10 * time.Second
}

// faultHost decides about the scenarios' assets in a simulated market, with
// the technical fallback behind the model. Its parts are shared by engines.
type faultHost struct {
	market     decision.MarketSource
	indicators decision.Indicators
}

func newFaultHost(t *testing.T) faultHost {
	t.Helper()
	market, err := marketdata.NewSim(marketdata.SimConfig{Now: llmtest.ScenarioTime})
	require.NoError(t, err)
	indicators, err := indicator.NewCache(nil, indicator.CacheConfig{})
	require.NoError(t, err)
	return faultHost{market: market, indicators: indicators}
}

func (h faultHost) engine(t *testing.T, client llm.Client, timeout time.Duration) (*decision.Engine, decision.Request, *memory.Store) {
	t.Helper()
	store := memory.New()
	engine, err := decision.New(decision.Config{
		Market: h.market, LLM: client, Scorer: fallback.New(fallback.Config{}), Indicators: h.indicators, Store: store,
		ModelTimeout: timeout, Now: llmtest.ScenarioTime, NewID: func() string { return "fault" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close(context.Background())) })
	balance := decimal.NewFromInt(10_000)
	return engine, decision.Request{
		Account: decision.Account{ID: "faults", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
		Symbols: llmtest.ScenarioSymbols(),
	}, store
}

// The table of docs/faults.md, end to end: provider, client, decoder, engine.
func TestEveryFaultEndsAsItsTableSays(t *testing.T) {
	t.Parallel()
	host := newFaultHost(t)
	for _, s := range llmtest.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			client := faultClient(t, s)
			faultAtTheClient(t, s.Expect, client)

			engine, req, store := host.engine(t, client, modelTimeout(s.Expect))
			res, err := engine.Decide(t.Context(), req)
			require.NoError(t, err, "a model's failure is no error")
			require.Equal(t, s.Expect.DecidedBy, string(res.Origin), res.Reason)
			require.Len(t, res.Decision.Decisions, len(req.Symbols))
			require.Empty(t, res.Refused)
			record, err := store.Record(t.Context(), res.ID)
			require.NoError(t, err)
			if s.Expect.DecidedBy == llmtest.DecidedByModel {
				require.NotEmpty(t, res.Model)
				require.Empty(t, record.ModelError)
				for _, d := range res.Decision.Decisions {
					require.Equal(t, decision.ActionHold, d.Action, "what the model answered, not its draft")
				}
			} else {
				require.Empty(t, res.Model, "a fallback is never a success of the model")
				require.NotEmpty(t, record.ModelError)
				requireNoneOf(t, record.ModelError+res.Reason+fmt.Sprint(res.Degraded), record.Request)
			}
			degraded := slices.ContainsFunc(res.Degraded, func(why string) bool { return strings.HasPrefix(why, "model: ") })
			require.Equal(t, s.Expect.DecidedBy == llmtest.DecidedByFallback || s.Expect.Answer != "", degraded, res.Degraded)
		})
	}
}

// faultAtTheClient checks one call, and the decoder on what it returned.
func faultAtTheClient(t *testing.T, want llmtest.Expectation, client llm.Client) {
	t.Helper()
	timeout := time.Minute
	if want.Deadline {
		timeout = modelTimeout(want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	req := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "What about BTCUSDT and ETHUSDT with my position of 12,345 USD?"}}}
	resp, err := client.Complete(ctx, req)
	var failure *llm.Error
	switch {
	case want.Deadline:
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorAs(t, err, &failure)
	case want.Kind != "":
		require.ErrorAs(t, err, &failure)
		require.Equal(t, want.Kind, failure.Kind, failure.Message)
		require.Equal(t, want.Status, failure.Status)
		require.Equal(t, want.Wait, failure.RetryAfter())
		require.Equal(t, want.Retryable, failure.Retryable())
		requireNoneOf(t, err.Error(), req)
	default:
		require.NoError(t, err)
		faultInTheAnswer(t, want, resp)
		return
	}
	require.Equal(t, llm.Response{}, resp, "no content comes with an error")
}

func faultInTheAnswer(t *testing.T, want llmtest.Expectation, resp llm.Response) {
	t.Helper()
	answer, err := decision.DecodeAnswer(resp, llmtest.ScenarioSymbols())
	if want.Answer == "" {
		require.NoError(t, err)
		require.Len(t, answer.Decision.Decisions, 2)
		return
	}
	var bad *decision.AnswerError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, want.Answer, string(bad.Class), bad.Message)
	require.Equal(t, want.Alarm, bad.Alarm, bad.Message)
	require.Equal(t, want.DecidedBy == llmtest.DecidedByModel, bad.Partial != nil, "the rest counts")
}

// requireNoneOf holds that an error repeats neither the key nor the prompt.
func requireNoneOf(t *testing.T, text string, req llm.Request) {
	t.Helper()
	require.NotContains(t, text, faultKey)
	require.NotEmpty(t, req.Messages)
	const quote = 60 // the decoder quotes 40 characters of an answer, which an echo takes from the prompt
	for _, message := range req.Messages {
		for at := range max(len(message.Content)-quote, 0) {
			if part := message.Content[at : at+quote]; strings.Contains(text, part) {
				require.Fail(t, "an error quotes the prompt", "%q in %q", part, text)
			}
		}
	}
}

func TestScenariosCoverEveryKindAndClass(t *testing.T) {
	t.Parallel()
	kinds, classes, names := map[llm.Kind]int{}, map[string]int{}, map[string]int{}
	for _, s := range llmtest.Scenarios() {
		kinds[s.Expect.Kind]++
		classes[s.Expect.Answer]++
		names[s.Name]++
		require.NotEmpty(t, s.What)
		require.Equal(t, 1, names[s.Name], "%s is there twice", s.Name)
		require.Contains(t, []string{string(decision.OriginModel), string(decision.OriginFallback)}, s.Expect.DecidedBy)
	}
	for _, kind := range []llm.Kind{
		llm.KindConfig, llm.KindAuth, llm.KindPayment, llm.KindForbidden, llm.KindRateLimited,
		llm.KindTimeout, llm.KindServer, llm.KindTransport, llm.KindMalformed, llm.KindModel,
	} {
		require.NotZero(t, kinds[kind], kind)
	}
	for _, class := range []decision.AnswerClass{decision.AnswerAskAgain, decision.AnswerRetry, decision.AnswerFailOver, decision.AnswerReject} {
		require.NotZero(t, classes[string(class)], class)
	}
}
