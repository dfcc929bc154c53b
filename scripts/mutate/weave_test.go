package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWovenFunctionsCallTheCopyWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, "package p\n\nfunc (T) f(a, _ int, more ...string) bool { return a < b }\n\nfunc g[K, V any](map[K]V) { h() }\n")
	mutants := findMutants([]*source{s})
	w, notParsed := weave(s, mutants)
	require.Empty(t, notParsed)
	for _, line := range []string{
		"func (mutantReceiver0 T) f(a, mutantArgument0_1 int, more ...string) bool { switch mutantSwitch {",
		"return mutantReceiver0.f_mutant1(a, mutantArgument0_1, more...)",
		"func (T) f_mutant2(a, _ int, more ...string) bool { return (a <= b) }",
		"func g[K, V any](mutantArgument0 map[K]V) { switch mutantSwitch {",
		"g_mutant3[K, V](mutantArgument0)",
	} {
		require.Contains(t, w.text, line)
	}
	lines := strings.Split(w.text, "\n")
	for _, c := range w.copies {
		require.Contains(t, strings.Join(lines[c.first-1:c.last], "\n"), copyName(mutants[c.id-1])+strings.Repeat("[K, V any]", c.id/3)+"(")
	}
	_, err := parseSource("woven.go", w.text)
	require.NoError(t, err)
	_, err = parseSource("switch.go", switchSource("p"))
	require.NoError(t, err)
}

func TestWhatIsNoGoIsNotWoven(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, "package p\n\nfunc f(a int) int { return a + 1 }\n")
	mutants := findMutants([]*source{s})
	mutants[0].edit.with = "a +"
	w, notParsed := weave(s, mutants)
	require.Equal(t, []int{mutants[0].id}, notParsed)
	require.Len(t, w.copies, len(mutants)-1)
}

func TestTheCompilersErrorsNameTheirCopies(t *testing.T) {
	t.Parallel()
	copies := map[string][]span{"rule.go": {{4, 10, 12}, {5, 13, 20}, {6, 21, 22}}, "view.go": {{9, 10, 12}}}
	output := []byte("# p\n./rule.go:13:2: missing return\nrule.go:20:7: mismatched types\n\trule.go:21:1: other declaration\n/p/view.go:9:1: no copy\n")
	require.Equal(t, map[int]bool{5: true}, culprits(output, copies))
}
