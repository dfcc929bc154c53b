package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
	"github.com/ballast-go/ballast/llm/openrouter"
)

// models is everything that stands between the engine and a provider:
//
//	Failover → guard per model → Ladder → Budget → Trace → Recorder → openrouter.Client
//
// With Options.Replay a Player is in the client's place, and nothing is paid
// for or remembered.
type models struct {
	ask      llm.Client
	guards   []*guard // in the order in which models are asked
	saved    *savedCircuits
	budget   *lazyBudget
	recorder *llmreplay.Recorder
	client   *openrouter.Client
	missing  atomic.Int64 // questions that the recording has no answer to
}

func newModels(o Options) (*models, error) {
	m := &models{}
	endpoint, adapter, err := m.adapter(o)
	if err != nil {
		return nil, err
	}
	ladder := llm.NewLadder(llm.Fit(adapter, contexts(o.Config)))
	hops := make([]llm.Hop, 0, 1+len(o.Config.Fallbacks))
	for _, model := range append([]string{o.Config.Model}, o.Config.Fallbacks...) {
		g, err := newGuard(endpoint, model, o)
		if err != nil {
			return nil, err
		}
		m.guards = append(m.guards, g)
		hops = append(hops, llm.Hop{Model: model, Client: g.around(ladder)})
	}
	m.ask, err = llm.NewFailover(llm.FailoverConfig{Hops: hops, Now: o.Now})
	if err != nil {
		return nil, err
	}
	if o.Replay == nil {
		m.saved = openCircuits(o.Config.DataDir, o.Now)
		m.saved.restore(m.guards, o.Config.FailureThreshold)
	}
	return m, nil
}

// adapter makes single calls, each of them traced and, where there is a
// budget, paid for.
func (m *models) adapter(o Options) (endpoint string, client llm.Client, err error) {
	if o.Replay != nil {
		player, err := llmreplay.Open(o.Replay)
		if err != nil {
			return "", nil, err
		}
		return "replay", llm.Trace(m.noting(player)), nil
	}
	c := o.Config
	m.client, err = openrouter.New(openrouter.Config{
		APIKey: c.OpenRouterKey, BaseURL: c.OpenRouterBaseURL, Model: c.Model,
		Referer: c.OpenRouterReferer, AppTitle: c.OpenRouterAppTitle,
	})
	if err != nil {
		return "", nil, fmt.Errorf("OPENROUTER_ settings: %w", err)
	}
	client = m.client
	if o.Record != nil {
		m.recorder = llmreplay.Record(client, o.Record)
		client = m.recorder
	}
	client = llm.Trace(client)
	if c.DailyBudgetUSD.Valid {
		m.budget = newLazyBudget(client, m.client, o)
		client = m.budget
	}
	return host(c.OpenRouterBaseURL), client, nil
}

// contexts are the sizes that a prompt is checked against before it is sent;
// an estimate, one token a byte, that errs on the large side.
func contexts(c config.Config) map[string]int {
	if c.ContextTokens == 0 {
		return nil
	}
	sizes := make(map[string]int, 1+len(c.Fallbacks))
	for _, model := range append([]string{c.Model}, c.Fallbacks...) {
		sizes[model] = c.ContextTokens
	}
	return sizes
}

// noting counts what a recording cannot answer.
func (m *models) noting(c llm.Client) llm.Client {
	return llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		resp, err := c.Complete(ctx, req)
		if errors.Is(err, llmreplay.ErrNotRecorded) {
			m.missing.Add(1)
		}
		return resp, err
	})
}

// warnings are those since it was called last.
func (m *models) warnings() []string {
	var out []string
	if m.saved != nil {
		out = m.saved.taken()
	}
	if n := m.missing.Swap(0); n > 0 {
		out = append(out, fmt.Sprintf("the recording lacks %d of the questions asked: it answers those of the same time, market, account, strategy and models only", n))
	}
	return out
}

const maxHostBytes = 80

// host names an endpoint in the names of circuits, which are bounded.
func host(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" {
		return "endpoint"
	}
	return strings.ToValidUTF8(u.Host[:min(len(u.Host), maxHostBytes)], "")
}

// judge tells the second circuit of a model whether its answer could be used.
func (m *models) judge(model string, usable bool) {
	for _, g := range m.guards {
		if g.model == model {
			g.quality.Report(usable)
		}
	}
}

// end counts a decision as served or not, and keeps what the circuits know. A
// caller who went away and data that nobody could decide on count for nothing.
func (m *models) end(res decision.Result, err error) {
	defer m.save()
	var data *DataError
	if errors.As(err, &data) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	served := err == nil && res.Origin != decision.OriginHold
	for _, g := range m.guards {
		g.policy.ReportServed(served)
	}
	if m.saved != nil {
		m.saved.note(served)
	}
}

func (m *models) save() {
	if m.saved != nil {
		m.saved.save(m.guards)
	}
}

func (m *models) circuits() []Circuit {
	out := make([]Circuit, len(m.guards))
	for i, g := range m.guards {
		out[i] = g.circuit()
	}
	return out
}

// close waits for calls that nobody waits for any more, whose end the circuits
// still learn of, before it keeps what they know.
func (m *models) close(ctx context.Context) (err error) {
	for _, g := range m.guards {
		if failed := g.close(ctx); failed != nil && err == nil {
			err = failed
		}
	}
	m.save()
	if m.budget != nil {
		if failed := m.budget.close(); failed != nil && err == nil {
			err = failed
		}
	}
	if m.client != nil {
		m.client.CloseIdleConnections()
	}
	return err
}
