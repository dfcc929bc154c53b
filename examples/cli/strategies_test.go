package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
)

// hashOf is the hash of a built-in strategy as the library computes it.
func hashOf(t *testing.T, id string) string {
	t.Helper()
	strategy, err := decision.LoadStrategy(id)
	require.NoError(t, err)
	hash, err := strategy.Hash()
	require.NoError(t, err)
	return hash
}

// strategyFile is swing_perps as strategies show prints it, after changes.
func strategyFile(t *testing.T, oldNew ...string) string {
	t.Helper()
	text := ballast(t, nil, "strategies", "show", "swing_perps", "--json").succeeds(t)
	for i := 0; i < len(oldNew); i += 2 {
		require.Contains(t, text, oldNew[i])
	}
	path := filepath.Join(t.TempDir(), "mine.json")
	write(t, path, strings.NewReplacer(oldNew...).Replace(text))
	return path
}

func TestStrategiesListAndShow(t *testing.T) {
	t.Parallel()
	list := ballast(t, nil, "strategies").succeeds(t)
	var all []object
	require.NoError(t, json.Unmarshal([]byte(ballast(t, nil, "strategies", "--json").succeeds(t)), &all))
	require.Len(t, all, len(decision.StrategyIDs()))
	for i, id := range decision.StrategyIDs() {
		hash := hashOf(t, id)
		require.Equal(t, id, all[i]["strategy_id"])
		require.Equal(t, hash, all[i]["strategy_hash"])
		require.Contains(t, list, id)
		require.Contains(t, list, " "+hash[:12]+" ")
		shown := ballast(t, nil, "strategies", "show", id).succeeds(t)
		require.Contains(t, shown, all[i]["strategy_name"])
		require.Contains(t, shown, "version     "+hash[:12]+"\n")
		require.Contains(t, shown, "prompt")
		one := decode(t, ballast(t, nil, "strategies", "show", id, "--json").succeeds(t))
		require.Equal(t, hash, one["strategy_hash"])
		require.Equal(t, id, one["strategy_id"])
	}
	require.Contains(t, list, decision.DefaultStrategy+" (default)")
}

func TestADecisionSaysWhichVersionOfTheStrategyMadeIt(t *testing.T) {
	t.Parallel()
	path := strategyFile(t, `"max_positions": 3`, `"max_positions": 4`)
	for name, hash := range map[string]string{"swing_perps": hashOf(t, "swing_perps"), path: ""} {
		out := decode(t, ballast(t, nil, "decide", "--at", demoTime, "--json", "--strategy", name).succeeds(t)).at(t, "metadata")
		got := out["strategy_hash"].(string)
		require.Len(t, got, 64)
		if hash != "" {
			require.Equal(t, hash, got)
		} else {
			require.NotEqual(t, hashOf(t, "swing_perps"), got, "other content, other version")
		}
		text := ballast(t, nil, "decide", "--at", demoTime, "--strategy", name).succeeds(t)
		require.Contains(t, text, "strategy    swing_perps, version "+got[:12]+"\n")
	}
}

func TestStrategiesCheckNamesTheVersionOfEachFile(t *testing.T) {
	t.Parallel()
	shown := strategyFile(t)
	bare := strategyFile(t, `,
  "strategy_hash": "`+hashOf(t, "swing_perps")+`"`, "")
	changed := strategyFile(t, `"max_positions": 3`, `"max_positions": 4`)
	out := strings.Split(ballast(t, nil, "strategies", "check", shown, bare, changed).succeeds(t), "\n")
	version := hashOf(t, "swing_perps")[:12]
	require.Equal(t, shown+`: swing_perps, "Swing Perps", version `+version, out[0])
	require.Equal(t, bare+`: swing_perps, "Swing Perps", version `+version, out[1])
	require.Contains(t, out[2], changed+`: swing_perps, "Swing Perps", version `)
	require.NotContains(t, out[2], version)

	text := ballast(t, nil, "strategies", "show", "dca_hedge", "--json").succeeds(t)
	got := ballastReading(t, text, nil, "strategies", "check", "-").succeeds(t)
	require.Contains(t, got, "stdin: dca_hedge, ")
}

func TestStrategiesCheckReportsEveryProblemOfEveryFile(t *testing.T) {
	t.Parallel()
	good := strategyFile(t)
	bad := strategyFile(t, `"max_positions": 3`, `"max_positions": 99`, `"strategy_type": "swing"`, `"strategy_type": "moon"`)
	unknown := strategyFile(t, `"is_active": true`, `"is_active": true, "extra": 1`)
	got := ballast(t, nil, "strategies", "check", bad, good, unknown)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, []string{
		"ballast: " + bad + `: strategy "swing_perps": max_positions must be between 1 and 50, was 99`,
		"ballast: " + bad + `: strategy "swing_perps": strategy_type must be one of [conservative aggressive scalping swing dca custom], was "moon"`,
		"ballast: " + unknown + ": strategy: the document: extra: unknown member",
	}, strings.Split(strings.TrimSpace(got.stderr), "\n"))
	require.Equal(t, 1, strings.Count(got.stdout, "\n"), "the good one is shown")
	require.Contains(t, got.stdout, good+": swing_perps")

	folder := t.TempDir()
	got = ballast(t, nil, "strategies", "check", folder, "/no/such.json", bad, good)
	require.Equal(t, exitUsage, got.code, "a file that cannot be read counts more than one that is bad")
	require.Contains(t, got.stderr, "ballast: "+folder+": is a directory\nballast: /no/such.json: no such file or directory\nballast: "+bad+": ")
	require.Contains(t, got.stdout, good+": swing_perps")

	ballast(t, nil, "strategies", "check").fails(t, exitUsage, `expected "<file> ..." (see ballast --help)`)
	for text, line := range map[string]string{
		"": "stdin: strategy: not valid JSON at byte 0: unexpected EOF", "nonsense": "stdin: strategy: not valid JSON at byte 1: ",
		`{"strategy_hash":"x"}`: "stdin: strategy: missing strategy_id\n",
	} {
		got := ballastReading(t, text, nil, "strategies", "check", "-")
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.stderr, "ballast: "+line)
		require.Empty(t, got.stdout)
	}
}
