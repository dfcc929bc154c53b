package aster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

// pipes is a listener whose connections are in memory, so that virtual time
// passes while they are silent.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errReset
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// broadcaster is a venue with streams, in virtual time. It must be made inside
// a synctest bubble.
type broadcaster struct {
	*bazaar
	refuse func(n int) int           // status of handshake n, from 0; 0: accepted
	live   func(n int) time.Duration // after which connection n is cut; 0: never
	quiet  bool                      // says nothing by itself
	mute   bool                      // does not answer subscriptions
	fail   func(method string) string
	key    string // default one that is fine

	mu       sync.Mutex
	dialled  []time.Time
	keys     []string
	open     int
	fewest   int // open connections since the first was subscribed
	orders   []time.Time
	asked    map[int]int // topics by connection
	keyCalls []string
}

func broadcast(t *testing.T, b *broadcaster) (*aster.Client, *bytes.Buffer) {
	t.Helper()
	b.asked = map[int]int{}
	b.fewest = -1
	listener := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: b}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	transport := &http.Transport{DialContext: listener.dial}
	var logged bytes.Buffer
	client, err := aster.New(aster.Config{
		Network: aster.Network{Name: "pipes", REST: "http://127.0.0.1:1", MarketStream: "ws://127.0.0.1:1", UserStream: "ws://127.0.0.1:1", ChainID: 1666},
		HTTP:    &http.Client{Transport: transport}, Signer: demoAgent(t, "", 0), WeightPerMinute: 100_000, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		serving.Wait()
	})
	return client, &logged
}

func (b *broadcaster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/ws"):
		b.stream(w, r)
	case strings.HasSuffix(r.URL.Path, "/listenKey"):
		b.mu.Lock()
		b.keyCalls = append(b.keyCalls, r.Method)
		b.mu.Unlock()
		if b.fail != nil {
			if body := b.fail(r.Method); body != "" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(body))
				return
			}
		}
		key := b.key
		if key == "" {
			key = "SecretListenKey0123456789"
		}
		_, _ = fmt.Fprintf(w, `{"listenKey":%q}`, key)
	default:
		b.setNow(time.Now())
		b.bazaar.ServeHTTP(w, r)
	}
}

func (b *broadcaster) stream(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	n := len(b.dialled)
	b.dialled = append(b.dialled, time.Now())
	b.keys = append(b.keys, strings.TrimPrefix(r.URL.Path, "/ws"))
	b.mu.Unlock()
	if b.refuse != nil {
		if status := b.refuse(n); status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("no " + r.URL.Path))
			return
		}
	}
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if b.live != nil && b.live(n) > 0 {
		timer := time.AfterFunc(b.live(n), cancel)
		defer timer.Stop()
	}
	var talking sync.WaitGroup
	if !b.quiet {
		talking.Go(func() { b.talk(ctx, socket) })
	}
	b.count(1)
	b.listen(ctx, n, socket)
	b.count(-1)
	cancel()
	talking.Wait()
	_ = socket.CloseNow()
}

func (b *broadcaster) count(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open += by
	if b.fewest < 0 || b.open < b.fewest {
		b.fewest = b.open
	}
}

// talk is one price a second.
func (b *broadcaster) talk(ctx context.Context, socket *websocket.Conn) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			event := fmt.Sprintf(`{"e":"markPriceUpdate","E":%d,"s":%q,"p":"1","r":"0"}`, time.Now().UnixMilli(), b.symbols[0])
			if socket.Write(ctx, websocket.MessageText, []byte(event)) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *broadcaster) listen(ctx context.Context, n int, socket *websocket.Conn) {
	for {
		_, data, err := socket.Read(ctx)
		if err != nil {
			return
		}
		var order struct {
			Method string
			Params []string
			ID     int
		}
		if json.Unmarshal(data, &order) != nil || order.Method != "SUBSCRIBE" {
			return
		}
		b.mu.Lock()
		b.orders = append(b.orders, time.Now())
		b.asked[n] += len(order.Params)
		b.mu.Unlock()
		if !b.mute && socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"result":null,"id":%d}`, order.ID)) != nil {
			return
		}
	}
}

func (b *broadcaster) dials() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.dialled...)
}
