package decision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

// outcome is how one Decide ended.
type outcome struct {
	res  decision.Result
	err  error
	took time.Duration
}

// crowd is an engine that many ask at once, in a synctest bubble.
type crowd struct {
	*cacheBench
	engine *decision.Engine
}

// newCrowd has a model that thinks for so long, unless its context ends.
func newCrowd(t *testing.T, thinks time.Duration) *crowd {
	t.Helper()
	b := newCacheBench(t, time.Now, decision.CacheConfig{})
	b.model(thinking(thinks, answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))))
	return b.crowd(t)
}

func (b *cacheBench) crowd(t *testing.T) *crowd {
	t.Helper()
	e, err := decision.New(b.cfg)
	require.NoError(t, err)
	return &crowd{cacheBench: b, engine: e}
}

func thinking(d time.Duration, client llm.Client) llm.Client {
	return llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
		select {
		case <-time.After(d):
			return client.Complete(ctx, req)
		case <-ctx.Done():
			return llm.Response{}, ctx.Err()
		}
	})
}

// ask begins to decide and waits until the decision is under way.
func (c *crowd) ask(ctx context.Context, req decision.Request) <-chan outcome {
	out := make(chan outcome, 1)
	started := time.Now()
	go func() {
		res, err := c.engine.Decide(ctx, req)
		out <- outcome{res, err, time.Since(started)}
	}()
	synctest.Wait()
	return out
}

func (c *crowd) record(t *testing.T, id string) decision.Record {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.records {
		if c.records[i].Result.ID == id {
			return c.records[i]
		}
	}
	require.Fail(t, "not recorded", id)
	return decision.Record{}
}

// requireAsker: the record says what was asked, answered and spent.
func (c *crowd) requireAsker(t *testing.T, o outcome) {
	t.Helper()
	require.NoError(t, o.err)
	rec := c.record(t, o.res.ID)
	require.False(t, o.res.Cached)
	require.Equal(t, 100, o.res.Usage.PromptTokens)
	require.Len(t, o.res.Tried, 1)
	require.Equal(t, "the model answered", o.res.Reason)
	require.NotEmpty(t, rec.Request.Messages)
	require.Len(t, rec.Responses, 1)
	require.NotEmpty(t, rec.Input.Market.Assets)
}

// requireSharer: the record has the proposal and spent nothing.
func (c *crowd) requireSharer(t *testing.T, o outcome) {
	t.Helper()
	require.NoError(t, o.err)
	rec := c.record(t, o.res.ID)
	require.True(t, o.res.Cached)
	require.Zero(t, o.res.Usage)
	require.Empty(t, o.res.Tried)
	require.Zero(t, rec.Request)
	require.Empty(t, rec.Responses)
	require.Equal(t, "500", rec.Proposal.Decision.TotalAllocationUSD.String())
	require.Equal(t, rec.Result.Decision.Decisions, decision.DefaultRules().Gate(rec.Input, rec.Proposal).Kept)
}

func TestTwoHundredIdenticalRequestsAskOnce(t *testing.T) {
	t.Parallel()
	for name, thinks := range map[string]time.Duration{"a slow model": 3 * time.Second, "a model that answers at once": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, thinks)
				results := make(chan outcome, 200)
				for range cap(results) {
					go func() {
						res, err := c.engine.Decide(t.Context(), request())
						results <- outcome{res: res, err: err}
					}()
				}
				askers := 0
				for range cap(results) {
					o := <-results
					if o.res.Cached {
						c.requireSharer(t, o)
						continue
					}
					c.requireAsker(t, o)
					askers++
				}
				require.Equal(t, 1, askers)
				c.requireAsked(t, 1, "one question for all")
				require.Len(t, c.records, 200, "each has its own record")
				stats := c.cache.Stats()
				require.EqualValues(t, 1, stats.Misses)
				require.EqualValues(t, 199, stats.Shared+stats.Hits)
				require.Equal(t, 1, stats.Entries)
				require.Zero(t, decision.CacheFlights(c.cache))
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}

func TestEnginesShareOneCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, time.Second)
		other := c.crowd(t)
		first := c.ask(t.Context(), request())
		c.requireSharer(t, firstOf(t, other.ask(t.Context(), request())))
		c.requireAsker(t, <-first)
		require.True(t, (<-other.ask(t.Context(), request())).res.Cached)
		c.requireAsked(t, 1, "one question for both")
		require.NoError(t, c.engine.Close(t.Context()))
		require.NoError(t, other.engine.Close(t.Context()))
	})
}

func firstOf(t *testing.T, out <-chan outcome) outcome {
	t.Helper()
	return <-out
}

func TestAnAskerThatLeavesDoesNotCancelTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 10*time.Second)
		leaving, leave := context.WithCancel(t.Context())
		asker := c.ask(leaving, request())
		one, two := c.ask(t.Context(), request()), c.ask(t.Context(), request())
		leave()
		require.ErrorIs(t, (<-asker).err, context.Canceled)
		results := []outcome{<-one, <-two}
		if results[0].res.Cached {
			results[0], results[1] = results[1], results[0]
		}
		c.requireAsker(t, results[0]) // what was spent stands in one record, though the asker has none
		c.requireSharer(t, results[1])
		require.Equal(t, 10*time.Second, results[0].took)
		c.requireAsked(t, 1, "nobody asked again")
		require.Len(t, c.records, 2)
		require.True(t, (<-c.ask(t.Context(), request())).res.Cached, "it is remembered too")
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestASharerThatLeavesCancelsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 10*time.Second)
		asker := c.ask(t.Context(), request())
		leaving, leave := context.WithCancel(t.Context())
		sharer := c.ask(leaving, request())
		leave()
		require.ErrorIs(t, (<-sharer).err, context.Canceled)
		c.requireAsker(t, <-asker)
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestTheQuestionIsCancelledWhenNobodyWaitsForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 10*time.Second)
		ctx, leave := context.WithCancel(t.Context())
		asker, sharer := c.ask(ctx, request()), c.ask(ctx, request())
		started := time.Now()
		leave()
		require.ErrorIs(t, (<-asker).err, context.Canceled)
		require.ErrorIs(t, (<-sharer).err, context.Canceled)
		require.NoError(t, c.engine.Close(t.Context()))
		require.Zero(t, time.Since(started), "the model was not left to think")
		require.Zero(t, decision.CacheFlights(c.cache), "nothing is left of it")
		require.Empty(t, c.records)
		c.requireAsker(t, <-c.ask(t.Context(), request()))
		c.requireAsked(t, 2, "a flight that was cancelled is not joined")
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestWhoeverHasLessTimeFallsBackAndTheOthersGoOnWaiting(t *testing.T) {
	t.Parallel()
	for name, askerHurries := range map[string]bool{"the asker": true, "a sharer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 10*time.Second)
				hurry, cancel := context.WithTimeout(t.Context(), 6*time.Second)
				defer cancel()
				contexts := []context.Context{hurry, t.Context()}
				if !askerHurries {
					contexts = []context.Context{t.Context(), hurry}
				}
				outcomes := []<-chan outcome{c.ask(contexts[0], request()), c.ask(contexts[1], request())}
				if !askerHurries {
					outcomes[0], outcomes[1] = outcomes[1], outcomes[0]
				}
				hurried := <-outcomes[0]
				require.NoError(t, hurried.err)
				require.Equal(t, decision.OriginFallback, hurried.res.Origin)
				require.False(t, hurried.res.Cached)
				require.Contains(t, hurried.res.Reason, "no answer within 4.167s: identical requests still wait")
				require.Less(t, hurried.took, 5*time.Second)
				patient := <-outcomes[1]
				require.Equal(t, 10*time.Second, patient.took)
				c.requireAsker(t, patient) // for a hurried asker, the one that is left
				c.requireAsked(t, 1, "one question")
				require.Equal(t, 1, c.cache.Stats().Entries)
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}

func TestWhoeverWaitsAloneUnderAShortDeadlineFallsBackInTime(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]llm.Client{
		"a slow model": thinking(time.Hour, nil),
		"a model that ignores its context": llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			time.Sleep(time.Minute)
			return llm.Response{}, errors.New("late")
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCacheBench(t, time.Now, decision.CacheConfig{})
				b.model(client)
				c := b.crowd(t)
				ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
				defer cancel()
				o := <-c.ask(ctx, request())
				require.NoError(t, o.err)
				require.Less(t, o.took, 5*time.Second)
				require.Equal(t, decision.OriginFallback, o.res.Origin)
				require.Contains(t, o.res.Reason, "no answer within 4.167s: nobody waits any longer: ")
				require.NotEmpty(t, c.record(t, o.res.ID).Request.Messages, "what was asked is recorded")
				require.Equal(t, "500", o.res.Decision.TotalAllocationUSD.String())
				require.Zero(t, b.cache.Stats().Entries)
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}

func TestEverybodyIsAnsweredWhenNothingAnswersAtAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCacheBench(t, time.Now, decision.CacheConfig{})
		release := make(chan struct{})
		b.model(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			<-release
			return llm.Response{}, nil
		}))
		b.cfg.Scorer = decision.ScorerFunc(func(context.Context, decision.Input) (decision.Proposal, error) {
			<-release
			return decision.Proposal{}, nil
		})
		c := b.crowd(t)
		hurry, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		outcomes := []<-chan outcome{c.ask(hurry, request()), c.ask(t.Context(), request()), c.ask(t.Context(), request())}
		for i, limit := range []time.Duration{6 * time.Second, 45 * time.Second, 45 * time.Second} {
			o := <-outcomes[i]
			require.NoError(t, o.err)
			require.Less(t, o.took, limit)
			require.Equal(t, decision.OriginHold, o.res.Origin)
		}
		close(release)
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestWhatAFlightFallsBackToIsForEverybodyAboard(t *testing.T) {
	t.Parallel()
	for name, scorer := range map[decision.Origin]decision.Scorer{
		decision.OriginFallback: decision.ScorerFunc(func(_ context.Context, in decision.Input) (decision.Proposal, error) {
			return dt.Propose(dt.Buy(in.Symbols[0], "500")), nil
		}),
		decision.OriginHold: nil,
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCacheBench(t, time.Now, decision.CacheConfig{})
				b.model(thinking(time.Second, failing(errors.New("down"))))
				b.cfg.Scorer = scorer
				c := b.crowd(t)
				asker, sharer := c.ask(t.Context(), request()), c.ask(t.Context(), request())
				one, two := <-asker, <-sharer
				require.NoError(t, one.err)
				require.NoError(t, two.err)
				require.Equal(t, name, one.res.Origin)
				require.Equal(t, name, two.res.Origin)
				require.False(t, one.res.Cached)
				require.True(t, two.res.Cached)
				require.Equal(t, one.res.Reason+" (0s ago)", two.res.Reason)
				require.Equal(t, one.res.Decision, two.res.Decision)
				require.Equal(t, "down", c.record(t, two.res.ID).ModelError)
				require.False(t, (<-c.ask(t.Context(), request())).res.Cached, "whoever comes later asks again")
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}
