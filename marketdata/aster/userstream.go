package aster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ballast-go/ballast/decision"
)

// LiveAccountConfig is how a LiveAccount remembers.
type LiveAccountConfig struct {
	// MaxAge is how old an account may be, by the client's clock, when no event
	// says that it has changed, 1 s–10 min: prices move without events, and an
	// event may be lost. A reading weighs some 60. Default 30 s.
	MaxAge time.Duration
	// Reconnect is how old a connection gets before another takes its place,
	// 1 min–23 h 50 min. Default 23 h.
	Reconnect time.Duration
	// OnEvent gets each event that could be read, in the order of arrival,
	// which is not always that of UserEvent.At, and while one connection
	// replaces another twice. It must not wait. Default none.
	OnEvent func(UserEvent)
}

const (
	keepAliveEvery = 30 * time.Minute // a key lives for 60
	noListenKey    = -1125
	maxListenKey   = 256
)

func (c LiveAccountConfig) withDefaults() LiveAccountConfig {
	if c.MaxAge == 0 {
		c.MaxAge = defaultStale
	}
	if c.Reconnect == 0 {
		c.Reconnect = defaultLifetime
	}
	return c
}

// LiveAccount is an account that is read again when the venue says that it has
// changed, and when it was not read for a while; in between it is remembered.
// Without a connection nothing is. It is safe for concurrent use and has to be
// closed.
type LiveAccount struct {
	accounts *Accounts
	cfg      LiveAccountConfig
	feed     *feed
	end      context.CancelFunc
	tasks    sync.WaitGroup
	turn     chan struct{} // held by the one that reads

	mu        sync.Mutex
	listening bool
	changes   uint64 // of the account, as far as told
	known     bool   // whether state is something
	state     AccountState
	stateOf   uint64    // changes when it was asked for
	readAt    time.Time // when it was asked for, by our clock
	renewAt   time.Time // when the listen key is to be extended, by our clock
	stats     LiveAccountStats
	changed   chan struct{} // closed and replaced after each change
}

// LiveAccountStats count since the beginning, unless they say otherwise.
type LiveAccountStats struct {
	Connected bool   // as of now
	Events    uint64 // that could be read
	Malformed uint64 // messages that could not
	Lost      uint64 // connections that ended by themselves
	Readings  uint64 // of the account, by requests
	Renewals  uint64 // of the listen key
}

// NewLiveAccount starts the user stream of an account.
func NewLiveAccount(accounts *Accounts, cfg LiveAccountConfig) (*LiveAccount, error) {
	cfg = cfg.withDefaults()
	if err := errors.Join(validateDuration("MaxAge", cfg.MaxAge, minStale, maxStale), validateDuration("Reconnect", cfg.Reconnect, minLifetime, maxLifetime)); err != nil {
		return nil, fmt.Errorf("aster: live account: %w", err)
	}
	ctx, end := context.WithCancel(context.Background())
	a := &LiveAccount{accounts: accounts, cfg: cfg, end: end, turn: make(chan struct{}, 1), changed: make(chan struct{})}
	a.feed = newFeed(feedConfig{
		client: accounts.client, op: "user stream", to: a, lifetime: cfg.Reconnect, silence: userSilence, address: a.address,
	})
	a.tasks.Go(func() { a.feed.run(ctx) })
	a.tasks.Go(func() { a.keepAlive(ctx) })
	return a, nil
}

// Close ends the stream and waits for everything that NewLiveAccount has
// started. The listen key is left to expire: the venue gives the same one to
// every program of the account.
func (a *LiveAccount) Close() {
	a.end()
	a.tasks.Wait()
}

// Account is State without the notes.
func (a *LiveAccount) Account(ctx context.Context) (decision.Account, error) {
	state, err := a.State(ctx)
	return state.Account, err
}

// State is the account as Accounts.State gives it, or as it gave it less than
// MaxAge ago when no event came since. It is never what was known before an
// event, and an error never brings back an older state.
func (a *LiveAccount) State(ctx context.Context) (AccountState, error) {
	if state, ok := a.remember(); ok {
		return state, nil
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return AccountState{}, fmt.Errorf("aster: account: %w", ctx.Err())
	}
	defer func() { <-a.turn }()
	if state, ok := a.remember(); ok {
		return state, nil
	}
	a.mu.Lock()
	of, at := a.changes, a.now()
	a.stats.Readings++
	a.mu.Unlock()
	state, err := a.accounts.State(ctx)
	if err != nil {
		return AccountState{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state, a.stateOf, a.readAt, a.known = state, of, at, true
	return state.clone(), nil
}

func (a *LiveAccount) remember() (AccountState, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	age := a.now().Sub(a.readAt)
	if !a.known || !a.listening || a.stateOf != a.changes || age < 0 || age >= a.cfg.MaxAge {
		return AccountState{}, false
	}
	return a.state.clone(), true
}

func (a *LiveAccount) now() time.Time { return a.accounts.client.cfg.Now() }

// clone shares nothing that a caller could change.
func (s AccountState) clone() AccountState {
	s.Account.Positions = slices.Clone(s.Account.Positions)
	s.Account.LastEntryAt = maps.Clone(s.Account.LastEntryAt)
	s.Notes = slices.Clone(s.Notes)
	return s
}

// WaitConnected returns when there is a connection, or the error of ctx.
// Without one, State asks each time.
func (a *LiveAccount) WaitConnected(ctx context.Context) error {
	if err := a.await(ctx, func() bool { return a.listening }); err != nil {
		return fmt.Errorf("aster: live account: not connected: %w", err)
	}
	return nil
}

// await returns when done, which is asked with mu held, after each change.
func (a *LiveAccount) await(ctx context.Context, done func() bool) error {
	for {
		a.mu.Lock()
		ok, changed := done(), a.changed
		a.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stats is a snapshot for a host's metrics. It sends nothing.
func (a *LiveAccount) Stats() LiveAccountStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.stats
	out.Connected, out.Lost = a.listening, a.feed.lost.Load()
	return out
}

// connected implements listener. Whatever happened meanwhile was not told.
func (a *LiveAccount) connected(on bool) { a.change(func() { a.listening = on }) }

// garbled implements listener.
func (a *LiveAccount) garbled() { a.change(func() { a.stats.Malformed++ }) }

// change makes the account unknown.
func (a *LiveAccount) change(also func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes++
	also()
	close(a.changed)
	a.changed = make(chan struct{})
}

// event implements listener.
func (a *LiveAccount) event(kind string, data []byte) {
	if kind == eventKeyExpired {
		a.change(func() { a.stats.Events++; a.listening = false })
		a.feed.renew()
		return
	}
	event, known, err := readUserEvent(kind, data)
	switch {
	case !known:
		return // such as announcements
	case err != nil:
		a.garbled()
		return
	}
	if event.Settings != nil {
		a.accounts.forgetModes()
	}
	a.change(func() { a.stats.Events++ })
	if a.cfg.OnEvent != nil {
		a.cfg.OnEvent(event)
	}
}

// forgetModes makes the next reading ask for settings that an event has
// changed.
func (a *Accounts) forgetModes() {
	a.modes.mu.Lock()
	defer a.modes.mu.Unlock()
	a.modes.known, a.modes.err = false, nil
}

// address asks for a listen key; the venue gives the same one for as long as
// it lives, and extends it.
func (a *LiveAccount) address(ctx context.Context) (string, string, error) {
	client := a.accounts.client
	var answer struct {
		ListenKey text `json:"listenKey"`
	}
	cl := listenKeyCall(http.MethodPost)
	at := a.now()
	if err := client.do(ctx, cl, &answer); err != nil {
		return "", "", err
	}
	key := string(answer.ListenKey)
	if !plainKey(key) {
		return "", "", client.request(cl).unreadable(fmt.Errorf("listenKey must have 1 to %d letters and digits, had %d bytes", maxListenKey, len(key)))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewAt = at.Add(keepAliveEvery)
	return client.cfg.Network.UserStream + "/ws/" + key, key, nil
}

// listenKeyCall is repeated like a read: doing it twice is doing it once.
func listenKeyCall(method string) call {
	return call{method: method, path: "/listenKey", weight: 1, auth: keyed}
}

// plainKey tells what can be put into a path as it is.
func plainKey(key string) bool {
	for _, r := range key {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return key != "" && len(key) <= maxListenKey
}

// keepAlive extends the listen key, and looks whether the connection is old.
func (a *LiveAccount) keepAlive(ctx context.Context) {
	failures := 0
	for pause(ctx, watchEvery) {
		a.feed.look()
		a.mu.Lock()
		due := a.listening && !a.now().Before(a.renewAt)
		a.mu.Unlock()
		if !due {
			continue
		}
		if err := a.renewKey(ctx); err != nil {
			failures++
			a.accounts.client.cfg.Logger.WarnContext(ctx, "aster_listen_key_not_extended", slog.Any("error", err))
			pause(ctx, reconnectDelay(failures))
			continue
		}
		failures = 0
	}
}

func (a *LiveAccount) renewKey(ctx context.Context) error {
	at := a.now()
	err := a.accounts.client.do(ctx, listenKeyCall(http.MethodPut), nil)
	var failure *Error
	if errors.As(err, &failure) && failure.Code == noListenKey {
		a.change(func() { a.listening = false; a.renewAt = at.Add(keepAliveEvery) })
		a.feed.renew() // with another key
		return nil
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats.Renewals++
	a.renewAt = at.Add(keepAliveEvery)
	return nil
}
