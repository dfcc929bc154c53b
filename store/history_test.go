package store_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestCursorsReadBack(t *testing.T) {
	t.Parallel()
	p, err := store.ParseCursor("")
	require.NoError(t, err)
	require.Zero(t, p)
	rapid.Check(t, func(t *rapid.T) {
		want := store.Position{
			At: time.UnixMicro(rapid.Int64Range(-62135596800_000_000, 253402300799_999_999).Draw(t, "at")).UTC(),
			ID: rapid.StringN(1, -1, store.MaxIDBytes).Draw(t, "id"),
		}
		got, err := store.ParseCursor(want.Cursor())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	for name, cursor := range map[string]string{
		"no id": store.Position{At: noon()}.Cursor(), "not base64": "!", "padding": store.Position{ID: "x", At: noon()}.Cursor() + "=",
		"a late year": store.Position{At: time.UnixMicro(1<<63 - 1), ID: "x"}.Cursor(), "an early year": store.Position{At: time.UnixMicro(-1 << 63), ID: "x"}.Cursor(),
		"not UTF-8": store.Position{At: noon(), ID: "\xff"}.Cursor(), "long": strings.Repeat("A", 500),
	} {
		_, err := store.ParseCursor(cursor)
		require.ErrorIs(t, err, store.ErrCursor, name)
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(store.Position{At: noon(), ID: "r1"}.Cursor())
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := store.ParseCursor(cursor)
		if err != nil {
			require.ErrorIs(t, err, store.ErrCursor)
			return
		}
		if cursor != "" {
			require.Equal(t, cursor, p.Cursor(), "one position, one cursor")
		}
	})
}

func TestKeysOfDifferentIdentitiesDiffer(t *testing.T) {
	t.Parallel()
	require.Equal(t, `a\\0\0`, store.Key("a\\0\x00"))
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringOf(rapid.SampledFrom([]rune("a0\\\x00%é"))).Draw(t, "id")
		require.NotContains(t, store.Key(id), "\x00")
		require.Equal(t, id, store.FromKey(store.Key(id)))
	})
}

func TestProjectIsOfTheRecordAlone(t *testing.T) {
	t.Parallel()
	r := storetest.Sample("r\x00", storetest.Start().Add(999).In(time.FixedZone("CET", 3600)))
	r.Input.Account.ID, r.Input.Strategy.ID, r.Result.Reason = "a\x00", "s\x00", "why\x00\xff"
	r.Result.Decision.Decisions[0].Asset, r.Result.Decision.Decisions[0].Rationale = "B\x00", "B\x00"
	r.Result.Took = 1600*time.Millisecond + 999
	r.Result.Tried = []llm.Attempt{{Model: "m\x00", Took: 999, Usage: llm.Usage{PromptTokens: 1, ReasoningTokens: 2, CachedTokens: 3}}}
	row, err := store.Project(r)
	require.NoError(t, err)
	require.Equal(t, storetest.Start(), row.At)
	require.Equal(t, storetest.Start(), row.Decision.Timestamp)
	require.Equal(t, []string{"r\x00", "a\x00", "s\x00", "B\x00"}, []string{row.ID, row.AccountID, row.StrategyID, row.Decision.Decisions[0].Asset})
	require.Equal(t, []string{"why\uFFFD\uFFFD", "B\uFFFD", "m\uFFFD"}, []string{row.Reason, row.Decision.Decisions[0].Rationale, row.Calls[0].Model})
	require.Equal(t, 1600*time.Millisecond, row.Took)
	require.Equal(t, llm.Attempt{Model: "m\uFFFD", Usage: llm.Usage{PromptTokens: 1}}, row.Calls[0])
	require.False(t, row.IsValid())

	r.Result.Decision.Decisions[1].OrderAdjustment.AdjustTP = true
	r.Result.Refused[0].Violations[0].Rule = "X"
	r.Result.Tried[0].Model = "X"
	require.False(t, row.Decision.Decisions[1].OrderAdjustment.AdjustTP, "it shares nothing that changes")
	require.NotEqual(t, "X", row.Refused[0].Violations[0].Rule)
	require.NotEqual(t, "X", row.Calls[0].Model)
}

func TestNarrowLeavesTheRowAsItIs(t *testing.T) {
	t.Parallel()
	row := store.Row{
		Decision: decision.Decision{Decisions: []decision.AssetDecision{{Asset: "A"}, {Asset: "B"}, {Asset: "AB"}}, TotalAllocationUSD: dec("7")},
		Refused:  []decision.Refusal{{Asset: "B"}, {Asset: "A"}},
	}
	got := row.Narrow("A")
	require.Equal(t, []decision.AssetDecision{{Asset: "A"}}, got.Decision.Decisions)
	require.Equal(t, []decision.Refusal{{Asset: "A"}}, got.Refused)
	require.Equal(t, "7", got.Decision.TotalAllocationUSD.String())
	require.Len(t, row.Decision.Decisions, 3)
	require.Len(t, row.Refused, 2)
	require.Empty(t, row.Narrow("C").Decision.Decisions)
}

func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.Query{Filter: store.Filter{Limit: store.MaxPageSize}}.Validate())
	require.EqualError(t, store.Query{Filter: store.Filter{Limit: 201}}.Validate(), "store: limit must be at most 200, was 201")
	require.EqualError(t, store.Query{Offset: -1}.Validate(), "store: offset must not be negative, was -1")
	require.ErrorContains(t, store.Query{Filter: store.Filter{Limit: -1}}.Validate(), "was -1")
	require.Equal(t, store.DefaultPageSize, store.Query{}.Size())
	require.Equal(t, 7, store.Query{Filter: store.Filter{Limit: 7}}.Size())
}

func TestHashesAreTextInHexadecimal(t *testing.T) {
	t.Parallel()
	var h, back store.Hash
	require.Empty(t, h.String())
	require.NoError(t, back.UnmarshalText(nil))
	h = store.Genesis("default")
	text, err := h.MarshalText()
	require.NoError(t, err)
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, h, back)
	for _, bad := range []string{"00", strings.Repeat("g", 64), strings.Repeat("0", 65)} {
		require.Error(t, back.UnmarshalText([]byte(bad)))
	}
}

// The expected hashes were computed by another program from what docs/record.md
// says.
func TestLinksHashAsSpecified(t *testing.T) {
	t.Parallel()
	genesis := store.Genesis("default")
	require.Equal(t, "81c1c700ed68d40ddb1cad706fd9c0d64bd266b51b4831b47788bb414e64e58c", genesis.String())
	require.Equal(t, "7d372349158bb65d78689ebdc23c590bbf39142f72b161f29416462f41c9fba2", store.Next(genesis, 258, sha256.Sum256([]byte("record"))).String())
}
