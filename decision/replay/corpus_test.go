package replay_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/replay"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	recordsDir = "testdata/corpus/records" // a record's canonical body each
	seriesDir  = "testdata/corpus/series"  // the candles that they share, by digest
)

// corpusBody is a record's committed canonical body.
func corpusBody(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(recordsDir, name+".json"))
	require.NoError(t, err)
	return bytes.TrimSuffix(body, []byte("\n"))
}

// corpusSeries are the committed candles.
func corpusSeries(t *testing.T) (out []marketdata.Series) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(seriesDir, "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var s marketdata.Series
		require.NoError(t, s.UnmarshalJSON(bytes.TrimSuffix(data, []byte("\n"))))
		digest := s.Digest()
		require.Equal(t, strings.TrimSuffix(filepath.Base(file), ".json"), hex.EncodeToString(digest[:]))
		out = append(out, s)
	}
	return out
}

// corpusRecord reads a committed record.
func corpusRecord(t *testing.T, name string) decision.Record {
	t.Helper()
	rec, err := decision.Canonical{Body: corpusBody(t, name), Series: corpusSeries(t)}.Record()
	require.NoError(t, err)
	return rec
}

// replayConfig is what the engine of a case had.
func replayConfig(c corpusCase) replay.Config {
	cfg := replay.Config{Rules: c.rules, Prompt: true, Scorer: fallback.New(fallback.Config{})}
	if c.name == "refused_shape" {
		cfg.Scorer = nil // made up by the test
	}
	return cfg
}

// TestCorpusIsWhatTheEngineRecords plays every case again. With -update it
// writes the corpus anew.
func TestCorpusIsWhatTheEngineRecords(t *testing.T) {
	cases := corpusCases()
	if *update {
		require.NoError(t, os.RemoveAll("testdata/corpus"))
		for _, dir := range []string{recordsDir, seriesDir} {
			require.NoError(t, os.MkdirAll(dir, 0o755))
		}
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rec := recorded(t, c)
			canonical, err := rec.Canonical()
			require.NoError(t, err)
			if *update {
				writeCorpus(t, c.name, canonical)
			}
			require.Equal(t, string(corpusBody(t, c.name)), string(canonical.Body))
		})
	}
}

func writeCorpus(t *testing.T, name string, c decision.Canonical) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(recordsDir, name+".json"), append(c.Body, '\n'), 0o600))
	for _, s := range c.Series {
		data, err := s.MarshalJSON()
		require.NoError(t, err)
		digest := s.Digest()
		require.NoError(t, os.WriteFile(filepath.Join(seriesDir, hex.EncodeToString(digest[:])+".json"), append(data, '\n'), 0o600))
	}
}

func TestCorpusReplaysByteForByte(t *testing.T) {
	t.Parallel()
	series := corpusSeries(t)
	for _, c := range corpusCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := corpusBody(t, c.name)
			rec, err := decision.Canonical{Body: body, Series: series}.Record()
			require.NoError(t, err)
			again, err := rec.Canonical()
			require.NoError(t, err)
			require.Equal(t, string(body), string(again.Body), "reading and writing gives the same bytes")

			report, err := replay.Check(t.Context(), rec, replayConfig(c))
			require.NoError(t, err)
			require.Empty(t, report.Mismatches)
			require.True(t, report.OK())
			require.Equal(t, c.name, report.ID)
			require.Contains(t, report.Compared, replay.StageGate)
			require.Contains(t, report.Compared, replay.StageResult)
			requireOutcome(t, c, rec)
		})
	}
}

// requireOutcome: the case is about what its name says.
func requireOutcome(t *testing.T, c corpusCase, rec decision.Record) {
	t.Helper()
	origin := c.origin
	if origin == "" {
		origin = decision.OriginModel
	}
	require.Equal(t, origin, rec.Result.Origin, rec.Result.Reason)
	refusing, warning := map[string]bool{}, map[string]bool{}
	for _, r := range rec.Result.Refused {
		for _, v := range r.Violations {
			refusing[v.Rule] = true
		}
	}
	for _, w := range rec.Result.Warnings {
		warning[w.Rule] = true
	}
	if c.refused == "" {
		require.Empty(t, rec.Result.Refused)
	} else {
		require.Contains(t, slices.Collect(maps.Keys(refusing)), c.refused)
	}
	if c.warned != "" {
		require.Contains(t, slices.Collect(maps.Keys(warning)), c.warned)
	}
}

func TestCorpusCoversWhatADecisionCanBe(t *testing.T) {
	t.Parallel()
	cases := corpusCases()
	require.GreaterOrEqual(t, len(cases), 50)
	files, err := filepath.Glob(filepath.Join(recordsDir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(cases), "every file has its case")

	categories, refusing := map[string]int{}, map[string]bool{}
	for _, c := range cases {
		category, _, _ := strings.Cut(c.name, "_")
		categories[category]++
		refusing[c.refused] = true
	}
	for _, category := range []string{
		"accepted", "refused", "warned", "host", "strategy", "answer", "failover", "fallback", "hold", "halted", "degraded", "cached", "recheck",
	} {
		require.Positive(t, categories[category], category)
	}
	require.Equal(t, len(decision.StrategyIDs()), categories["strategy"])
	warnsOnly := []string{"reward_risk", "large_allocation", "high_risk_share", "correlation"}
	for _, r := range decision.DefaultRules() {
		require.True(t, refusing[r.Name()] || slices.Contains(warnsOnly, r.Name()), "no record is refused by %s", r.Name())
	}
}

func TestCorpusStaysSmall(t *testing.T) {
	t.Parallel()
	var size int64
	require.NoError(t, filepath.WalkDir("testdata/corpus", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	require.Less(t, size, int64(2_000_000))
}
