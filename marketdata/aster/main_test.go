package aster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reply is what a scripted venue does with one request.
type reply struct {
	after  time.Duration // virtual inside synctest
	hang   bool          // until the request ends
	err    error         // of the transport
	status int           // default 200
	header http.Header
	body   string
	cut    bool // the body breaks off with io.ErrUnexpectedEOF
}

// received is one request as the scripted venue got it.
type received struct {
	method, path, query, body string
	header                    http.Header
	at                        time.Time
}

// params is the query or the body, whichever carries them.
func (r received) params() string { return r.query + r.body }

// scripted is a venue without a network: it answers /time by its own clock,
// and anything else by the replies, the last of which it repeats.
type scripted struct {
	skew    time.Duration // of its clock
	slow    time.Duration // before it tells the time
	answer  func(n int, r received) reply
	replies []reply

	mu       sync.Mutex
	requests []received
	times    int // requests of /time
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	got := received{method: req.Method, path: req.URL.Path, query: req.URL.RawQuery, header: req.Header.Clone(), at: time.Now()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		got.body = string(body)
	}
	next := s.next(got)
	var due <-chan time.Time
	if !next.hang {
		due = time.After(next.after)
	}
	select {
	case <-due:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if next.err != nil {
		return nil, next.err
	}
	if strings.HasSuffix(got.path, "/time") && next.body == "" {
		next.body = fmt.Sprintf(`{"serverTime":%d}`, time.Now().Add(s.skew).UnixMilli())
	}
	var body io.Reader = strings.NewReader(next.body)
	if next.cut {
		body = io.MultiReader(body, failingReader{io.ErrUnexpectedEOF})
	}
	header := next.header
	if header == nil {
		header = http.Header{}
	}
	if next.status == 0 {
		next.status = http.StatusOK
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(body), Request: req}, nil
}

func (s *scripted) next(got received) reply {
	s.mu.Lock()
	if strings.HasSuffix(got.path, "/time") {
		s.times++
		s.mu.Unlock()
		return reply{after: s.slow}
	}
	n := len(s.requests)
	s.requests = append(s.requests, got)
	s.mu.Unlock()
	if s.answer != nil {
		return s.answer(n, got)
	}
	if len(s.replies) == 0 {
		return reply{body: `{}`}
	}
	return s.replies[min(n, len(s.replies)-1)]
}

func (s *scripted) seen() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.requests...)
}

func (s *scripted) measurements() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

const (
	demoKey  = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1" // printed in the venue's documentation
	demoAddr = "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"
	demoUser = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"

	hmacKey    = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83" // the same
	hmacSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
)

func demoAgent(tb testing.TB, user string, chainID int64) *aster.Agent {
	tb.Helper()
	agent, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(demoKey), User: user, ChainID: chainID})
	require.NoError(tb, err)
	return agent
}

func demoHMAC(tb testing.TB) *aster.HMAC {
	tb.Helper()
	signer, err := aster.NewHMAC(aster.HMACConfig{Key: secret.New(hmacKey), Secret: secret.New(hmacSecret)})
	require.NoError(tb, err)
	return signer
}

// connect makes a client of the scripted venue.
func connect(tb testing.TB, venue http.RoundTripper, cfg aster.Config) *aster.Client {
	tb.Helper()
	cfg.HTTP = &http.Client{Transport: venue}
	client, err := aster.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

func requireFailure(tb testing.TB, err error, kind aster.Kind) *aster.Error {
	tb.Helper()
	var failure *aster.Error
	require.ErrorAs(tb, err, &failure)
	require.Equal(tb, kind, failure.Kind, "%v", err)
	return failure
}

var (
	errReset = errors.New("connection reset by peer")
	ping     = aster.Call{Path: "/ping"}
	order    = aster.Call{Method: http.MethodPost, Path: "/order", Params: [][2]string{{"symbol", "BTCUSDT"}}, Signed: true, Write: true}
	balance  = aster.Call{Path: "/balance", PathV1: "/fapi/v2/balance", Weight: 5, Signed: true}
)

func within(tb testing.TB, limit time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	tb.Cleanup(cancel)
	return ctx
}
