package llmreplay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

func TestARequestRecordedNTimesGivesItsAnswersInOrder(t *testing.T) {
	t.Parallel()
	file := recording(t, []llm.Request{ask("a"), ask("b"), ask("a")}, outcome{resp: say("1")}, outcome{resp: say("2")}, outcome{resp: say("3")})
	player := open(t, file)
	for _, step := range []struct{ question, answer string }{{"a", "1"}, {"a", "3"}, {"b", "2"}} {
		got, err := player.Complete(t.Context(), ask(step.question))
		require.NoError(t, err)
		require.Equal(t, say(step.answer).Content, got.Content)
		require.True(t, say("").Usage.CostUSD.Decimal.Equal(got.Usage.CostUSD.Decimal), "every digit of the cost")
		require.Equal(t, 3*time.Second, got.Took)
	}
	_, err := player.Complete(t.Context(), ask("a"))
	requireNotRecorded(t, err, 2)
	require.EqualError(t, err, "llm: replay: config: request "+key(t, ask("a"))[:12]+" was recorded 2 times and asked once more")
	_, err = player.Complete(t.Context(), ask("c"))
	requireNotRecorded(t, err, 0)
	var missing *llmreplay.NotRecordedError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, key(t, ask("c")), missing.Key)
	require.EqualError(t, missing, "llmreplay: request "+missing.Key[:12]+" was not recorded")
}

func key(t *testing.T, req llm.Request) string {
	t.Helper()
	key, err := llmreplay.Key(req)
	require.NoError(t, err)
	return key
}

func TestAKeyDependsOnEveryMemberAndOnContentAlone(t *testing.T) {
	t.Parallel()
	seen := map[string]string{key(t, ask("a")): "itself"}
	seed := int64(7)
	for name, change := range map[string]func(*llm.Request){
		"model":       func(r *llm.Request) { r.Model = "other" },
		"messages":    func(r *llm.Request) { r.Messages = append(r.Messages, r.Messages...) },
		"role":        func(r *llm.Request) { r.Messages = []llm.Message{{Role: llm.RoleSystem, Content: "a"}} },
		"schema":      func(r *llm.Request) { r.Schema = nil },
		"schema text": func(r *llm.Request) { r.Schema = &llm.Schema{Name: "s_v1", JSON: []byte(`{"type":"array"}`)} },
		"temperature": func(r *llm.Request) { r.Temperature.Valid = false },
		"max tokens":  func(r *llm.Request) { r.MaxTokens = 200 },
		"seed":        func(r *llm.Request) { r.Seed = &seed },
		"user":        func(r *llm.Request) { r.User = "u" },
	} {
		req := ask("a")
		change(&req)
		k := key(t, req)
		require.Empty(t, seen[k], "%s makes no difference", name)
		seen[k] = name
	}
	same := ask("a")
	same.Temperature.Decimal = same.Temperature.Decimal.Add(same.Temperature.Decimal.Shift(-1)).Sub(same.Temperature.Decimal.Shift(-1)) // 0.70
	same.Schema = &llm.Schema{Name: "s_v1", JSON: []byte("{\n\"type\":\"object\"}")}
	require.Equal(t, key(t, ask("a")), key(t, same))
}

func TestErrorsComeBackEqual(t *testing.T) {
	t.Parallel()
	full := llm.Error{
		Kind: llm.KindRateLimited, Endpoint: "openrouter.ai", Model: "test/model", Status: 429, Message: "slow down", Wait: 40 * time.Second, GenerationID: "gen-9",
	}
	timeout := llm.Error{Kind: llm.KindTimeout, Endpoint: "e", Message: "late", Err: context.DeadlineExceeded}
	caused := full
	caused.Err = errors.New("a cause whose text is not recorded: sk-secret")
	for name, c := range map[string]struct{ err, want error }{
		"whole":                   {&full, &full},
		"with a context's error":  {&timeout, &timeout},
		"a cause is dropped":      {&caused, &full},
		"wrapped by a decorator":  {fmt.Errorf("breaker: %w", &full), &full},
		"joined by a failover":    {errors.Join(&full, &timeout), func() error { e := full; e.Err = context.DeadlineExceeded; return &e }()},
		"cancelled":               {fmt.Errorf("openrouter: %w", context.Canceled), fmt.Errorf("llmreplay: %w", context.Canceled)},
		"deadline":                {context.DeadlineExceeded, fmt.Errorf("llmreplay: %w", context.DeadlineExceeded)},
		"of a type nobody knows":  {errors.New("sk-secret"), &llmreplay.OtherError{Type: "*errors.errorString"}},
		"every kind: malformed":   {&llm.Error{Kind: llm.KindMalformed}, &llm.Error{Kind: llm.KindMalformed}},
		"every kind: model":       {&llm.Error{Kind: llm.KindModel}, &llm.Error{Kind: llm.KindModel}},
		"every kind: blocked":     {&llm.Error{Kind: llm.KindPayment, Status: 402}, &llm.Error{Kind: llm.KindPayment, Status: 402}},
		"every kind: transport":   {&llm.Error{Kind: llm.KindTransport}, &llm.Error{Kind: llm.KindTransport}},
		"every kind: server, 200": {&llm.Error{Kind: llm.KindServer, Status: 502}, &llm.Error{Kind: llm.KindServer, Status: 502}},
	} {
		file := recording(t, []llm.Request{ask(name)}, outcome{err: c.err})
		require.NotContains(t, string(file), "sk-secret", name)
		got, err := open(t, file).Complete(t.Context(), ask(name))
		require.Equal(t, c.want, err, name)
		require.Equal(t, llm.Response{}, got)
	}
	require.EqualError(t, &llmreplay.OtherError{Type: "*a.B"}, `llmreplay: the recorded call failed with a "*a.B", of which nothing else was recorded`)
}

// A member that llm.Error gains later must be recorded as well.
func TestEveryMemberOfAnErrorComesBack(t *testing.T) {
	t.Parallel()
	full := llm.Error{Err: context.Canceled}
	value := reflect.ValueOf(&full).Elem()
	for i := range value.NumField() {
		switch field := value.Field(i); field.Kind() {
		case reflect.String:
			field.SetString("server") // a kind as well as a text
		case reflect.Int, reflect.Int64:
			field.SetInt(7)
		case reflect.Bool:
			field.SetBool(true)
		default:
			require.Equal(t, "Err", value.Type().Field(i).Name, "say in describe what is recorded of it")
		}
	}
	_, err := open(t, recording(t, []llm.Request{ask("a")}, outcome{err: &full})).Complete(t.Context(), ask("a"))
	require.Equal(t, &full, err)
}

func TestEveryRecordingReplaysAsItWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var reqs []llm.Request
		var outcomes []outcome
		for range rapid.IntRange(0, 12).Draw(t, "calls") {
			reqs = append(reqs, ask(rapid.SampledFrom([]string{"a", "b", "é\n\u2028"}).Draw(t, "question")))
			o := outcome{resp: say(rapid.String().Draw(t, "answer"))}
			if rapid.Bool().Draw(t, "fails") {
				status := rapid.IntRange(0, 599).Draw(t, "status")
				o = outcome{err: &llm.Error{Kind: llm.KindServer, Status: status, Message: rapid.String().Draw(t, "message")}}
			}
			outcomes = append(outcomes, o)
		}
		write := func() []byte {
			var file bytes.Buffer
			recorder := llmreplay.Record(scripted(outcomes...), &file)
			recorder.Now = stopped
			for _, req := range reqs {
				_, _ = recorder.Complete(context.Background(), req)
			}
			require.NoError(t, recorder.Err())
			return file.Bytes()
		}
		file := write()
		require.Equal(t, file, write(), "equal calls, equal bytes")
		player, err := llmreplay.Open(bytes.NewReader(file))
		require.NoError(t, err)
		var again bytes.Buffer
		recorder := llmreplay.Record(player, &again)
		recorder.Now = stopped
		for i, req := range reqs {
			resp, err := recorder.Complete(context.Background(), req)
			require.Equal(t, outcomes[i].err, err)
			require.Equal(t, outcomes[i].resp.Content, resp.Content)
		}
		require.Equal(t, file, again.Bytes(), "a replay that is recorded is the recording")
	})
}

func TestAnEndedContextUsesNoAnswerUp(t *testing.T) {
	t.Parallel()
	player := open(t, recording(t, []llm.Request{ask("a")}, outcome{resp: say("1")}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := player.Complete(ctx, ask("a"))
	require.ErrorIs(t, err, context.Canceled)
	got, err := player.Complete(t.Context(), ask("a"))
	require.NoError(t, err)
	require.Equal(t, "1", got.Content)
}

func TestConcurrentCallersShareARecordingAndARecorder(t *testing.T) {
	t.Parallel()
	const callers, each = 16, 20
	var file bytes.Buffer
	echo := llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		return say(req.Messages[0].Content), nil
	})
	recorder := llmreplay.Record(echo, &file)
	all := func(client llm.Client, check func(question string, got llm.Response, err error)) {
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for i := range each {
					question := strconv.Itoa(i)
					got, err := client.Complete(t.Context(), ask(question))
					check(question, got, err)
				}
			})
		}
		group.Wait()
	}
	check := func(question string, got llm.Response, err error) {
		if err != nil || got.Content != question {
			t.Errorf("question %s: %q, %v", question, got.Content, err)
		}
	}
	all(recorder, check)
	require.NoError(t, recorder.Err())
	require.Equal(t, 1+callers*each, bytes.Count(file.Bytes(), []byte("\n")))
	player := open(t, file.Bytes())
	all(player, check)
	_, err := player.Complete(t.Context(), ask("0"))
	requireNotRecorded(t, err, callers)
}

func TestTookIsMeasured(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	now := stopped()
	recorder := llmreplay.Record(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		now = now.Add(1500 * time.Millisecond)
		return llm.Response{}, &llm.Error{Kind: llm.KindServer}
	}), &file)
	recorder.Now = func() time.Time { return now }
	_, err := recorder.Complete(t.Context(), ask("a"))
	require.Error(t, err)
	require.True(t, strings.HasSuffix(file.String(), `"error":{"kind":"server"},"took_ns":1500000000}`+"\n"), file.String())
}

func TestARequestThatCannotBeEncodedIsNotRecorded(t *testing.T) {
	t.Parallel()
	bad := ask("\xff")
	_, err := llmreplay.Key(bad)
	require.ErrorContains(t, err, "llmreplay: request: ")
	_, err = open(t, recording(t, nil)).Complete(t.Context(), bad)
	requireNotRecorded(t, err, 0)
	require.ErrorContains(t, err, "cannot be encoded")
}

func TestThePackageContainsNoTransport(t *testing.T) {
	t.Parallel()
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		require.NoError(t, err)
		return strings.Fields(string(out))
	}
	own := list("-f", `{{join .Imports "\n"}}`, ".")
	require.Contains(t, own, "github.com/ballast-go/ballast/llm")
	for _, path := range own {
		require.False(t, path == "net" || strings.HasPrefix(path, "net/"), "%s: an unknown request could reach a network", path)
	}
	deps := list("-deps", ".")
	require.Contains(t, deps, "github.com/ballast-go/ballast/llm")
	require.NotContains(t, deps, "net/http")
	require.NotContains(t, deps, "crypto/tls")
}
