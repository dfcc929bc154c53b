package llmreplay_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmreplay"
)

func TestOpenRefusesWhatNoRecorderWrites(t *testing.T) {
	t.Parallel()
	good := string(recording(t, []llm.Request{ask("a"), ask("b")}, outcome{resp: say("1")}, outcome{err: &llm.Error{Kind: llm.KindServer, Wait: 7}}))
	lines := strings.SplitAfter(good, "\n")
	change := func(line int, from, to string) string {
		require.Contains(t, lines[line-1], from)
		out := append([]string{}, lines...)
		out[line-1] = strings.Replace(out[line-1], from, to, 1)
		return strings.Join(out, "")
	}
	for name, c := range map[string]struct {
		file    string
		line    int
		message string
	}{
		"empty":                    {"", 1, "is missing"},
		"another format":           {change(1, "ballast-llm", "har"), 1, `was "har", 1`},
		"a newer schema":           {change(1, `:1}`, `:2}`), 1, `was "ballast-llm", 2`},
		"no header":                {lines[1], 1, "unknown"},
		"header twice":             {lines[0] + lines[0], 2, "unknown"},
		"empty line":               {lines[0] + "\n" + lines[1], 2, "EOF"},
		"not JSON":                 {lines[0] + "hello\n", 2, "invalid"},
		"cut":                      {good[:len(good)-20], 3, "EOF"},
		"two values in a line":     {change(2, "}\n", "}{}\n"), 2, "after"},
		"unknown member":           {change(2, `{"key"`, `{"api_key":"x","key"`), 2, "api_key"},
		"unknown member of an ask": {change(2, `"request":{`, `"request":{"api_key":"x",`), 2, "api_key"},
		"duplicate member":         {change(2, `"took_ns":0}`, `"took_ns":0,"took_ns":0}`), 2, "duplicate"},
		"invalid UTF-8":            {change(2, `"content":"a"`, "\"content\":\"\xff\""), 2, "UTF-8"},
		"key of another request":   {change(2, `"content":"a"`, `"content":"c"`), 2, "key must be the request's"},
		"schema that is no JSON":   {change(2, `"json":{`, `"json":[{`), 2, "invalid"},
		"no outcome":               {change(2, `"response"`, `"error":null,"response":null,"x"`), 2, "unknown"},
		"neither outcome":          {change(3, `"error":{"kind":"server","wait_ns":7},`, ""), 3, "either a response or an error"},
		"both outcomes":            {change(2, `"response":{`, `"error":{"kind":"server"},"response":{`), 2, "either a response or an error"},
		"negative duration":        {change(3, `"took_ns":0}`, `"took_ns":-1}`), 3, "took_ns must not be negative, was -1"},
		"negative wait":            {change(3, `"wait_ns":7`, `"wait_ns":-7`), 3, "wait_ns must not be negative, was -7"},
		"unknown kind":             {change(3, `"server"`, `"cosmic"`), 3, `"cosmic"`},
		"unknown context":          {change(3, `"wait_ns":7`, `"context":"lost"`), 3, `must be canceled or deadline_exceeded, was "lost"`},
		"error of nothing":         {change(3, `"kind":"server","wait_ns":7`, ""), 3, "a kind, a context or else a type"},
		"error of both":            {change(3, `"wait_ns":7`, `"type":"*a.B"`), 3, "a kind, a context or else a type"},
		"message without a kind":   {change(3, `"kind":"server","wait_ns":7`, `"type":"*a.B","message":"sk"`), 3, "must have a kind"},
		"hostile exponent":         {change(2, `0.0000001234567890123456789`, `1e999999999`), 2, "not a decimal"},
	} {
		player, err := llmreplay.Open(strings.NewReader(c.file))
		require.Nil(t, player, name)
		var bad *llmreplay.LineError
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, c.line, bad.Line, "%s: %v", name, err)
		require.ErrorContains(t, err, c.message, name)
		require.ErrorIs(t, err, bad.Err)
	}
	for name, file := range map[string]string{"no last line end": strings.TrimSuffix(good, "\n"), "CR LF": strings.ReplaceAll(good, "\n", "\r\n")} {
		_, err := llmreplay.Open(strings.NewReader(file))
		require.NoError(t, err, name)
	}
}

func TestOpenReportsAReaderThatFails(t *testing.T) {
	t.Parallel()
	failed := errors.New("disk on fire")
	_, err := llmreplay.Open(iotest.ErrReader(failed))
	require.ErrorIs(t, err, failed)
	var bad *llmreplay.LineError
	require.NotErrorAs(t, err, &bad)
}

func TestARecordingIsBounded(t *testing.T) {
	t.Parallel()
	file := recording(t, []llm.Request{ask("a"), ask("a"), ask("b")}, outcome{resp: say("1")}, outcome{resp: say("2")}, outcome{resp: say("3")})
	longest, size := 0, int64(len(file))
	for line := range bytes.Lines(file) {
		longest = max(longest, len(line)-1)
	}
	for name, c := range map[string]struct {
		line, calls int
		file        int64
		at          int
		message     string
	}{
		"at every bound": {longest, 3, size, 0, ""},
		"long line":      {longest - 1, 3, size, 2, "must have at most"},
		"longer line":    {longest / 2, 3, size, 2, "must have at most"},
		"many calls":     {longest, 2, size, 4, "at most 2 calls"},
		"large file":     {longest, 3, size - 1, 4, "must end within"},
	} {
		_, opened := llmreplay.OpenBounded(bytes.NewReader(file), c.line, c.calls, c.file)
		var out bytes.Buffer
		recorder := llmreplay.RecordBounded(scripted(outcome{resp: say("1")}, outcome{resp: say("2")}, outcome{resp: say("3")}), &out, c.line, c.calls, c.file)
		recorder.Now = stopped
		for i, question := range []string{"a", "a", "b"} {
			got, err := recorder.Complete(t.Context(), ask(question))
			require.NoError(t, err, "the answer was paid for")
			require.Equal(t, string(rune('1'+i)), got.Content)
		}
		for _, err := range []error{opened, recorder.Err()} {
			if c.at == 0 {
				require.NoError(t, err, name)
				continue
			}
			var bad *llmreplay.LineError
			require.ErrorAs(t, err, &bad, name)
			require.Equal(t, c.at, bad.Line, name)
			require.ErrorContains(t, err, c.message, name)
		}
		_, err := llmreplay.OpenBounded(&out, c.line, c.calls, c.file)
		require.NoError(t, err, "%s: what was written can be read", name)
	}
}

// full takes some writes and fails from then on.
type full struct {
	io.Writer
	left int
}

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left")
	}
	return f.Writer.Write(p)
}

func TestAFailedWriteEndsTheRecordingAndIsKept(t *testing.T) {
	t.Parallel()
	for taken := range 4 {
		var file bytes.Buffer
		recorder := llmreplay.Record(scripted(outcome{resp: say("1")}, outcome{resp: say("2")}), &full{&file, taken})
		for _, want := range []string{"1", "2"} {
			got, err := recorder.Complete(t.Context(), ask("a"))
			require.NoError(t, err)
			require.Equal(t, want, got.Content)
		}
		require.Equal(t, taken, bytes.Count(file.Bytes(), []byte("\n")))
		if taken == 3 {
			require.NoError(t, recorder.Err())
			continue
		}
		require.EqualError(t, recorder.Err(), "llmreplay: line "+string(rune('1'+taken))+": no space left")
	}
}

func TestACallThatNoRecordingCanHoldIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		req llm.Request
		out outcome
	}{
		"prompt of bytes":       {ask("\xff"), outcome{resp: say("1")}},
		"answer of bytes":       {ask("a"), outcome{resp: say("\xff")}},
		"a kind of one's own":   {ask("a"), outcome{err: &llm.Error{Kind: "cosmic"}}},
		"an error without kind": {ask("a"), outcome{err: &llm.Error{Message: "m"}}},
	} {
		var file bytes.Buffer
		recorder := llmreplay.Record(scripted(c.out, c.out), &file)
		for range 2 {
			got, err := recorder.Complete(t.Context(), c.req)
			require.Equal(t, c.out.resp, got, name)
			require.Equal(t, c.out.err, err, name)
		}
		var bad *llmreplay.LineError
		require.ErrorAs(t, recorder.Err(), &bad, name)
		require.Equal(t, 2, bad.Line, name)
		require.Equal(t, 1, strings.Count(file.String(), "\n"), "%s: the header alone", name)
	}
}
