package ballast_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/secret"
)

// What the venue's documentation prints for tests.
const (
	venueKey    = "4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"
	venueAgent  = "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"
	venueWallet = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
	venueAPIKey = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
	venueSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9" //nolint:gosec // see above
)

// venueBegin is when what happens in a bubble begins: bubbles begin in 2000,
// before the simulator knows prices.
func venueBegin() time.Time { return time.Date(2025, 10, 1, 11, 57, 30, 0, time.UTC) }

// pipes is a network of its own. In a bubble of synctest, time passes while
// both ends of a connection wait; with sockets it would stand still.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener. Clients speak http to loopback alone.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accepted <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// witness sees every request on its way. It keeps what must not turn up
// anywhere else, and the most weight that the venue counted in a minute.
type witness struct {
	next http.RoundTripper

	mu         sync.Mutex
	weight     int
	requests   int
	statuses   map[int]int
	signatures io.Writer       // a line each
	listenKeys map[string]bool // handed out
	leaked     []string        // URLs and bodies that hold a key or a secret
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.URL.String()
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		sent += " " + string(text)
	}
	w.sent(sent)
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		w.answered(0, "")
		return nil, err
	}
	w.answered(resp.StatusCode, resp.Header.Get("X-MBX-USED-WEIGHT-1M"))
	if strings.HasSuffix(req.URL.Path, "/listenKey") {
		text, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), failingReader{err}))
		w.handedOut(string(text))
	}
	return resp, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (w *witness) CloseIdleConnections() {
	if t, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// failingReader ends with the error, or with io.EOF when there is none.
type failingReader struct{ err error }

// Read implements io.Reader.
func (f failingReader) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

func (w *witness) sent(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	for _, hidden := range []string{venueKey, venueAPIKey, venueSecret} {
		if strings.Contains(strings.ToLower(text), hidden) {
			w.leaked = append(w.leaked, text)
		}
	}
	if _, signature, found := strings.Cut(text, "signature="); found && w.signatures != nil {
		_, _ = io.WriteString(w.signatures, strings.TrimPrefix(signature, "0x")+"\n")
	}
}

func (w *witness) requested() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

func (w *witness) answered(status int, used string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.statuses == nil {
		w.statuses = map[int]int{}
	}
	w.statuses[status]++
	if n, err := strconv.Atoi(used); err == nil {
		w.weight = max(w.weight, n)
	}
}

func (w *witness) handedOut(answer string) {
	if _, key, found := strings.Cut(answer, `"listenKey":"`); found {
		key, _, _ = strings.Cut(key, `"`)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.listenKeys == nil {
			w.listenKeys = map[string]bool{}
		}
		w.listenKeys[key] = true
	}
}

// keys are the listen keys that were handed out.
func (w *witness) keys() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.listenKeys)
}

// venue is an exchange and a client that reads it, over pipes when the test
// runs in a bubble.
type venue struct {
	exchange *astertest.Exchange
	client   *aster.Client
	witness  *witness
}

// venueSetup says what kind of exchange and client.
type venueSetup struct {
	exchange astertest.Config
	client   aster.Config
	bubble   bool
	sign     bool // by the demo agent, unless the client has a Signer
}

func venueAccount(change func(*astertest.Account)) []astertest.Account {
	a := astertest.Account{
		Wallet: venueWallet, Deposit: decimal.NewFromInt(10_000), Agents: []astertest.Agent{{Address: venueAgent}},
		Keys: []astertest.Key{{Key: venueAPIKey, Secret: venueSecret}},
	}
	if change != nil {
		change(&a)
	}
	return []astertest.Account{a}
}

func openVenue(tb testing.TB, setup venueSetup) *venue {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	if setup.bubble {
		network := newPipes()
		setup.exchange.Listener, transport.DialContext = network, network.dial
		setup.exchange.Now = time.Now
	}
	if setup.exchange.Accounts == nil {
		setup.exchange.Accounts = venueAccount(nil)
	}
	ex, err := astertest.New(setup.exchange)
	require.NoError(tb, err)
	tb.Cleanup(ex.Close)
	v := &venue{exchange: ex, witness: &witness{next: transport}}
	cfg := setup.client
	chain := cfg.Network.ChainID
	cfg.Network = aster.Network(ex.Network())
	if chain != 0 { // what the client believes
		cfg.Network.ChainID = chain
	}
	if cfg.Signer == nil && setup.sign {
		cfg.Signer = demoAgent(tb, venueKey)
	}
	if cfg.Now == nil {
		cfg.Now = ex.Now
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: v.witness}
	}
	v.client, err = aster.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(transport.CloseIdleConnections)
	return v
}

func demoAgent(tb testing.TB, key string) *aster.Agent {
	tb.Helper()
	agent, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(key)})
	require.NoError(tb, err)
	return agent
}

func demoHMAC(tb testing.TB, hidden string) *aster.HMAC {
	tb.Helper()
	signer, err := aster.NewHMAC(aster.HMACConfig{Key: secret.New(venueAPIKey), Secret: secret.New(hidden)})
	require.NoError(tb, err)
	return signer
}

func (v *venue) source(tb testing.TB, cfg aster.SourceConfig) *aster.Source {
	tb.Helper()
	source, err := aster.NewSource(v.client, cfg)
	require.NoError(tb, err)
	return source
}

func (v *venue) accounts(tb testing.TB, symbols ...string) *aster.Accounts {
	tb.Helper()
	accounts, err := aster.NewAccounts(v.client, aster.AccountConfig{
		ID: "faults", Symbols: symbols, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: decimal.NewFromInt(5000),
	})
	require.NoError(tb, err)
	return accounts
}

// simulatedHours are files of two months of the simulator's candles around
// venueBegin: an exchange reads them faster than it simulates.
func simulatedHours(tb testing.TB, assets []marketdata.SimAsset) fs.FS {
	tb.Helper()
	sim, err := marketdata.NewSim(marketdata.SimConfig{Symbols: assets, Now: func() time.Time { return venueBegin().Add(30 * 24 * time.Hour) }})
	require.NoError(tb, err)
	files := fstest.MapFS{}
	for _, a := range assets {
		snap, err := sim.Snapshot(tb.Context(), marketdata.Query{Symbols: []string{a.Symbol}, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: marketdata.MaxCandles})
		require.NoError(tb, err)
		var file bytes.Buffer
		file.WriteString("open_time_ms,open,high,low,close,volume,quote_volume\n")
		for _, c := range snap.Assets[a.Symbol].Series[marketdata.Interval1h].Candles() {
			fmt.Fprintf(&file, "%d,%s,%s,%s,%s,%s,%s\n", c.OpenTime.UnixMilli(), c.Open, c.High, c.Low, c.Close, c.Volume, c.QuoteVolume)
		}
		files[a.Symbol+".csv"] = &fstest.MapFile{Data: file.Bytes()}
	}
	return files
}

// debugLog writes everything, debug lines too.
func debugLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
