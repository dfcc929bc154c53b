package astertest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// streams are the open connections. It is guarded by Exchange.mu.
type streams struct {
	open []*connection // oldest first
}

// connection is one websocket. Its fields are guarded by Exchange.mu, unless
// they are channels.
type connection struct {
	socket   *websocket.Conn
	account  *account // of a user stream
	key      string   // of a user stream: the listen key it was opened with
	topics   []string
	combined bool
	since    time.Time
	pingAt   time.Time // when the next ping is due
	unponged time.Time // when a ping was sent that nobody has answered; zero: none
	held     []byte    // an event that comes after the next one
	commands *rate.Limiter

	queue  chan message
	closed chan struct{} // closed when the connection is over
	once   sync.Once
}

// message is something to send, or something to do in its place.
type message struct {
	text []byte
	ping bool
	end  websocket.StatusCode // close with it
	done chan struct{}        // to be closed; from drain
}

const (
	maxConnections = 1000
	maxTopics      = 200
	queueLength    = 10_000
	commandRate    = 10       // a second, of real time
	maxCommand     = 32 << 10 // bytes; 200 long names fit
	pingEvery      = 5 * time.Minute
	pongWithin     = 15 * time.Minute
	connectionLife = 24 * time.Hour
	sendTimeout    = 5 * time.Second // real time, after which a client counts as gone
	pongTimeout    = time.Second     // real time that a client has for a pong before the clock goes on
)

// serveStream is one connection, from its handshake to its end.
func (e *Exchange) serveStream(w http.ResponseWriter, r *http.Request) {
	conn, refusal := e.connect(r)
	if refusal != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refusal.status)
		_, _ = w.Write(encode(refusal.object())) //nolint:errcheck // the client has gone
		return
	}
	defer e.leave(conn)
	defer conn.end()
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	socket.SetReadLimit(maxCommand)
	conn.socket = socket
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var writer sync.WaitGroup
	writer.Go(func() { e.write(ctx, conn) })
	writer.Go(func() {
		select {
		case <-e.ended:
		case <-conn.closed:
		case <-ctx.Done():
		}
		cancel()
		_ = socket.CloseNow() //nolint:errcheck // closed twice
	})
	e.read(ctx, conn)
	conn.end()
	writer.Wait()
}

// connect reads the address: what to subscribe to, or whose events to send.
func (e *Exchange) connect(r *http.Request) (*connection, *apiError) {
	conn := &connection{
		commands: rate.NewLimiter(commandRate, commandRate), queue: make(chan message, queueLength), closed: make(chan struct{}),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	conn.since, conn.pingAt = e.now, e.now.Add(pingEvery)
	if r.URL.Path == "/stream" {
		conn.combined = true
		if names := r.URL.Query().Get("streams"); names != "" {
			conn.topics = slices.Compact(strings.Split(names, "/"))
		}
	} else if name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/ws"), "/"); strings.ContainsAny(name, "@!") {
		conn.topics = []string{name}
	} else if name != "" {
		for _, a := range e.accounts {
			if a.listenKey == name {
				conn.account, conn.key = a, name
			}
		}
		if conn.account == nil {
			return nil, fail(-1125, "This listenKey does not exist.")
		}
	}
	if len(conn.topics) > maxTopics || len(e.streams.open) >= maxConnections {
		return nil, fail(-1003, "Too many streams.")
	}
	e.streams.open = append(e.streams.open, conn) // before the client knows, so that it misses nothing afterwards
	return conn, nil
}

func (e *Exchange) leave(conn *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(e.streams.open, conn); i >= 0 {
		e.streams.open = slices.Delete(e.streams.open, i, i+1)
	}
}

func (c *connection) end() { c.once.Do(func() { close(c.closed) }) }

// send queues a message. A client that does not read loses its connection.
func (c *connection) send(m message) {
	select {
	case c.queue <- m:
	default:
		c.end()
	}
}

// write sends what is queued, in order.
func (e *Exchange) write(ctx context.Context, conn *connection) {
	for {
		select {
		case m := <-conn.queue:
			if !e.deliver(ctx, conn, m) {
				conn.end()
				return
			}
		case <-conn.closed:
			return
		}
	}
}

// deliver reports whether the connection goes on.
func (e *Exchange) deliver(ctx context.Context, conn *connection, m message) bool {
	switch {
	case m.done != nil:
		close(m.done)
		return true
	case m.end != 0:
		_ = conn.socket.Close(m.end, "") //nolint:errcheck // it may be over
		return false
	case m.ping:
		ctx, cancel := context.WithTimeout(ctx, pongTimeout)
		defer cancel()
		if conn.socket.Ping(ctx) == nil {
			e.mu.Lock()
			conn.unponged = time.Time{}
			e.mu.Unlock()
		}
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return conn.socket.Write(ctx, websocket.MessageText, m.text) == nil
}

// read answers commands until the connection ends.
func (e *Exchange) read(ctx context.Context, conn *connection) {
	for {
		kind, text, err := conn.socket.Read(ctx)
		if err != nil {
			return
		}
		if !conn.commands.Allow() {
			conn.send(message{end: websocket.StatusPolicyViolation})
			return
		}
		if kind != websocket.MessageText {
			continue
		}
		e.mu.Lock()
		conn.send(message{text: conn.command(text)})
		e.mu.Unlock()
	}
}

// drain waits until every connection has sent what is queued.
func (e *Exchange) drain() {
	e.mu.Lock()
	open := slices.Clone(e.streams.open)
	e.mu.Unlock()
	for _, conn := range open {
		done := make(chan struct{})
		select {
		case conn.queue <- message{done: done}:
		case <-conn.closed:
			continue
		case <-e.ended:
			return
		}
		select {
		case <-done:
		case <-conn.closed:
		case <-e.ended:
			return
		}
	}
}

// listening reports whether anybody has a stream of prices.
func (s *streams) listening() bool {
	return slices.ContainsFunc(s.open, func(c *connection) bool { return len(c.topics) > 0 })
}

// due tells when streams next have something to say or to do.
func (s *streams) due(now time.Time, grid time.Duration, sooner func(time.Time)) {
	for _, c := range s.open {
		sooner(c.pingAt)
		sooner(c.since.Add(connectionLife))
		for _, name := range c.topics {
			if _, interval, found := klineTopic(name); found {
				sooner(interval.Floor(now).Add(interval.Duration()))
			}
		}
	}
	if s.listening() {
		sooner(now.Truncate(grid).Add(grid))
	}
}
