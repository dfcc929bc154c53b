package llmreplay_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/secret"
)

const apiKey = "sk-or-v1-0123456789abcdef0123456789abcdef"

// A provider that answers and fails in every way leaves no key in a recording,
// and the prompt in requests alone.
func TestARecordingThroughARealClientHoldsNoKey(t *testing.T) {
	t.Parallel()
	steps := []llmtest.Step{
		llmtest.Answer(`{"a":1}`), llmtest.Unauthorized(), llmtest.Moderation(), llmtest.HTML502(), llmtest.Error200C(), llmtest.Reset(),
		llmtest.Status(401, "no such key: "+apiKey), llmtest.Status(400, "cannot read a question about BTCUSDT and my position"), llmtest.LoginPage(),
	}
	server, err := llmtest.Start(llmtest.Config{Steps: steps, Key: secret.New(apiKey)})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := openrouter.New(openrouter.Config{APIKey: secret.New(apiKey), BaseURL: server.URL(), Model: "test/model", Dialect: openrouter.OpenRouter()})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)

	var file bytes.Buffer
	recorder := llmreplay.Record(client, &file)
	failed := 0
	for range steps {
		if _, err := recorder.Complete(t.Context(), ask("a question about BTCUSDT and my position")); err != nil {
			failed++
		}
	}
	require.NoError(t, recorder.Err())
	require.Equal(t, len(steps)-1, failed)
	for _, form := range []string{apiKey, apiKey[10:30], base64.StdEncoding.EncodeToString([]byte(apiKey)), "Bearer", "uthorization"} {
		require.NotContains(t, file.String(), form)
	}
	for line := range strings.Lines(file.String()) {
		var call map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(line), &call))
		delete(call, "request")
		rest, err := json.Marshal(call)
		require.NoError(t, err)
		require.NotContains(t, string(rest), "my position", "the prompt is in requests alone")
	}
}

func TestARecordingKeepsTheAccountAndTheKeysOfMessagesOut(t *testing.T) {
	t.Parallel()
	req := ask("a")
	req.Account = "customer-4711"
	failure := &llm.Error{Kind: llm.KindServer, Message: "cannot use " + apiKey + ", nor Bearer\nabcdefghijklmnop or eyJhbGciOiJIUzI1NiJ9.e30.x of risk-management"}
	file := recording(t, []llm.Request{req}, outcome{err: failure})
	require.NotContains(t, string(file), "4711")
	require.NotContains(t, string(file), apiKey)
	require.NotContains(t, string(file), "abcdefghijklmnop")
	require.NotContains(t, string(file), "hbGciOiJIUzI1NiJ9")
	require.Contains(t, failure.Message, apiKey, "the caller's error is as it was")
	_, err := open(t, file).Complete(t.Context(), ask("a"))
	require.ErrorContains(t, err, "cannot use [redacted], nor [redacted] or [redacted] of risk-management", "the account is no part of the key")
}

func TestARecordingWithAnAccountIsRefused(t *testing.T) {
	t.Parallel()
	file := recording(t, []llm.Request{ask("a")}, outcome{resp: say("1")})
	with := strings.Replace(string(file), `"request":{`, `"request":{"account":"1",`, 1)
	require.NotEqual(t, string(file), with)
	_, err := llmreplay.Open(strings.NewReader(with))
	require.EqualError(t, err, "llmreplay: line 2: request.account must be empty")
}

// secretsIn lists the paths to secret.Values in a type.
func secretsIn(of reflect.Type, path string, seen map[reflect.Type]bool) []string {
	if of == reflect.TypeFor[secret.Value]() {
		return []string{path}
	}
	if seen[of] {
		return nil
	}
	seen[of] = true
	var found []string
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		found = secretsIn(of.Elem(), path, seen)
	case reflect.Map:
		found = append(secretsIn(of.Key(), path, seen), secretsIn(of.Elem(), path, seen)...)
	case reflect.Struct:
		for i := range of.NumField() {
			found = append(found, secretsIn(of.Field(i).Type, path+"."+of.Field(i).Name, seen)...)
		}
	case reflect.Interface:
		found = []string{path + " (holds anything)"}
	default:
	}
	return found
}

func TestNothingThatIsRecordedCanHoldASecret(t *testing.T) {
	t.Parallel()
	type inner struct{ Key []secret.Value }
	require.Equal(t, []string{".Deep.Key", ".Any (holds anything)"}, secretsIn(reflect.TypeFor[struct {
		Deep map[string]*inner
		Any  any
	}](), "", map[reflect.Type]bool{}), "the search finds them")
	require.Empty(t, secretsIn(reflect.TypeFor[llm.Request](), "Request", map[reflect.Type]bool{}))
	require.Empty(t, secretsIn(reflect.TypeFor[llm.Response](), "Response", map[reflect.Type]bool{}))
}
