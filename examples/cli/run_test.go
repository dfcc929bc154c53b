package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what one run of the program left behind.
type result struct {
	code           int
	stdout, stderr string
}

func ballast(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	return ballastReading(t, "", env, args...)
}

// ballastReading has the text as its stdin.
// Without a DATABASE_URL nothing is recorded.
func ballastReading(t *testing.T, stdin string, env map[string]string, args ...string) result {
	t.Helper()
	if _, given := env["DATABASE_URL"]; !given {
		env = maps.Clone(env)
		if env == nil {
			env = map[string]string{}
		}
		env["DATABASE_URL"] = "memory:"
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, env, time.Now, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// fails requires one clear line on stderr and nothing else.
func (r result) fails(t *testing.T, code int, line string) {
	t.Helper()
	require.Equal(t, "ballast: "+line+"\n", r.stderr)
	require.Equal(t, code, r.code)
	require.Empty(t, r.stdout)
}

func (r result) succeeds(t *testing.T) string {
	t.Helper()
	require.Empty(t, r.stderr)
	require.Equal(t, exitOK, r.code)
	return r.stdout
}

// object is a JSON object with its numbers as they are written.
type object map[string]any

func decode(t *testing.T, text string) object {
	t.Helper()
	var v object
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&v), text)
	require.False(t, decoder.More())
	return v
}

// at walks down to an object.
func (o object) at(t *testing.T, path ...string) object {
	t.Helper()
	for _, name := range path {
		next, ok := o[name].(map[string]any)
		require.True(t, ok, "%s in %v", name, o)
		o = next
	}
	return o
}

func (o object) keys() []string {
	keys := make([]string, 0, len(o))
	for k := range maps.Keys(o) {
		keys = append(keys, k)
	}
	return keys
}

const header = "open_time_ms,open,high,low,close,volume,quote_volume"

// firstOpen is the open time of the first row that candles writes.
func firstOpen() time.Time { return time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC) }

// rows is a header and n hourly candles around 100, the last of them a crash
// to 60 that closes at 100.
func rows(n int) []string {
	out := []string{header}
	for i := range n {
		low := "99"
		if i == n-1 {
			low = "60"
		}
		out = append(out, fmt.Sprintf("%d,100,%d,%s,100,10,1000", firstOpen().Add(time.Duration(i)*time.Hour).UnixMilli(), 101+i%3, low))
	}
	return out
}

// folder has a file of 400 candles for each symbol.
func folder(t *testing.T, symbols ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, s := range symbols {
		write(t, filepath.Join(dir, s+".csv"), rows(400)...)
	}
	return dir
}

func write(t *testing.T, path string, lines ...string) {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
}

// lastClose is when the last of the 400 candles closes.
func lastClose() time.Time { return firstOpen().Add(400 * time.Hour) }

func csvArgs(command, dir string, at time.Time, more ...string) []string {
	return append([]string{command, "--market", "csv", "--data", dir, "--at", at.Format(time.RFC3339)}, more...)
}

var decisionID = regexp.MustCompile(`(decision id )[A-Z2-7]{26}`)

// golden compares text with a file, leaving out what is different each time.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = decisionID.ReplaceAllString(text, "${1}(random)")
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to make it")
	require.Equal(t, string(want), text)
}

func TestHelpIsNotAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"decide", "--help"}, {"score", "--help"}, {"validate", "--help"}, {"market", "--help"}, {"market", "symbols", "--help"}, {"strategies", "--help"}, {"strategies", "check", "--help"}, {"breakers", "--help"}} {
		out := ballast(t, nil, args...).succeeds(t)
		require.Contains(t, out, "Usage: ballast")
	}
}

func TestAnInterruptedRunPrintsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"decide"}, map[string]string{"DATABASE_URL": "memory:"}, time.Now, strings.NewReader(""), &stdout, &stderr)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout.String())
	require.Equal(t, "ballast: interrupted\n", stderr.String())
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"strategies"}, nil, time.Now, strings.NewReader(""), brokenWriter{}, &stderr)
	require.Equal(t, exitFailed, code)
	require.Equal(t, "ballast: broken pipe\n", stderr.String())
}
