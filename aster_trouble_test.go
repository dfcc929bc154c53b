package ballast_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

func faultsOfRequests() []astertest.Kind {
	return []astertest.Kind{
		astertest.Slow, astertest.RateLimited, astertest.Banned, astertest.Broken, astertest.Lost, astertest.TimedOut, astertest.Refused,
		astertest.Blocked, astertest.Truncated, astertest.NotJSON, astertest.WrongJSON, astertest.Cut, astertest.CutAfter, astertest.Skewed,
	}
}

func faultsOfStreams() []astertest.Kind {
	return []astertest.Kind{
		astertest.StreamDrop, astertest.StreamLose, astertest.StreamDuplicate, astertest.StreamReorder, astertest.StreamGarbage,
	}
}

func pick[T any](w *trouble, of ...T) T { return of[w.dice.IntN(len(of))] }

// between is a time of whole seconds.
func (w *trouble) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.dice.Int64N(int64((most-least)/time.Second)+1))*time.Second
}

// pass lets some minutes go by, often until a candle closes.
func (w *trouble) pass() {
	wait := w.between(10*time.Second, 6*time.Minute)
	if w.dice.IntN(3) == 0 {
		now := time.Now()
		wait = max(now.Truncate(15*time.Minute).Add(15*time.Minute).Sub(now)+w.between(-3*time.Second, 8*time.Second), 0)
	}
	time.Sleep(wait) // virtual
}

// fail scripts a fault of the kind.
func (w *trouble) fail(kind astertest.Kind) {
	f := astertest.Fault{Kind: kind, After: w.between(0, time.Minute), For: w.between(5*time.Second, 8*time.Minute)}
	f.Path = pick(w, "", "", "/klines", "/klines", "/premiumIndex", "/ticker", "/exchangeInfo", "/openInterest", "/time", "/account", "/listenKey", "/income")
	if w.dice.IntN(2) == 0 {
		f.Times = 1 + w.dice.IntN(5)
	}
	if w.dice.IntN(3) == 0 {
		f.RetryAfter = w.between(time.Second, 90*time.Second)
	}
	switch kind { //nolint:exhaustive // the others have no more to choose
	case astertest.Slow:
		f.Delay = w.between(time.Second, 25*time.Second)
	case astertest.Banned:
		f.Delay, f.Times = w.between(30*time.Second, 6*time.Minute), 1
	case astertest.Broken:
		f.Status = pick(w, 500, 502, 504)
	case astertest.Refused:
		f.Code = pick(w, -1001, -1003, -1021, -1022, -1121, -2015, -4225, -5050)
	case astertest.Skewed:
		f.Delay = w.between(-2*time.Minute, 2*time.Minute)
	}
	if slices.Contains(faultsOfStreams(), kind) {
		f.Path = pick(w, "", "@kline", "@ticker", "@markPrice", "user")
		f.Times = pick(w, 1, 2, 30, 0)
	}
	w.venue.exchange.Fault(f)
	w.count("fault " + string(kind))
}

// look asks everybody at once and checks what they say.
func (w *trouble) look() {
	sources := map[string]marketdata.Source{"source": w.source, "live": w.live, "cache": w.cache}
	answers := make(chan answer, len(sources))
	var askers sync.WaitGroup
	for who, source := range sources {
		askers.Go(func() { answers <- w.ask(who, source) })
	}
	askers.Go(w.askAccounts)
	if w.dice.IntN(4) == 0 {
		askers.Go(w.askBook)
		askers.Go(w.decide)
		askers.Go(w.askOld)
	}
	askers.Wait()
	close(answers)
	for a := range answers {
		w.check(a)
	}
	require.LessOrEqual(w, w.venue.client.Usage().UsedWeight, tightWeight)
}

// answer is what somebody said, and how far behind the client took the venue's
// clock to be.
type answer struct {
	who                   string
	begun, ended          time.Time
	behindThen, behindNow time.Duration
	snap                  marketdata.Snapshot
	err                   error
}

func (w *trouble) behind() time.Duration { return max(0, -w.venue.client.Usage().ServerOffset) }

func (w *trouble) ask(who string, source marketdata.Source) answer {
	ctx, cancel := context.WithTimeout(w.Context(), snapshotTime)
	defer cancel()
	a := answer{who: who, begun: time.Now(), behindThen: w.behind()}
	a.snap, a.err = source.Snapshot(ctx, w.query)
	a.ended, a.behindNow = time.Now(), w.behind()
	return a
}

func (w *trouble) check(a answer) {
	w.said(a.who+" snapshot", a.err)
	if a.err != nil {
		require.ErrorIs(w, a.err, context.DeadlineExceeded, a.who)
		return
	}
	w.truth.requireTrue(a.who, w.query, a.snap, a.begun, a.ended, max(a.behindThen, a.behindNow))
	w.write("%v\n", a.snap.Notes)
	for _, failure := range a.snap.Failures {
		w.said(a.who+" "+string(failure.Reason), failure)
	}
	for _, asset := range a.snap.Assets {
		w.count(a.who + " assets")
		w.write("%v\n", asset.Degraded)
	}
}

// said writes an error down and counts it.
func (w *trouble) said(what string, err error) {
	if err == nil {
		w.count(what)
		return
	}
	w.write("%s: %v\n%+v\n%#v\n", what, err, err, err)
	var failure *aster.Error
	switch {
	case errors.As(err, &failure):
		what += " " + string(failure.Kind)
		w.write("%+v\n", *failure)
	case errors.Is(err, aster.ErrHedgeMode):
		what += " hedge mode"
	default:
		what += " failed"
	}
	w.count(what)
}

func (w *trouble) askAccounts() {
	ctx, cancel := context.WithTimeout(w.Context(), snapshotTime)
	defer cancel()
	state, err := w.user.State(ctx)
	w.said("account", err)
	if err != nil {
		return
	}
	text, err := jsonx.Marshal(state)
	if err != nil {
		w.Error(err)
	}
	w.write("%s\n", text)
	if !state.Account.BalanceUSD.Equal(decimal.NewFromInt(10_000)) || len(state.Account.Positions) != 0 {
		w.Errorf("an account that nobody has: %s", text)
	}
}

// askOld sends a key in a header and a signature by its secret.
func (w *trouble) askOld() {
	ctx, cancel := context.WithTimeout(w.Context(), snapshotTime)
	defer cancel()
	balances, err := w.old.Balances(ctx)
	w.said("old key", err)
	w.write("%+v\n%v\n", balances, w.old.Usage())
}

func (w *trouble) askBook() {
	ctx, cancel := context.WithTimeout(w.Context(), snapshotTime)
	defer cancel()
	book, err := w.venue.client.Depth(ctx, w.symbols[0], 20)
	w.said("book", err)
	if err == nil && !book.Bids[0].Price.LessThan(book.Asks[0].Price) {
		w.Errorf("the book is crossed: %v and %v", book.Bids[0], book.Asks[0])
	}
}

// decide lets an engine decide on what the streams say.
func (w *trouble) decide() {
	balance := decimal.NewFromInt(10_000)
	account := decision.Account{ID: "faults", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance}
	res, err := w.engine.Decide(w.Context(), decision.Request{Account: account, Symbols: w.symbols})
	if err != nil {
		if !errors.Is(err, decision.ErrNoMarket) {
			w.Errorf("decide: %v", err)
		}
		w.said("decision", err)
		return
	}
	w.count("decision")
	record, err := w.store.Record(w.Context(), res.ID)
	if err != nil {
		w.Error(err)
		return
	}
	text, err := record.MarshalJSON()
	if err != nil {
		w.Error(err)
	}
	w.write("%s\n%+v\n", text, res)
}

// load is what a process uses.
type load struct {
	goroutines int
	heap       uint64
}

// rest lets everything recover and weighs what is left when everybody waits for
// time and no connection is kept in reserve.
func (w *trouble) rest() load {
	w.venue.exchange.ClearFaults()
	time.Sleep(40 * time.Minute) // bans, pauses and false clocks end
	w.look()
	w.venue.client.Close()
	w.old.Close()
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return load{runtime.NumGoroutine(), m.HeapAlloc}
}

func (w *trouble) report(lasting time.Duration, before, after load) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.venue.witness
	seen.mu.Lock()
	defer seen.mu.Unlock()
	stats := w.live.Stats()
	w.Logf("%v of virtual time; %d requests %v; most weight %d of %d", lasting, seen.requests, seen.statuses, seen.weight, tightWeight)
	w.Logf("%v", w.did)
	w.Logf("live: %+v", stats)
	w.Logf("goroutines %d, then %d; heap %d kB, then %d kB", before.goroutines, after.goroutines, before.heap>>10, after.heap>>10)
	for _, kind := range append(faultsOfRequests(), faultsOfStreams()...) {
		require.GreaterOrEqual(w, w.did["fault "+string(kind)], 2, kind)
	}
	for _, who := range []string{"source", "live", "cache"} {
		require.Greater(w, w.did[who+" assets"], 100, "else the test proves little")
	}
	require.Positive(w, stats.FromMemory)
	require.Positive(w, stats.FromRequest)
	require.Positive(w, w.did["account hedge mode"])
	require.Positive(w, w.did["old key"])
	require.Positive(w, w.did["live unavailable failed"], "delisted")
	require.Empty(w, seen.leaked, "a key was sent outside of its header")
	require.LessOrEqual(w, seen.weight, tightWeight)
	require.LessOrEqual(w, after.goroutines, before.goroutines+5)
	require.Less(w, after.heap, before.heap+4<<20)
}

// requireNoSecret reads back what a run has written.
func requireNoSecret(t *testing.T, written, signatures string, listenKeys map[string]bool) {
	t.Helper()
	hidden := map[string]string{venueKey: "the agent's key", venueAPIKey: "the API key", venueSecret: "the secret"}
	for key := range listenKeys {
		hidden[strings.ToLower(key)] = "a listen key"
	}
	eachLine(t, signatures, func(line string) { hidden[strings.ToLower(line)] = "a signature" })
	require.Greater(t, len(hidden), 100, "else the test proves little")
	long := regexp.MustCompile(`[0-9a-fA-F]{20,}`)
	size := 0
	eachLine(t, written, func(line string) {
		size += len(line)
		for _, token := range long.FindAllString(line, -1) {
			if what, found := hidden[strings.ToLower(token)]; found {
				require.Fail(t, "a secret was written", "%s in %.500s", what, line)
			}
		}
		if strings.Contains(line, "signature=") || strings.Contains(strings.ToLower(line), strings.ToLower(venueKey[:16])) {
			require.Fail(t, "a secret was written", "%.500s", line)
		}
	})
	t.Logf("%d kB were written; %d secrets are not in them", size>>10, len(hidden))
}

func eachLine(t *testing.T, name string, read func(string)) {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			read(line)
		}
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}
