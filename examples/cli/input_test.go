package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAMemberIsTakenOutOfTheTopOfADocumentAlone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"x":2,"b":3}`:           `{"a":1,"b":3}`,
		` { "x" : {"x":[1,2]} , "a":1}`: ` { "a":1}`,
		`{"a":1 , "x":"y,}" }`:          `{"a":1 }`,
		`{"x":null}`:                    `{}`,
		`{"a":{"x":1}}`:                 `{"a":{"x":1}}`,
		`{"x":1,"x":2}`:                 `{"x":1,"x":2}`, // its reader complains
		`{"a":1,"x":2} {}`:              `{"a":1,"x":2} {}`,
		`{"a":1,"x":2`:                  `{"a":1,"x":2`,
		`["x"]`:                         `["x"]`,
		`"x"`:                           `"x"`,
		``:                              ``,
		`{"a":1,"x":}`:                  `{"a":1,"x":}`,
	} {
		require.Equal(t, strings.ReplaceAll(want, " ", ""), strings.ReplaceAll(string(without([]byte(in), "x")), " ", ""), in)
	}
}

func TestADecisionIsFoundWhereverItMayStand(t *testing.T) {
	t.Parallel()
	const entry = `{"asset":"BTCUSDT","action":"hold"}`
	for name, text := range map[string]string{
		"bare":      `{"decisions":[` + entry + `]}`,
		"an answer": `{"context":{"decision":1},"decision":{"decisions":[` + entry + `]}}`,
		"escaped":   `{"d\u0065cision":{"decisions":[` + entry + `]}}`,
	} {
		got, err := parseDecision([]byte(text))
		require.NoError(t, err, name)
		require.Len(t, got.Decisions, 1, name)
	}
	for name, text := range map[string]string{
		"both":       `{"decisions":[` + entry + `],"decision":{"decisions":[` + entry + `]}}`,
		"twice":      `{"decision":{"decisions":[` + entry + `]},"decision":{"decisions":[` + entry + `]}}`,
		"null":       `{"decision":null}`,
		"a text":     `{"decision":"{}"}`,
		"too deep":   `{"decision":{"decision":{"decisions":[` + entry + `]}}}`,
		"deep array": `{"decision":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
	} {
		_, err := parseDecision([]byte(text))
		require.Error(t, err, name)
	}
}

func FuzzParseDecision(f *testing.F) {
	f.Add([]byte(`{"decision":{"decisions":[{"asset":"BTCUSDT","action":"hold"}]}}`), "decision")
	f.Add([]byte(`{"x":1,"a":[{}]} `), "x")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		before := bytes.Clone(data)
		if d, err := parseDecision(data); err == nil {
			require.NotEmpty(t, d.Decisions)
		}
		all := members(data)
		rest := without(data, name)
		require.Equal(t, before, data, "the document is not written to")
		if one(all, name) >= 0 {
			require.Len(t, members(rest), len(all)-1)
			require.Negative(t, one(members(rest), name))
		} else {
			require.Equal(t, data, rest)
		}
	})
}

func TestStdinThatNeverEndsCanBeInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"validate", "-"}, {"strategies", "check", "-"}} {
		stdin, typing := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var stdout, stderr bytes.Buffer
		code := make(chan int)
		go func() {
			code <- run(ctx, args, map[string]string{"DATABASE_URL": "memory:"}, time.Now, stdin, &stdout, &stderr)
		}()
		_, err := typing.Write([]byte("{")) // it is being read
		require.NoError(t, err)
		cancel()
		require.Equal(t, exitFailed, <-code)
		require.NoError(t, typing.Close())
		require.Empty(t, stdout.String())
		require.Equal(t, "ballast: interrupted\n", stderr.String())
	}
}

func TestStdinThatCannotBeReadIsUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stdin io.Reader
		line  string
	}{
		{iotest.ErrReader(errors.New("input/output error")), "stdin: input/output error"},
		{zeros{}, "stdin: must be at most 4194304 bytes, was more"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"validate", "-"}, map[string]string{"DATABASE_URL": "memory:"}, time.Now, tc.stdin, &stdout, &stderr)
		result{code, stdout.String(), stderr.String()}.fails(t, exitUsage, tc.line)
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
