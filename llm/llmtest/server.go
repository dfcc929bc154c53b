package llmtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/secret"
)

// Config is a provider's script. The zero value answers "{}" to everything.
type Config struct {
	Steps []Step
	// Then answers once the steps are used up; it is called from several
	// goroutines. Default: the last step again, or Answer("{}") without steps.
	Then   func(Request) Step
	Models []Model      // what GET /models lists; default none
	Key    secret.Value // the only key that is let in; default any, or none
}

// Model is an entry of GET /models.
type Model struct {
	ID                  string
	ContextLength       int    // tokens
	ExpirationDate      string // "2026-05-15"; empty: none
	SupportedParameters []string
	// PromptUSD and CompletionUSD are per token.
	PromptUSD, CompletionUSD decimal.Decimal
}

// Request is a request as it came, its key redacted.
type Request struct {
	Method   string
	Path     string
	Header   http.Header
	Body     []byte
	Model    string // from the body, like the rest
	Messages []llm.Message
	Stream   bool
	Number   int    // counts the requests that took a step from 1
	Refused  string // what broke the protocol, or a wrong key; such a request takes no step
}

// Server is a provider on 127.0.0.1. It is safe for concurrent use.
type Server struct {
	cfg    Config
	url    string
	http   *http.Server
	closed chan struct{}
	serve  chan struct{} // closed when Serve returned

	mu       sync.Mutex
	requests []Request
	taken    int
	handlers sync.WaitGroup
}

const (
	maxRequestBody = 16 << 20
	basePath       = "/api/v1"
)

// Start opens a provider on a free port. The caller closes it.
func Start(cfg Config) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("llmtest: %w", err)
	}
	s := &Server{
		cfg: cfg, url: "http://" + listener.Addr().String() + basePath,
		closed: make(chan struct{}), serve: make(chan struct{}),
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.handle), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.serve)
		_ = s.http.Serve(listener) //nolint:errcheck // always ErrServerClosed: the listener is ours alone
	}()
	return s, nil
}

// New starts a provider that answers with steps, the last one again and
// again, and closes it when the test ends.
func New(tb testing.TB, steps ...Step) *Server {
	tb.Helper()
	server, err := Start(Config{Steps: steps})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

// URL is the base URL for a client: http on loopback.
func (s *Server) URL() string { return s.url }

// Requests are those that came so far, in order of arrival. They are read-only.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Close ends every connection and waits until nothing runs any more. It may
// be called again.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	_ = s.http.Close() //nolint:errcheck // closing a listener that only we hold; nothing to be done
	<-s.serve
	s.handlers.Wait()
}

// begin counts a handler in, unless the server is closing.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return false
	default:
		s.handlers.Add(1)
		return true
	}
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		return
	}
	defer s.handlers.Done()
	req, refusal := s.read(r)
	step := refusal
	if req.Refused == "" && req.Method == http.MethodGet {
		step = s.models()
	}
	takes := req.Refused == "" && req.Method == http.MethodPost
	s.mu.Lock()
	if takes {
		req.Number = s.taken + 1
		s.taken++
	}
	s.requests = append(s.requests, req)
	s.mu.Unlock()
	if takes {
		step = s.step(req)
	}
	play := player{server: s, w: w, r: r, req: req, step: step}
	play.run()
}

func (s *Server) step(req Request) Step {
	steps := s.cfg.Steps
	switch {
	case req.Number <= len(steps):
		return steps[req.Number-1]
	case s.cfg.Then != nil:
		return s.cfg.Then(req)
	case len(steps) > 0:
		return steps[len(steps)-1]
	default:
		return Answer("{}")
	}
}

// read takes a request in and, when it breaks the protocol, says with what to
// answer it.
func (s *Server) read(r *http.Request) (Request, Step) {
	req := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone()}
	if req.Header.Get("Authorization") != "" {
		req.Header.Set("Authorization", "Bearer "+secret.Redacted)
	}
	refuse := func(status int, why string) (Request, Step) {
		req.Refused = why
		return req, Status(status, why)
	}
	route := r.Method + " " + r.URL.Path
	switch {
	case route != "POST "+basePath+"/chat/completions" && route != "GET "+basePath+"/models":
		return refuse(http.StatusNotFound, "no such endpoint: "+httpx.Redact(route, 200))
	case !s.admits(r.Header.Get("Authorization")):
		return refuse(http.StatusUnauthorized, "not the key of this server")
	case r.Method == http.MethodGet:
		return req, Step{}
	}
	body, err := httpx.ReadAll(r.Body, maxRequestBody)
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, "the body cannot be read")
	}
	req.Body = body
	var chat struct {
		Model    string        `json:"model"`
		Messages []llm.Message `json:"messages"`
		Stream   bool          `json:"stream"`
	}
	if err := json.Unmarshal(body, &chat); err != nil { //nolint:forbidigo // a client may send members that only its provider knows
		return refuse(http.StatusBadRequest, "the body is not the JSON of a chat completion")
	}
	if chat.Model == "" || len(chat.Messages) == 0 {
		return refuse(http.StatusBadRequest, "model and messages must be set")
	}
	req.Model, req.Messages, req.Stream = chat.Model, chat.Messages, chat.Stream
	return req, Step{}
}

// admits compares keys without care for timing: they are test data.
func (s *Server) admits(authorization string) bool {
	key, bearer := strings.CutPrefix(authorization, "Bearer ")
	if authorization != "" && (!bearer || key == "") {
		return false
	}
	return s.cfg.Key.IsZero() || key == s.cfg.Key.Reveal()
}

func (s *Server) models() Step {
	list := make([]map[string]any, 0, len(s.cfg.Models))
	for _, model := range s.cfg.Models {
		entry := map[string]any{
			"id": model.ID, "context_length": model.ContextLength, "supported_parameters": model.SupportedParameters,
			"expiration_date": nil,
			"pricing":         map[string]any{"prompt": model.PromptUSD.String(), "completion": model.CompletionUSD.String()},
		}
		if model.ExpirationDate != "" {
			entry["expiration_date"] = model.ExpirationDate
		}
		list = append(list, entry)
	}
	return Step{Pieces: []string{encode(map[string]any{"data": list})}}
}

// encode writes what this package made itself; only invalid UTF-8 in a script
// cannot be written, and says so to whoever reads the answer.
func encode(v any) string {
	data, err := jsonx.Marshal(v)
	if err != nil {
		return errors.Join(errors.New("llmtest: the script cannot be encoded"), err).Error()
	}
	return string(data)
}
