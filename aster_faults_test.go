package ballast_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
	"github.com/ballast-go/ballast/store/memory"
)

const (
	tightWeight  = 400 // of the exchange, a minute: some five snapshots
	faultySeed   = 20251122
	forgetTimes  = 8 // that all that was scripted is forgotten
	streamStep   = 15 * time.Second
	snapshotTime = 20 * time.Second // that a caller has for one answer
)

// trouble is a host of everything that reads the exchange, for as long as
// anything may go wrong at it.
type trouble struct {
	*testing.T
	venue    *venue
	truth    *truth
	dice     *rand.Rand
	symbols  []string
	query    marketdata.Query
	source   *aster.Source
	live     *aster.Live
	cache    *marketdata.Cache
	accounts *aster.Accounts
	user     *aster.LiveAccount
	old      *aster.Client // signs by a key and its secret, from the same address
	engine   *decision.Engine
	store    *memory.Store

	mu      sync.Mutex
	written io.Writer // everything: logs, errors, records, recordings
	did     map[string]int
}

// Write implements io.Writer.
func (w *trouble) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written.Write(p)
}

func (w *trouble) write(format string, args ...any) {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		w.Error(err)
	}
}

func (w *trouble) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did[what]++
}

// Not parallel: it weighs the heap and counts goroutines.
func TestFaultsOfTheExchangeNeverReachASnapshot(t *testing.T) { //nolint:paralleltest // see above
	lasting := 24 * time.Hour
	switch {
	case long():
		lasting *= 7
	case raceDetector: // ten times slower
		lasting /= 4
	}
	folder := t.TempDir()
	written, err := os.Create(filepath.Join(folder, "written"))
	require.NoError(t, err)
	signatures, err := os.Create(filepath.Join(folder, "signatures"))
	require.NoError(t, err)
	var listenKeys map[string]bool
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(venueBegin())) // virtual
		w := openTrouble(t, written, signatures)
		w.run(lasting)
		listenKeys = w.venue.witness.keys()
	})
	require.NoError(t, written.Close())
	require.NoError(t, signatures.Close())
	require.NotEmpty(t, listenKeys)
	requireNoSecret(t, written.Name(), signatures.Name(), listenKeys)
}

func openTrouble(t *testing.T, written, signatures io.Writer) *trouble {
	t.Helper()
	w := &trouble{T: t, dice: rand.New(rand.NewPCG(faultySeed, faultySeed)), written: written, did: map[string]int{}} //nolint:gosec // a seed is wanted
	assets := marketdata.SimAssets()[:3]
	for _, a := range assets {
		w.symbols = append(w.symbols, a.Symbol)
	}
	w.query = marketdata.Query{Symbols: w.symbols, Intervals: []marketdata.Interval{marketdata.Interval15m, marketdata.Interval1h}, Candles: 120}
	market := astertest.Config{FS: simulatedHours(t, assets), Assets: assets, WeightLimit: tightWeight, StreamStep: streamStep}
	w.venue = openVenue(t, venueSetup{exchange: market, bubble: true, sign: true, client: aster.Config{Logger: debugLog(w)}})
	w.venue.witness.signatures = signatures
	market.Now, market.Listener, market.WeightLimit = time.Now, newPipes(), 1_000_000
	w.truth = newTruth(t, market)
	w.source = w.venue.source(t, aster.SourceConfig{})
	recorded, err := marketreplay.Record(w.source, w)
	require.NoError(t, err)
	w.cache = marketdata.NewCache(recorded, marketdata.CacheConfig{TTL: 10 * time.Second})
	t.Cleanup(w.cache.Close)
	w.live, err = aster.NewLive(w.source, aster.LiveConfig{Symbols: w.symbols, Intervals: w.query.Intervals, Candles: w.query.Candles})
	require.NoError(t, err)
	t.Cleanup(w.live.Close)
	w.accounts = w.venue.accounts(t, w.symbols[:2]...)
	w.user, err = aster.NewLiveAccount(w.accounts, aster.LiveAccountConfig{MaxAge: time.Minute})
	require.NoError(t, err)
	t.Cleanup(w.user.Close)
	w.old, err = aster.New(aster.Config{
		Network: aster.Network(w.venue.exchange.Network()), HTTP: &http.Client{Transport: w.venue.witness}, Signer: demoHMAC(t, venueSecret), Logger: debugLog(w),
	})
	require.NoError(t, err)
	w.store = memory.NewSized(memory.Config{MaxRecords: 20})
	few, err := indicator.NewCache(nil, indicator.CacheConfig{MaxEntries: 10}) // so that it is full before the heap is weighed
	require.NoError(t, err)
	w.engine, err = decision.New(decision.Config{
		Market: w.live, Indicators: few, Scorer: fallback.New(fallback.Config{}), Store: w.store, Logger: debugLog(w),
		Interval: w.query.Intervals[0], LongInterval: w.query.Intervals[1], Candles: w.query.Candles,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close(context.Background())) })
	return w
}

// run lets time pass, and everything go wrong in it. The first hour is quiet.
func (w *trouble) run(lasting time.Duration) {
	ctx, end := context.WithCancel(w.Context())
	var clock sync.WaitGroup
	clock.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(streamStep) // virtual
			w.venue.exchange.Advance(0)
		}
	})
	defer clock.Wait()
	defer end()
	kinds := append(faultsOfRequests(), faultsOfStreams()...)
	begin := time.Now()
	var before load
	forget, forgotten := begin.Add(time.Hour), 0
	for step := 0; time.Since(begin) < lasting; step++ {
		w.pass()
		if time.Now().After(forget) {
			w.venue.exchange.ClearFaults()
			forget = forget.Add(lasting / forgetTimes)
			switch forgotten++; forgotten {
			case 2:
				before = w.rest()
			case 3:
				require.NoError(w, w.venue.exchange.SetHedgeMode(venueWallet, true))
			case 4:
				require.NoError(w, w.venue.exchange.SetHedgeMode(venueWallet, false))
			case 5:
				require.NoError(w, w.venue.exchange.Delist(w.symbols[len(w.symbols)-1]))
			}
		}
		if forgotten > 0 {
			if step%len(kinds) == 0 {
				w.dice.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
			}
			w.fail(kinds[step%len(kinds)])
		}
		w.look()
	}
	w.report(lasting, before, w.rest())
}
