package storetest_test

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

// bend is a flaw of a store of everything: the part of RunAll and the promise
// that it breaks.
type bend struct {
	name, part, breaks string
	bent               bent
}

// bent is a sound store with some of its methods replaced.
type bent struct {
	storetest.Full
	append      func(ctx context.Context, s storetest.Full, r decision.Record) error
	page        func(ctx context.Context, s storetest.Full, q store.Query) (store.Page, error)
	heads       func(all []store.Checkpoint) []store.Checkpoint
	link        func(c *store.Chained)
	links       func(ctx context.Context, s storetest.Full, account string, after int64) iter.Seq2[store.Chained, error]
	addFill     func(ctx context.Context, s storetest.Full, f store.Fill) error
	addOutcome  func(ctx context.Context, s storetest.Full, o store.Outcome) error
	metrics     func(ctx context.Context, s storetest.Full, account string, span store.Span) (store.DecisionMetrics, error)
	performance func(ctx context.Context, s storetest.Full, strategy, account string, span store.Span) (store.StrategyPerformance, error)
	addAccount  func(ctx context.Context, s storetest.Full, id string) (store.Account, error)
	accounts    func(all []store.Account) []store.Account
	saved       func(ctx context.Context, s storetest.Full, v decision.Strategy, at time.Time) (string, error)
	strategy    func(ctx context.Context, s storetest.Full, id, hash string) (store.SavedStrategy, error)
	assign      func(ctx context.Context, s storetest.Full, a store.Assignment) (store.Assignment, error)
	saveBreaker func(ctx context.Context, s storetest.Full, b store.BreakerState) error
	saveCandles func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, c []marketdata.Candle) error
	candles     func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error)
}

func (b *bent) Append(ctx context.Context, r decision.Record) error {
	if b.append != nil {
		return b.append(ctx, b.Full, r)
	}
	return b.Full.Append(ctx, r)
}

func (b *bent) Page(ctx context.Context, q store.Query) (store.Page, error) {
	if b.page != nil {
		return b.page(ctx, b.Full, q)
	}
	return b.Full.Page(ctx, q)
}

func (b *bent) Heads(ctx context.Context) ([]store.Checkpoint, error) {
	all, err := b.Full.Heads(ctx)
	if b.heads != nil {
		all = b.heads(all)
	}
	return all, err
}

func (b *bent) Links(ctx context.Context, account string, after int64) iter.Seq2[store.Chained, error] {
	if b.links != nil {
		return b.links(ctx, b.Full, account, after)
	}
	return func(yield func(store.Chained, error) bool) {
		for c, err := range b.Full.Links(ctx, account, after) {
			if b.link != nil {
				b.link(&c)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func (b *bent) AddFill(ctx context.Context, f store.Fill) error {
	if b.addFill != nil {
		return b.addFill(ctx, b.Full, f)
	}
	return b.Full.AddFill(ctx, f)
}

func (b *bent) AddOutcome(ctx context.Context, o store.Outcome) error {
	if b.addOutcome != nil {
		return b.addOutcome(ctx, b.Full, o)
	}
	return b.Full.AddOutcome(ctx, o)
}

func (b *bent) DecisionMetrics(ctx context.Context, account string, span store.Span) (store.DecisionMetrics, error) {
	if b.metrics != nil {
		return b.metrics(ctx, b.Full, account, span)
	}
	return b.Full.DecisionMetrics(ctx, account, span)
}

func (b *bent) StrategyPerformance(ctx context.Context, strategy, account string, span store.Span) (store.StrategyPerformance, error) {
	if b.performance != nil {
		return b.performance(ctx, b.Full, strategy, account, span)
	}
	return b.Full.StrategyPerformance(ctx, strategy, account, span)
}

func (b *bent) AddAccount(ctx context.Context, id string) (store.Account, error) {
	if b.addAccount != nil {
		return b.addAccount(ctx, b.Full, id)
	}
	return b.Full.AddAccount(ctx, id)
}

func (b *bent) Accounts(ctx context.Context) ([]store.Account, error) {
	all, err := b.Full.Accounts(ctx)
	if b.accounts != nil {
		all = b.accounts(all)
	}
	return all, err
}

func (b *bent) SaveStrategy(ctx context.Context, v decision.Strategy, at time.Time) (string, error) {
	if b.saved != nil {
		return b.saved(ctx, b.Full, v, at)
	}
	return b.Full.SaveStrategy(ctx, v, at)
}

func (b *bent) Strategy(ctx context.Context, id, hash string) (store.SavedStrategy, error) {
	if b.strategy != nil {
		return b.strategy(ctx, b.Full, id, hash)
	}
	return b.Full.Strategy(ctx, id, hash)
}

func (b *bent) Assign(ctx context.Context, a store.Assignment) (store.Assignment, error) {
	if b.assign != nil {
		return b.assign(ctx, b.Full, a)
	}
	return b.Full.Assign(ctx, a)
}

func (b *bent) SaveBreaker(ctx context.Context, state store.BreakerState) error {
	if b.saveBreaker != nil {
		return b.saveBreaker(ctx, b.Full, state)
	}
	return b.Full.SaveBreaker(ctx, state)
}

func (b *bent) SaveCandles(ctx context.Context, symbol string, i marketdata.Interval, c []marketdata.Candle) error {
	if b.saveCandles != nil {
		return b.saveCandles(ctx, b.Full, symbol, i, c)
	}
	return b.Full.SaveCandles(ctx, symbol, i, c)
}

func (b *bent) Candles(ctx context.Context, symbol string, i marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
	if b.candles != nil {
		return b.candles(ctx, b.Full, symbol, i, since, until, limit)
	}
	return b.Full.Candles(ctx, symbol, i, since, until, limit)
}

func (b bent) open() storetest.Full {
	b.Full = memory.New()
	return &b
}

// TestRunAllOnABentStore fails on purpose, and runs only in the processes that
// the test below starts.
func TestRunAllOnABentStore(t *testing.T) {
	t.Parallel()
	name, promised := os.LookupEnv(flawVariable)
	if !promised {
		t.Skip("only as a child of TestRunAllRefusesEveryBentStore")
	}
	for _, b := range bends() {
		if b.name == name {
			storetest.RunAll(t, func(*testing.T) storetest.Full { return b.bent.open() })
		}
	}
}

func TestRunAllRefusesEveryBentStore(t *testing.T) {
	t.Parallel()
	const test = "TestRunAllOnABentStore"
	for _, b := range bends() {
		promise := strings.ReplaceAll(b.breaks, " ", "_")
		out, err := child(t.Context(), t, b.name, "^"+test+"$/^"+b.part+"$/^"+regexp.QuoteMeta(promise)+"$")
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "a store that %s passed %q:\n%s", b.name, b.breaks, out)
		require.Contains(t, out, "--- FAIL: "+test+"/"+b.part+"/"+promise, "%s:\n%s", b.name, out)
		require.NotContains(t, out, "panic:", b.name)
	}
}
