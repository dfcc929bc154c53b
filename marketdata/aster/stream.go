package aster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/ballast-go/ballast/internal/jsonx"
)

const (
	maxTopics       = 200                    // of one connection, by the venue
	topicsPerOrder  = 50                     // of one SUBSCRIBE, so that it stays small
	maxStreamBytes  = 1 << 20                // of one message
	orderGap        = 200 * time.Millisecond // between SUBSCRIBEs: half of what the venue allows, pongs count too
	openTimeout     = 10 * time.Second       // of a handshake, and of the answers to all SUBSCRIBEs
	firstReconnect  = 500 * time.Millisecond
	maxReconnect    = 30 * time.Second
	steadyAfter     = time.Minute      // a connection that lived so long was a good one
	marketSilence   = 30 * time.Second // without a message, where mark prices come every second
	userSilence     = 15 * time.Minute // without a message or a ping, which come every five minutes
	defaultLifetime = 23 * time.Hour
	minLifetime     = time.Minute
	maxLifetime     = 23*time.Hour + 50*time.Minute // the venue ends connections after 24 h
)

// listener gets what a feed receives. While one connection replaces another,
// both call it at once.
type listener interface {
	event(kind string, data []byte) // one event, whole JSON
	garbled()                       // what cannot be read came in place of one
	connected(on bool)              // subscribed, also by a connection that replaces another; or without any
}

// feedConfig is one subscription.
type feedConfig struct {
	client   *Client
	op       string                                                     // for errors
	address  func(context.Context) (url string, secret string, _ error) // asked before each connection; the secret is a part of the URL
	topics   []string                                                   // at most maxTopics; none: the address says it all
	to       listener
	lifetime time.Duration // by the client's clock
	silence  time.Duration // by a timer, after which a connection counts as dead
}

// feed keeps one subscription alive: it reconnects after errors, and before
// the venue ends the connection, then without a moment between the two.
type feed struct {
	feedConfig
	wake    chan struct{} // to look whether the connection is to be replaced
	replace atomic.Bool   // whatever its age
	lost    atomic.Uint64 // connections that were lost
	open    atomic.Bool
}

// session is one connection.
type session struct {
	socket  *websocket.Conn
	since   time.Time
	answers chan streamMessage // to SUBSCRIBEs
	end     context.CancelFunc
	done    chan struct{} // closed when the connection is over
	err     error         // why; after done
}

func newFeed(cfg feedConfig) *feed { return &feed{feedConfig: cfg, wake: make(chan struct{}, 1)} }

// look makes run see whether the connection is too old.
func (f *feed) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// renew makes run replace the connection.
func (f *feed) renew() {
	f.replace.Store(true)
	f.look()
}

// run keeps a connection until ctx ends.
func (f *feed) run(ctx context.Context) {
	var current *session
	failures := 0
	for ctx.Err() == nil {
		if current == nil {
			if current = f.connect(ctx, &failures); current == nil {
				continue
			}
		}
		select {
		case <-current.done:
			if f.client.cfg.Now().Sub(current.since) >= steadyAfter {
				failures = 0
			}
			f.open.Store(false)
			f.lost.Add(1)
			f.to.connected(false)
			f.warn(ctx, "aster_stream_lost", current.err)
			current = nil
			failures++
			pause(ctx, reconnectDelay(failures))
		case <-f.wake:
			if f.due(current) {
				current = f.succeed(ctx, current, &failures)
			}
		case <-ctx.Done():
		}
	}
	current.close()
	f.open.Store(false)
}

// connect is nil after a failure, and the wait that belongs to it.
func (f *feed) connect(ctx context.Context, failures *int) *session {
	f.replace.Store(false)
	next, err := f.dial(ctx)
	if err != nil {
		*failures++
		f.warn(ctx, "aster_stream_not_opened", err)
		pause(ctx, reconnectDelay(*failures))
		return nil
	}
	f.open.Store(true)
	f.to.connected(true)
	return next
}

func (f *feed) due(s *session) bool {
	return f.replace.Load() || f.client.cfg.Now().Sub(s.since) >= f.lifetime
}

// succeed is the connection that follows, or the present one when there is
// none yet; it is looked at again then. A young one is replaced as slowly as
// one that was lost.
func (f *feed) succeed(ctx context.Context, current *session, failures *int) *session {
	if f.client.cfg.Now().Sub(current.since) >= steadyAfter {
		*failures = 0
	} else {
		*failures++
		pause(ctx, reconnectDelay(*failures))
	}
	next := f.connect(ctx, failures)
	if next == nil {
		f.renew()
		return current
	}
	current.close()
	return next
}

// reconnectDelay is between half and all of a bound that doubles.
func reconnectDelay(failures int) time.Duration {
	bound := min(firstReconnect<<min(failures-1, 10), maxReconnect)
	return bound/2 + rand.N(bound/2) + 1 //nolint:gosec // jitter
}

func (f *feed) warn(ctx context.Context, message string, err error) {
	if ctx.Err() != nil {
		return // closed by us
	}
	f.client.cfg.Logger.WarnContext(ctx, message, slog.String("op", f.op), slog.Any("error", err)) //nolint:sloglint // one of the two messages above
}

// dial opens a connection and subscribes.
func (f *feed) dial(ctx context.Context) (*session, error) {
	req := &request{client: f.client, op: f.op}
	if wait := f.client.Usage().BannedUntil.Sub(f.client.venueNow()); wait > 0 {
		failure := req.fail(KindBanned, 0, "not connected")
		failure.Wait = wait
		return nil, failure
	}
	address, hidden, err := f.address(ctx)
	if err != nil {
		return nil, err
	}
	req.secrets = []string{hidden}
	limited, stop := context.WithTimeout(ctx, openTimeout)
	defer stop()
	alive, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(f.silence, func() { end(errSilent) })
	socket, resp, err := websocket.Dial(limited, address, &websocket.DialOptions{ //nolint:bodyclose // the package documents that there is nothing to close
		HTTPClient:     f.client.http,
		OnPingReceived: func(context.Context, []byte) bool { timer.Reset(f.silence); return true },
	})
	if err != nil {
		timer.Stop()
		end(nil)
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, req.failStatus(ctx, resp)
		}
		return nil, req.transport(KindNetwork, err)
	}
	socket.SetReadLimit(maxStreamBytes)
	s := &session{
		socket: socket, since: f.client.cfg.Now(), end: func() { end(nil) },
		answers: make(chan streamMessage, maxTopics/topicsPerOrder), done: make(chan struct{}),
	}
	go s.read(alive, f, timer, req)
	if err := f.subscribe(limited, s); err != nil {
		s.close()
		return nil, req.transport(KindNetwork, err)
	}
	return s, nil
}

// close ends the connection and waits for its reader. A nil session is closed.
func (s *session) close() {
	if s == nil {
		return
	}
	s.end()
	<-s.done
}

var (
	errSilent     = errors.New("nothing came for too long")
	errNoAnswer   = errors.New("a subscription was not answered")
	errNotOpened  = errors.New("the connection ended before it was subscribed")
	errSubscribed = errors.New("a subscription was refused")
)

// read hands on what comes until the connection ends.
func (s *session) read(ctx context.Context, f *feed, timer *time.Timer, req *request) {
	defer close(s.done)
	defer s.socket.CloseNow() //nolint:errcheck // it is over
	defer s.end()
	defer timer.Stop()
	for {
		_, data, err := s.socket.Read(ctx)
		if err != nil {
			if errors.Is(context.Cause(ctx), errSilent) {
				err = errSilent
			}
			s.err = req.transport(KindNetwork, err)
			return
		}
		timer.Reset(f.silence)
		s.take(f, data)
		if f.due(s) {
			f.look()
		}
	}
}

func (s *session) take(f *feed, data []byte) {
	m, err := readStreamMessage(data)
	switch {
	case err != nil:
		f.to.garbled()
	case m.kind != "":
		f.to.event(m.kind, m.event)
	case m.answers:
		select {
		case s.answers <- m:
		default: // nobody asked
		}
	}
}

// subscription is what a client may send.
type subscription struct {
	Method string   `json:"method"`
	Params []string `json:"params"`
	ID     int      `json:"id"`
}

// subscribe asks for all topics and waits until all are granted.
func (f *feed) subscribe(ctx context.Context, s *session) error {
	waiting := map[label]bool{}
	for topics := range slices.Chunk(f.topics, topicsPerOrder) {
		if len(waiting) > 0 {
			pause(ctx, orderGap)
		}
		id := len(waiting) + 1
		text, err := jsonx.Marshal(subscription{"SUBSCRIBE", topics, id})
		if err != nil {
			return err
		}
		if err := s.socket.Write(ctx, websocket.MessageText, text); err != nil {
			return err
		}
		waiting[label(fmt.Sprint(id))] = true
	}
	for len(waiting) > 0 {
		select {
		case answer := <-s.answers:
			if answer.refused != "" {
				return fmt.Errorf("%w: %.100s", errSubscribed, answer.refused)
			}
			delete(waiting, answer.id)
		case <-s.done:
			return errNotOpened
		case <-ctx.Done():
			return errNoAnswer
		}
	}
	return nil
}
