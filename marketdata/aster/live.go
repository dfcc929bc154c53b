package aster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// LiveConfig is what a Live subscribes to.
type LiveConfig struct {
	Symbols   []string              // 1 to 250, unique; others are asked for by requests
	Intervals []marketdata.Interval // unique; none: quotes alone. Others are asked for by requests
	Candles   int                   // kept of each series, 1 to 1,499; who asks for more gets them by requests. Default 250
	// StaleAfter is how old a price may be, by the venue's clock, before the
	// symbol is asked for by requests, 1 s–10 min. Default 30 s.
	StaleAfter time.Duration
	// Reconnect is how old a connection gets before another takes its place,
	// 1 min–23 h 50 min: the venue ends it after 24 h. Default 23 h.
	Reconnect time.Duration
}

const (
	defaultStale   = 30 * time.Second
	minStale       = time.Second
	maxStale       = 10 * time.Minute
	maxLiveCandles = marketdata.MaxCandles - 1 // a request for more would have no place for the open one
	streamsBeside  = 2                         // of a symbol, beside those of candles: ticker and mark price
)

func (c LiveConfig) withDefaults() LiveConfig {
	if c.Candles == 0 {
		c.Candles = marketdata.DefaultCandles
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = defaultStale
	}
	if c.Reconnect == 0 {
		c.Reconnect = defaultLifetime
	}
	c.Symbols, c.Intervals = slices.Clone(c.Symbols), slices.Clone(c.Intervals)
	return c
}

func (c LiveConfig) validate() error {
	problems := []error{
		validateInt("Symbols", len(c.Symbols), 1, marketdata.MaxQuerySymbols),
		validateInt("Candles", c.Candles, 1, maxLiveCandles),
		validateDuration("StaleAfter", c.StaleAfter, minStale, maxStale),
		validateDuration("Reconnect", c.Reconnect, minLifetime, maxLifetime),
	}
	seen := map[string]bool{}
	for n, symbol := range c.Symbols {
		if err := checkName(fmt.Sprintf("Symbols[%d]", n), symbol); err != nil {
			problems = append(problems, err)
		} else if seen[symbol] {
			problems = append(problems, fmt.Errorf("Symbols[%d] must be there once, %s was twice", n, symbol))
		}
		seen[symbol] = true
	}
	for n, interval := range c.Intervals {
		if !interval.Valid() || slices.Index(c.Intervals, interval) != n {
			problems = append(problems, fmt.Errorf("Intervals[%d] must be an interval and there once, was %.20q", n, string(interval)))
		}
	}
	return errors.Join(problems...)
}

// Live is market data from streams: it answers from memory what it subscribed
// to, and asks its Source for the rest and for what is late. It gives what the
// Source would give, except open interest, which has no stream and is asked for
// once a minute. It is safe for concurrent use and has to be closed.
//
// Candles come from requests first. Then one that the stream says is closed is
// added when it is the one that follows; a missing one is asked for, events
// that come twice or late are dropped. After a closed candle that contradicts
// itself, or what came before, the symbol is a Failure until an answer to a
// request has replaced it. A symbol that hardly trades may have no stream to
// speak of and then costs requests.
type Live struct {
	source *Source
	cfg    LiveConfig
	feeds  []*feed
	end    context.CancelFunc
	tasks  sync.WaitGroup

	fetches    chan struct{} // one per series that is asked for
	wakeRepair chan struct{}

	fromMemory, fromRequest atomic.Uint64

	mu      sync.RWMutex
	books   map[string]*book
	counts  LiveStats
	changed chan struct{} // closed and replaced after a change while somebody waits
	waiting int
}

var _ marketdata.Source = (*Live)(nil)

// LiveStats count since the beginning, unless they say otherwise.
type LiveStats struct {
	Connections int    // as of now
	Streams     int    // subscribed to by all connections
	Events      uint64 // understood and of a subscription
	Dropped     uint64 // of them those that came twice or out of order
	Malformed   uint64 // messages that could not be read, or contradict themselves
	Lost        uint64 // connections that ended by themselves
	Repairs     uint64 // series taken over from answers to requests, first ones included
	Failed      uint64 // requests for series or open interest that failed
	FromMemory  uint64 // symbols answered
	FromRequest uint64 // symbols that the Source was asked for
}

// NewLive starts streams of the source's venue. Until they have begun, the
// source answers.
func NewLive(source *Source, cfg LiveConfig) (*Live, error) {
	l, err := newLive(source, cfg)
	if err != nil {
		return nil, err
	}
	l.start()
	return l, nil
}

// newLive makes one that does not listen yet.
func newLive(source *Source, cfg LiveConfig) (*Live, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("aster: live: %w", err)
	}
	l := &Live{
		source: source, cfg: cfg, books: make(map[string]*book, len(cfg.Symbols)),
		fetches:    make(chan struct{}, maxRepairs),
		wakeRepair: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	for _, symbol := range cfg.Symbols {
		l.books[symbol] = newBook(symbol, cfg.Intervals)
	}
	for topics := range slices.Chunk(l.topics(), maxTopics) {
		l.feeds = append(l.feeds, newFeed(feedConfig{
			client: source.client, op: "market stream", topics: topics, to: l, lifetime: cfg.Reconnect, silence: marketSilence,
			address: func(context.Context) (string, string, error) {
				return source.client.cfg.Network.MarketStream + "/ws", "", nil
			},
		}))
	}
	return l, nil
}

func (l *Live) start() {
	ctx, end := context.WithCancel(context.Background())
	l.end = end
	for _, f := range l.feeds {
		l.tasks.Go(func() { f.run(ctx) })
	}
	l.tasks.Go(func() { l.watch(ctx) })
	l.tasks.Go(func() { l.refresh(ctx) })
}

// topics are the names of the streams. Their symbols are in lower case.
func (l *Live) topics() []string {
	out := make([]string, 0, len(l.cfg.Symbols)*(len(l.cfg.Intervals)+streamsBeside))
	for _, symbol := range l.cfg.Symbols {
		name := strings.ToLower(symbol)
		out = append(out, name+"@ticker", name+"@markPrice@1s")
		for _, interval := range l.cfg.Intervals {
			out = append(out, name+"@kline_"+string(interval))
		}
	}
	return out
}

// Close ends all streams and waits for everything that NewLive has started.
// Snapshots are answered by the source then.
func (l *Live) Close() {
	l.end()
	l.tasks.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.books)
	l.signal()
}

// WaitReady returns when every symbol has been heard of and every series was
// asked for once, or says which is missing when ctx ends. A symbol that does
// not trade never is ready.
func (l *Live) WaitReady(ctx context.Context) error {
	missing := ""
	err := l.await(ctx, func() bool {
		missing = ""
		for _, symbol := range l.cfg.Symbols {
			b := l.books[symbol]
			if b == nil {
				missing = "any, since it is closed"
				return false
			}
			if !b.begun() {
				missing = symbol
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("aster: live: no data yet of %.40s: %w", missing, err)
	}
	return nil
}

// await returns when done, which is asked with mu held, after each change.
func (l *Live) await(ctx context.Context, done func() bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	defer func() { l.waiting-- }()
	for !done() {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			return ctx.Err()
		}
	}
	return nil
}

// signal is called with mu held, after a change.
func (l *Live) signal() {
	if l.waiting > 0 {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// Stats is a snapshot for a host's metrics. It sends nothing.
func (l *Live) Stats() LiveStats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.stats()
}

// stats is called with mu held.
func (l *Live) stats() LiveStats {
	out := l.counts
	out.FromMemory, out.FromRequest = l.fromMemory.Load(), l.fromRequest.Load()
	for _, f := range l.feeds {
		out.Lost += f.lost.Load()
		if f.open.Load() {
			out.Connections++
			out.Streams += len(f.topics)
		}
	}
	return out
}
