package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
)

// vector is a file of the test vectors, which are never written anew: they are
// what released versions wrote.
func vector(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "vector", name))
	require.NoError(t, err)
	return data
}

// page is docs/record.md, which names the vectors' hashes.
func page(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "record.md"))
	require.NoError(t, err)
	return string(data)
}

func TestVectorsOfTheSpecification(t *testing.T) {
	t.Parallel()
	text := page(t)
	var series marketdata.Series
	raw := vector(t, "series_5d337370.json")
	require.NoError(t, series.UnmarshalJSON(raw))
	require.Equal(t, sha256.Sum256(raw), series.Digest())
	require.Contains(t, text, "| `series_5d337370.json` | `"+hex.EncodeToString(digestOf(raw))+"` |")

	previous := store.Genesis("acct-1")
	require.Contains(t, text, "| `GENESIS` of `acct-1` | `"+previous.String()+"` |")
	var file bytes.Buffer
	for n := int64(1); n <= 2; n++ {
		c := decision.Canonical{Body: vector(t, fmt.Sprintf("body_%d.json", n)), Series: []marketdata.Series{series}}
		record, err := c.Record()
		require.NoError(t, err)
		again, err := record.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(c.Body), string(again.Body), "read and written by this version")

		link := store.Link{Seq: n, Previous: previous, Digest: store.Hash(c.Digest())}
		link.Hash = store.Next(previous, n, link.Digest)
		previous = link.Hash
		require.Contains(t, text, fmt.Sprintf("| `body_%d.json`, digest of link %d | `%s` |", n, n, link.Digest))
		require.Contains(t, text, fmt.Sprintf("| `HASH(%d)` | `%s` |", n, link.Hash))
		require.NoError(t, audit.WriteLine(&file, store.Chained{AccountID: "acct-1", Link: link, Canonical: c}))
	}
	require.Equal(t, string(vector(t, "export.jsonl")), file.String())

	checkpoints, err := audit.ReadCheckpoints(bytes.NewReader(vector(t, "checkpoint.txt")))
	require.NoError(t, err)
	report, err := audit.VerifyExport(t.Context(), &file, audit.Options{Checkpoints: checkpoints})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Equal(t, checkpoints, report.Checkpoints())
}

func digestOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// The program on the page knows nothing of this module, so it is a second
// opinion on every export.
func TestTheProgramOfTheSpecificationAgrees(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run the program of docs/record.md with")
	}
	_, program, found := strings.Cut(page(t), "```python\n")
	require.True(t, found)
	program, _, found = strings.Cut(program, "\n```")
	require.True(t, found)
	dir := t.TempDir()
	script := filepath.Join(dir, "verify.py")
	require.NoError(t, os.WriteFile(script, []byte(program), 0o600))
	run := func(lines []string) (string, error) {
		file := filepath.Join(dir, "export.jsonl")
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600))
		out, err := exec.CommandContext(t.Context(), python, script, file).CombinedOutput()
		return string(out), err
	}
	out, err := run(strings.SplitAfter(string(vector(t, "export.jsonl")), "\n"))
	require.NoError(t, err, out)
	require.Contains(t, string(vector(t, "checkpoint.txt")), strings.TrimSpace(strings.TrimPrefix(out, "acct-1 ")))

	f := newFake(t, 3, "a", "b\"é")
	out, err = run(export(t, f, 3, "a", "b\"é"))
	require.NoError(t, err, out)
	for _, head := range f.heads {
		require.Contains(t, out, fmt.Sprintf("%s 3 %s\n", head.AccountID, head.Hash))
	}
	for _, edit := range [][2]string{{"1250.55", "1250.56"}, {"64100.5", "64100.6"}, {`"schema":1`, `"schema":7`}, {`"seq":2`, `"seq":3`}} {
		lines := export(t, f, 3, "a")
		lines[1] = strings.Replace(lines[1], edit[0], edit[1], 1)
		out, err = run(lines)
		require.Error(t, err)
		require.Contains(t, out, "a: link 2 is not as it was written")
	}
}
