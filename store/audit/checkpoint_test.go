package audit_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
)

func TestCheckpointsAreALineOfText(t *testing.T) {
	t.Parallel()
	c := store.Checkpoint{AccountID: "main \"x\"\né", Seq: 12, Hash: store.Genesis("main"), At: time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)}
	line := audit.FormatCheckpoint(c)
	require.Equal(t, "ballast-checkpoint v1 12 "+store.Genesis("main").String()+` 2026-03-01T12:00:00.123456Z "main \"x\"\n\u00e9"`, line)
	read, err := audit.ParseCheckpoint(line)
	require.NoError(t, err)
	require.Equal(t, c, read)

	empty := store.Checkpoint{AccountID: "a", Hash: store.Genesis("a")}
	read, err = audit.ParseCheckpoint(audit.FormatCheckpoint(empty))
	require.NoError(t, err)
	require.Equal(t, empty, read)
}

func TestParseCheckpointSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := audit.FormatCheckpoint(store.Checkpoint{AccountID: "a", Seq: 1, Hash: store.Hash{1}, At: at(0)})
	parts := strings.Split(good, " ")
	with := func(i int, text string) string {
		changed := append([]string(nil), parts...)
		changed[i] = text
		return strings.Join(changed, " ")
	}
	for line, want := range map[string]string{
		"":                 "must read",
		"hello":            "must read",
		with(0, "x"):       "must read",
		with(1, "v2"):      "version must be v1",
		with(2, "-1"):      "whole number",
		with(2, "1e3"):     "whole number",
		with(3, "00"):      "64 hexadecimal digits",
		with(3, ""):        "64 hexadecimal digits",
		with(4, "now"):     "RFC 3339",
		with(5, "a"):       "quoted",
		with(5, "`a`"):     "quoted",
		with(5, `"a" "b"`): "quoted",
		with(5, `""`):      "1 to",
		with(5, `"`+strings.Repeat("a", 5000)+`"`): "at most 4096 bytes",
	} {
		_, err := audit.ParseCheckpoint(line)
		require.ErrorIs(t, err, audit.ErrCheckpoint, line)
		require.ErrorContains(t, err, want)
	}
}

func TestFilesOfCheckpoints(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2, "a", "b")
	var file bytes.Buffer
	file.WriteString("# printed on Monday\n\n")
	require.NoError(t, audit.WriteCheckpoints(&file, f.heads))
	read, err := audit.ReadCheckpoints(&file)
	require.NoError(t, err)
	require.Equal(t, f.heads, read)
	_, err = audit.ReadCheckpoints(strings.NewReader("#\nnonsense\n"))
	require.ErrorContains(t, err, "line 2")
	_, err = audit.ReadCheckpoints(strings.NewReader(strings.Repeat("x", 1<<20)))
	require.ErrorContains(t, err, "line 1")
}

func TestSignedCheckpoints(t *testing.T) {
	t.Parallel()
	private, public, err := audit.NewKey()
	require.NoError(t, err)
	key, err := audit.ParsePrivateKey(private)
	require.NoError(t, err)
	pub, err := audit.ParsePublicKey(public)
	require.NoError(t, err)
	f := newFake(t, 2, "a", "b")
	document, err := audit.Sign(key, f.heads)
	require.NoError(t, err)
	read, err := audit.VerifySignature(pub, document)
	require.NoError(t, err)
	require.Equal(t, f.heads, read)
	read, err = audit.ReadCheckpoints(bytes.NewReader(document))
	require.NoError(t, err)
	require.Equal(t, f.heads, read, "who has no key reads them all the same")

	for i := range document[:len(document)-1] {
		changed := bytes.Clone(document)
		changed[i] ^= 1
		_, err := audit.VerifySignature(pub, changed)
		require.ErrorIs(t, err, audit.ErrSignature, "byte %d", i)
	}
	for _, changed := range [][]byte{nil, document[:len(document)/2], append(bytes.Clone(document), "more\n"...)} {
		_, err := audit.VerifySignature(pub, changed)
		require.ErrorIs(t, err, audit.ErrSignature)
	}
	_, other, err := audit.NewKey()
	require.NoError(t, err)
	pub, err = audit.ParsePublicKey(other)
	require.NoError(t, err)
	_, err = audit.VerifySignature(pub, document)
	require.ErrorIs(t, err, audit.ErrSignature)
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	private, public, err := audit.NewKey()
	require.NoError(t, err)
	for _, text := range [][]byte{nil, []byte("x"), public, bytes.ReplaceAll(private, []byte("M"), []byte("N"))} {
		_, err := audit.ParsePrivateKey(text)
		require.ErrorContains(t, err, "Ed25519 key in PEM")
	}
	for _, text := range [][]byte{nil, []byte("x"), private} {
		_, err := audit.ParsePublicKey(text)
		require.ErrorContains(t, err, "Ed25519 key in PEM")
	}
	_, err = audit.Sign(nil, nil)
	require.Error(t, err)
	_, err = audit.VerifySignature(nil, nil)
	require.Error(t, err)
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(audit.FormatCheckpoint(store.Checkpoint{AccountID: "a", Seq: 1, Hash: store.Hash{1}, At: at(0)}))
	f.Add("ballast-checkpoint v1 1")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := audit.ParseCheckpoint(line)
		if err != nil {
			require.ErrorIs(t, err, audit.ErrCheckpoint)
			return
		}
		again, err := audit.ParseCheckpoint(audit.FormatCheckpoint(c))
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
