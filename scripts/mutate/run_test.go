package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limits is a package whose tests know one of its two limits, and call what has
// neither names for its parameters nor results.
const limits = `package limits

var step = 3

type rule struct{ most int }

func (r rule) allows(n int) bool { return n <= r.most }

func (rule) atLeast(_ string, n int, _ ...int) bool {
	return n >= 2
}

func count(list []int) (n int) {
	for n < len(list) {
		n++
	}
	return n
}

func note(log *[]int, n int) {
	*log = append(*log, n)
}

func first[T any](list []T) (out T) {
	if len(list) > 0 {
		out = list[0]
	}
	return out
}
`

const limitsTest = `package limits

import "testing"

func TestRules(t *testing.T) {
	r := rule{5}
	if !r.allows(5) || r.allows(6) {
		t.Fatal("most")
	}
	if !r.atLeast("", 3, 1, 2) || r.atLeast("", 1) || r.atLeast("", -1) {
		t.Fatal("least")
	}
	var log []int
	if note(&log, step); len(log) != 1 || log[0] != 3 {
		t.Fatal("log")
	}
	if count(log) != 1 {
		t.Fatal("count")
	}
	if first([]int{4}) != 4 || first([]int(nil)) != 0 {
		t.Fatal("first")
	}
}
`

// limitsModule writes the package as a module of its own and returns its folder
// and a file with the accepted survivors.
func limitsModule(t *testing.T, accepted string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module limits\n\ngo 1.26\n", "limits.go": limits, "limits_test.go": limitsTest, "accepted.txt": accepted,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir, filepath.Join(dir, "accepted.txt")
}

func silent(string) {}

const survivor = "limits.go:rule.atLeast:n >= 2 => n > 2"

func TestMutateFindsTheLimitThatNoTestKnows(t *testing.T) {
	t.Parallel()
	dir, accepted := limitsModule(t, "limits.go:rule.allows:n <= r.most => n < r.most\tno\nlimits.go:gone:x => y\tno\n")
	var report strings.Builder
	err := mutate(t.Context(), []string{"-dir", dir, "-files", "*.go,none.go", "-tests", "*", "-accepted", accepted, "-timeout", "3s", "-workers", "2"}, &report, silent)
	require.ErrorIs(t, err, errFindings, report.String())
	for _, text := range []string{
		"| limits.go | 20 | 17 | 0 | 2 | 1 | 2 | 89.5 % |",
		"without explanation: 2\n\n- `" + survivor + "` (line 10)\n\n      return n >= 2\n",
		"2 => 3 in return n >= 2",
		"match no survivor: 2\n\n- `limits.go:gone:x => y`\n- `limits.go:rule.allows:n <= r.most => n < r.most`\n",
	} {
		require.Contains(t, report.String(), text)
	}
	left, err := os.ReadFile(filepath.Join(dir, "limits.go"))
	require.NoError(t, err)
	require.Equal(t, limits, string(left), "the tree is not changed")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "nor added to")
}

func TestMutateAcceptsAnExplainedSurvivor(t *testing.T) {
	t.Parallel()
	const why = "the test knows no rule at two"
	dir, accepted := limitsModule(t, "# why\n\n"+survivor+"\t"+why+"\nlimits.go:rule.atLeast:2 => 3 in return n >= 2\tnot tested here\n")
	out := filepath.Join(dir, "report.md")
	args := []string{"-dir", dir, "-files", "*.go", "-tests", "limits*", "-run", "Rules", "-accepted", accepted, "-only", "n > 2$", "-out", out}
	require.NoError(t, mutate(t.Context(), args, io.Discard, silent))
	report, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(report), "| limits.go | 1 | 0 | 0 | 0 | 0 | 1 | 0.0 % |")
	require.Contains(t, string(report), why)
}

func TestMutateNeedsTestsThatPass(t *testing.T) {
	t.Parallel()
	dir, accepted := limitsModule(t, "")
	broken := strings.Replace(limits, "var step = 3", "var step = 4", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "limits.go"), []byte(broken), 0o600))
	err := mutate(t.Context(), []string{"-dir", dir, "-files", "*.go", "-tests", "*", "-accepted", accepted, "-sample", "1"}, io.Discard, silent)
	require.ErrorContains(t, err, "the tests fail without a mutant: killed\n--- FAIL: TestRules")
}

func TestMutateSaysWhatIsWrongWithItsArguments(t *testing.T) {
	t.Parallel()
	dir, _ := limitsModule(t, "")
	twice := filepath.Join(dir, "twice.txt")
	require.NoError(t, os.WriteFile(twice, []byte("a\tb\na\tc\nd\n"), 0o600))
	for want, args := range map[string][]string{
		"checks must be at least 1, was 0\nworkers must be at least 1, was -1": {"-checks", "0", "-workers", "-1"},
		"no arguments are taken": {"./decision"},
		"matches \"none.go\"":    {"-dir", dir, "-files", "none.go"},
		"-only: error parsing":   {"-only", "("},
		"-run: error parsing":    {"-dir", dir, "-files", "limits.go", "-accepted", filepath.Join(dir, "accepted.txt"), "-run", "("},
		"\"[\": syntax error":    {"-dir", dir, "-files", "["},
		"none.txt: no such file": {"-dir", dir, "-files", "limits.go", "-accepted", filepath.Join(dir, "none.txt")},
		"twice.txt:2: must be a key that stands once, a tab and a reason, was \"a\\tc\"": {"-dir", dir, "-files", "limits.go", "-accepted", twice},
	} {
		require.ErrorContains(t, mutate(t.Context(), args, io.Discard, silent), want)
	}
}

func TestListTestsNothing(t *testing.T) {
	t.Parallel()
	dir, _ := limitsModule(t, "")
	var out strings.Builder
	require.NoError(t, mutate(t.Context(), []string{"-dir", dir, "-files", "limits*.go", "-list"}, &out, silent))
	require.Len(t, strings.Split(strings.TrimSpace(out.String()), "\n"), 20)
	require.Contains(t, out.String(), survivor)
}

func TestPropertiesRunAfterTheTables(t *testing.T) {
	t.Parallel()
	dir, _ := limitsModule(t, "")
	text := "package limits\nfunc TestTable(t *testing.T) {}\nfunc TestRuleHolds(t *testing.T) { rapid.Check(t, nil) }\nfunc TestOther(t *testing.T) { rapid.Check(t, nil) }\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "property_test.go"), []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "else_test.go"), []byte("package limits\nfunc TestRuleElsewhere(t *testing.T) {}\n"), 0o600))
	stages, err := planStages(config{tests: "limits*, property*", run: "Rule|Table", checks: 7, timeout: time.Second}, dir)
	require.NoError(t, err)
	require.Len(t, stages, 2)
	require.Equal(t, "-test.run=^(TestRules|TestTable)$", stages[0].args[len(stages[0].args)-1])
	require.Equal(t, "-test.run=^(TestRuleHolds)$", stages[1].args[len(stages[1].args)-1])
	require.Subset(t, stages[1].args, []string{"-rapid.checks=7", "-rapid.seed=1", "-rapid.nofailfile", "-test.timeout=1s"})
	require.NotContains(t, stages[0].args, "-rapid.nofailfile", "a flag that packages without properties do not know")
	_, err = planStages(config{tests: "limits*", run: "None"}, dir)
	require.ErrorContains(t, err, `matches "None"`)
}

func TestUsageIsShownOnce(t *testing.T) {
	t.Parallel()
	var said []string
	err := mutate(t.Context(), []string{"-unknown"}, io.Discard, func(line string) { said = append(said, line) })
	require.ErrorContains(t, err, "-unknown")
	require.Len(t, said, 1)
	require.Contains(t, said[0], "-accepted")
}
