package decision_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

func TestARefreshDoesNotJoinWhatBeganBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCacheBench(t, time.Now, decision.CacheConfig{})
		buy := answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
		sell := answering(answer(t, dt.Sell("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
		b.model(llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			if b.asked.Load() == 1 {
				return thinking(10*time.Second, buy).Complete(ctx, req)
			}
			return thinking(2*time.Second, sell).Complete(ctx, req)
		}))
		c := b.crowd(t)
		old := c.ask(t.Context(), request())
		forced := request()
		forced.ForceRefresh = true
		refresh := c.ask(t.Context(), forced)
		c.requireAsked(t, 2, "it asks for itself")
		later := c.ask(t.Context(), request())
		c.requireAsked(t, 2, "but others may join it")
		one := <-refresh
		require.False(t, one.res.Cached)
		require.Equal(t, 2*time.Second, one.took)
		two := <-later
		require.True(t, two.res.Cached)
		require.Equal(t, decision.ActionSell, two.res.Decision.Decisions[0].Action)
		require.Equal(t, decision.ActionBuy, (<-old).res.Decision.Decisions[0].Action, "it lands last")
		three := <-c.ask(t.Context(), request())
		require.True(t, three.res.Cached)
		require.Equal(t, decision.ActionSell, three.res.Decision.Decisions[0].Action, "a slower, older question does not replace a newer answer")
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

// Between the answer and its record, what may be remembered is shared, and what
// may not is asked for again.
func TestWhoeverComesBeforeTheRecordIsWritten(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct {
		model  llm.Client
		shared bool
	}{
		"a model's proposal": {answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))), true},
		"a fallback's":       {failing(circuitError{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCacheBench(t, time.Now, decision.CacheConfig{})
				b.model(s.model)
				b.cfg.Store = decision.StoreFunc(func(context.Context, decision.Record) error {
					time.Sleep(5 * time.Second)
					return nil
				})
				c := b.crowd(t)
				first, second := c.ask(t.Context(), request()), c.ask(t.Context(), request())
				require.False(t, (<-first).res.Cached)
				require.Equal(t, s.shared, (<-second).res.Cached)
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}

// slowly makes some records take 5 s.
func (b *cacheBench) slowly(slow func(decision.Record) bool) {
	store := b.cfg.Store
	b.cfg.Store = decision.StoreFunc(func(ctx context.Context, r decision.Record) error {
		if slow(r) {
			time.Sleep(5 * time.Second)
		}
		return store.Append(ctx, r)
	})
}

// butTheFirst is true from the second call on.
func butTheFirst() func(decision.Record) bool {
	var calls atomic.Int64
	return func(decision.Record) bool { return calls.Add(1) > 1 }
}

func TestWhatTheGateRefusesToOneIsRememberedForNobody(t *testing.T) {
	t.Parallel()
	for name, refusedLast := range map[string]bool{"refused first": false, "refused last": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCacheBench(t, time.Now, decision.CacheConfig{})
				b.model(thinking(time.Second, answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))))
				b.slowly(func(r decision.Record) bool { return r.Input.Account.AvailableUSD.Equal(dt.D("10")) == refusedLast })
				c := b.crowd(t)
				poor := request()
				poor.Account.AvailableUSD = dt.D("10")
				asker, sharer := c.ask(t.Context(), poor), c.ask(t.Context(), request())
				require.NotEmpty(t, (<-asker).res.Refused)
				require.Empty(t, (<-sharer).res.Refused)
				require.Zero(t, c.cache.Stats().Entries)
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}

func TestAFlightIsNotJoinedOnceADecisionWasMadeByIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCacheBench(t, time.Now, decision.CacheConfig{})
		b.model(thinking(time.Second, answering(answer(t, dt.Buy("BTCUSDT", "9999999"), dt.Act("ETHUSDT", decision.ActionHold)))))
		b.slowly(butTheFirst())
		c := b.crowd(t)
		one, two := c.ask(t.Context(), request()), c.ask(t.Context(), request())
		select {
		case <-one:
			one = two
		case <-two:
		}
		later := c.ask(t.Context(), request()) // while the other is still being recorded
		c.requireAsked(t, 2, "what was refused is asked anew")
		<-one
		require.False(t, (<-later).res.Cached)
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestWhatWasDroppedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCacheBench(t, time.Now, decision.CacheConfig{})
		buy := thinking(time.Second, answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold))))
		b.model(llm.ClientFunc(func(ctx context.Context, req llm.Request) (llm.Response, error) {
			if b.asked.Load() > 1 {
				return llm.Response{}, circuitError{}
			}
			return buy.Complete(ctx, req)
		}))
		b.slowly(butTheFirst())
		c := b.crowd(t)
		one, two := c.ask(t.Context(), request()), c.ask(t.Context(), request())
		select {
		case <-one:
			one = two
		case <-two:
		}
		c.mu.Lock()
		c.price = "101"
		c.mu.Unlock()
		moved := c.ask(t.Context(), request())
		require.EqualValues(t, 1, c.cache.Stats().Moved)
		<-one // is recorded, and was made by what has been dropped
		<-moved
		c.mu.Lock()
		c.price = "100"
		c.mu.Unlock()
		require.False(t, (<-c.ask(t.Context(), request())).res.Cached)
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestAFlightIsNotJoinedAtAnotherPrice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 10*time.Second)
		first := c.ask(t.Context(), request())
		c.mu.Lock()
		c.price = "100.4"
		c.mu.Unlock()
		near := c.ask(t.Context(), request())
		c.requireAsked(t, 1, "near enough")
		c.mu.Lock()
		c.price = "101"
		c.mu.Unlock()
		far := c.ask(t.Context(), request())
		c.requireAsked(t, 2, "too far")
		require.False(t, (<-first).res.Cached)
		require.True(t, (<-near).res.Cached)
		require.False(t, (<-far).res.Cached)
		require.NoError(t, c.engine.Close(t.Context()))
	})
}

func TestAFlightThatCrashesHoldsAndLandsForAll(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCacheBench(t, time.Now, decision.CacheConfig{})
				b.model(thinking(time.Second, answering(answer(t, dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))))
				b.cfg.Judge = func(string, bool) { crash() }
				c := b.crowd(t)
				asker, sharer := c.ask(t.Context(), request()), c.ask(t.Context(), request())
				for _, out := range []<-chan outcome{asker, sharer} {
					o := <-out
					require.NoError(t, o.err)
					require.Equal(t, decision.OriginHold, o.res.Origin)
					require.Contains(t, o.res.Reason, "proposal: panicked")
					require.True(t, o.res.Decision.TotalAllocationUSD.IsZero())
				}
				require.Zero(t, c.cache.Stats().Entries)
				require.NoError(t, c.engine.Close(t.Context()))
			})
		})
	}
}
