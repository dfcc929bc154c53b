package aster_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

// local is the network of a server on this machine.
func local(url string) aster.Network {
	streams := "ws" + strings.TrimPrefix(url, "http")
	return aster.Network{Name: "local", REST: url, MarketStream: streams, UserStream: streams, ChainID: 1666}
}

// serve answers /time, and all else by handle.
func serve(tb testing.TB, handle http.HandlerFunc) string {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/time") {
			_, _ = fmt.Fprintf(w, `{"serverTime":%d}`, time.Now().UnixMilli())
			return
		}
		handle(w, r)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

func dialled(tb testing.TB, url string, cfg aster.Config) *aster.Client {
	tb.Helper()
	cfg.Network = local(url)
	client, err := aster.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	var evil atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { evil.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for name, tc := range map[string]struct {
		handle      http.HandlerFunc
		read, write aster.Kind
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		}, aster.KindBlocked, aster.KindBlocked},
		"cut body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":`)
		}, aster.KindNetwork, aster.KindUnknownOutcome},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, aster.KindNetwork, aster.KindUnknownOutcome},
		"9 MiB": {func(w http.ResponseWriter, _ *http.Request) {
			for range 9 {
				_, _ = w.Write(bytes.Repeat([]byte{' '}, 1<<20))
			}
		}, aster.KindServer, aster.KindUnknownOutcome},
		"403 HTML": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<html>")
		}, aster.KindBlocked, aster.KindBlocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) { sent.Add(1); tc.handle(w, r) })
			client := dialled(t, url, aster.Config{Signer: demoAgent(t, "", 0), Attempts: 1})
			failure := requireFailure(t, client.Do(t.Context(), balance, nil), tc.read)
			if name == "9 MiB" {
				require.Contains(t, failure.Message, "at most 8388608 bytes")
			}
			sent.Store(0)
			_ = requireFailure(t, client.Do(t.Context(), order, nil), tc.write)
			require.Equal(t, int32(1), sent.Load())
		})
	}
	t.Cleanup(func() { require.Zero(t, evil.Load(), "a redirect was followed") })
}

func TestAnAddressThatNobodyListensAtIsNoUnknownOutcome(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := dialled(t, server.URL, aster.Config{Signer: demoHMAC(t), Attempts: 1})
	_ = requireFailure(t, client.Do(t.Context(), aster.Call{Method: http.MethodPost, Path: "/listenKey", Keyed: true, Write: true}, nil), aster.KindNetwork)
}

func TestTheBodyReachesTheServerAsSigned(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, "", 0)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		var got string
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.URL.RawQuery + string(body)
			_, _ = io.WriteString(w, `{}`)
		})
		client := dialled(t, url, aster.Config{Signer: agent})
		require.NoError(t, client.Do(t.Context(), aster.Call{Method: method, Path: "/x", Signed: true, Params: [][2]string{{"a", "1 é/+%"}}}, nil))
		text, signature, found := strings.Cut(got, "&signature=")
		require.True(t, found, method)
		require.Equal(t, agent.Signature(text), signature, method)
		require.True(t, strings.HasPrefix(text, "a=1+%C3%A9%2F%2B%25&nonce="), text)
	}
}

// A server that puts what it received wherever a server can write.
func TestNoSecretIsInErrorsLogsOrStrings(t *testing.T) {
	t.Parallel()
	plainKey, plainSecret := "Plain-Key-Without-Prefix-123", "Plain-Secret-Without-Prefix-456"
	old, err := aster.NewHMAC(aster.HMACConfig{Key: secret.New(plainKey), Secret: secret.New(plainSecret)})
	require.NoError(t, err)
	forbidden := []string{strings.ToLower(plainKey), strings.ToLower(plainSecret), demoKey[2:], "signature=0x", "nonce="}
	for name, respond := range map[string]func(w http.ResponseWriter, echo string){
		"error": func(w http.ResponseWriter, echo string) {
			w.WriteHeader(400)
			_, _ = fmt.Fprintf(w, `{"code":-1022,"msg":%q}`, echo)
		},
		"text":   func(w http.ResponseWriter, echo string) { w.WriteHeader(401); _, _ = io.WriteString(w, echo) },
		"page":   func(w http.ResponseWriter, echo string) { w.WriteHeader(403); _, _ = io.WriteString(w, "<html>"+echo) },
		"200":    func(w http.ResponseWriter, echo string) { _, _ = fmt.Fprintf(w, `{"code":-1022,"msg":%q}`, echo) },
		"broken": func(w http.ResponseWriter, echo string) { _, _ = fmt.Fprintf(w, `{%q:1,%q:2}`, echo, echo) },
		"limit": func(w http.ResponseWriter, echo string) {
			w.WriteHeader(429)
			_, _ = fmt.Fprintf(w, `{"code":-1003,"msg":%q}`, echo)
		},
		"ban": func(w http.ResponseWriter, echo string) {
			w.WriteHeader(418)
			_, _ = fmt.Fprintf(w, `{"code":-1003,"msg":%q}`, echo)
		},
		"redirect": func(w http.ResponseWriter, echo string) {
			w.Header().Set("Location", "https://x.example/?"+echo)
			w.WriteHeader(302)
		},
		"abort":  func(http.ResponseWriter, string) { panic(http.ErrAbortHandler) },
		"server": func(w http.ResponseWriter, echo string) { w.WriteHeader(500); _, _ = io.WriteString(w, echo) },
	} {
		for _, signer := range []aster.Signer{demoAgent(t, "", 0), old} {
			t.Run(name+" "+string(signer.API()), func(t *testing.T) {
				t.Parallel()
				var signature atomic.Value
				signature.Store("none")
				url := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					params := r.URL.RawQuery + string(body)
					_, own, _ := strings.Cut(params, "signature=")
					signature.Store(strings.ToLower(strings.TrimPrefix(own, "0x")))
					respond(w, "got "+own+" or "+strings.ToUpper(own)+" with "+r.Header.Get("X-MBX-APIKEY")+" "+strings.ToLower(r.Header.Get("X-MBX-APIKEY")))
				})
				var logged bytes.Buffer
				logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				for _, call := range []aster.Call{balance, order} {
					client := dialled(t, url, aster.Config{Signer: signer, Attempts: 1, Logger: logger}) // a rate limit would hold up the next call
					err := client.Do(t.Context(), call, nil)
					require.Error(t, err)
					logger.ErrorContext(t.Context(), "failed", slog.Any("err", err), slog.Any("client", client), slog.Any("signer", signer))
					shown := fmt.Sprintf("%v %+v %#v %v %+v %#v", err, err, err, signer, signer, signer)
					for cause := err; cause != nil; {
						shown += fmt.Sprintf(" %v %+v %#v", cause, cause, cause)
						next, ok := cause.(interface{ Unwrap() error })
						if !ok {
							break
						}
						cause = next.Unwrap()
					}
					shown = strings.ToLower(shown + logged.String() + fmt.Sprint(client.Usage()))
					for _, text := range append(forbidden, signature.Load().(string)) {
						require.NotContains(t, shown, text)
					}
				}
			})
		}
	}
}

func TestPrintingASignedRequestShowsNothing(t *testing.T) {
	t.Parallel()
	for _, signer := range []aster.Signer{demoAgent(t, "", 0), demoHMAC(t)} {
		signed, err := signer.Sign("a=1", time.UnixMilli(5))
		require.NoError(t, err)
		text, err := signed.MarshalText()
		require.NoError(t, err)
		require.Equal(t, secret.Redacted, string(text))
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			require.Equal(t, secret.Redacted, fmt.Sprintf(format, signed))
			shown := fmt.Sprintf(format, signer)
			for _, text := range []string{hmacKey, hmacSecret, demoKey[2:], demoKey[2:20]} {
				require.NotContains(t, shown, text)
			}
		}
	}
}

// A transport whose error quotes the request.
func TestATransportThatQuotesTheRequestIsRedacted(t *testing.T) {
	t.Parallel()
	venue := quoting{}
	client := connect(t, venue, aster.Config{Signer: demoHMAC(t), Attempts: 1})
	for _, call := range []aster.Call{balance, order} {
		err := client.Do(t.Context(), call, nil)
		shown := fmt.Sprintf("%v %+v %#v", err, err, err)
		require.Contains(t, shown, "proxy refused")
		require.NotContains(t, shown, hmacKey)
		require.Contains(t, shown, secret.Redacted)
		require.NoError(t, err.(*aster.Error).Err, "the cause would show it") //nolint:errorlint // the outermost
	}
}

type quoting struct{}

func (quoting) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/time") {
		return (&scripted{}).RoundTrip(req)
	}
	return nil, fmt.Errorf("proxy refused %s of %s", req.URL, req.Header.Get("X-MBX-APIKEY"))
}
