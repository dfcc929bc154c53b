package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sourceOf(t *testing.T, text string) *source {
	t.Helper()
	s, err := parseSource("/p/code.go", text)
	require.NoError(t, err)
	return s
}

// mutantsOf are the texts of the mutants of a function's body.
func mutantsOf(t *testing.T, signature, body string) []string {
	t.Helper()
	s := sourceOf(t, "package p\n\nfunc f"+signature+" {\n"+body+"\n}\n")
	var out []string
	for _, m := range findMutants([]*source{s}) {
		require.Equal(t, "code.go:f:"+m.text, m.key())
		require.True(t, parses(m), m.text)
		out = append(out, m.text)
	}
	return out
}

func TestMutantsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, signature, body string
		want                  []string
	}{
		{"less", "(a, b int)", "_ = g(a < b)", []string{"_ = g(a < b) => nothing", "a < b => a <= b"}},
		{"at most", "(a, b int)", "x := a <= b; g(x)", []string{"a <= b => a < b", "g(x) => nothing"}},
		{"greater", "(a, b int)", "x := a > b; g(x)", []string{"a > b => a >= b", "g(x) => nothing"}},
		{"at least", "(a, b int)", "x := a >= b; g(x)", []string{"a >= b => a > b", "g(x) => nothing"}},
		{"equal has one opposite", "(a, b int) bool", "return a == b", []string{"a == b => a != b"}},
		{"unequal", "(a, b int) bool", "return a != b", []string{"a != b => a == b"}},
		{"and", "(a, b, c bool) bool", "return a || b && c", []string{
			"a || b && c => !(a || b && c)", "a || b && c => a && b && c", "a => !(a)",
			"b && c => b || c", "b => !(b)", "c => !(c)",
		}},
		{"not is removed and not doubled", "(a D) bool", "return !a.IsZero()", []string{"!a.IsZero() => a.IsZero()"}},
		{"condition", "(a int)", "if a < g() { h(); h() }", []string{
			"a < g() => !(a < g())", "a < g() => a <= g()",
			"body of if a < g() => nothing", "h() => nothing", "h() => nothing #2",
		}},
		{"a body of one statement is left out once", "(ok bool)", "if ok { g() } else { h(); return }", []string{
			"ok => !(ok)", "g() => nothing", "else of if ok => nothing", "h() => nothing", "return => nothing",
		}},
		{"boundary and opposite of decimals", "(a, b D) bool", "return a.LessThan(b)", []string{
			"a.LessThan(b) => a.LessThanOrEqual(b)", "a.LessThan(b) => a.GreaterThanOrEqual(b)",
		}},
		{"sign of decimals", "(a D) bool", "return a.IsPositive()", []string{
			"a.IsPositive() => !a.IsNegative()", "a.IsPositive() => !a.IsPositive()", "a.IsPositive() => a.IsNegative()",
		}},
		{"arithmetic of decimals", "(a, b D) D", "return a.Add(b).Mul(b.Neg())", []string{
			"a.Add(b) => a.Sub(b)", "a.Add(b).Mul(b.Neg()) => a.Add(b).Div(b.Neg())", "a.Add(b).Mul(b.Neg()) => a.Add(b).Add(b.Neg())", "b.Neg() => b",
		}},
		{"smaller and larger", "(a, b D) D", "return decimal.Min(a, divUp(a, b))", []string{
			"decimal.Min(a, divUp(a, b)) => decimal.Max(a, divUp(a, b))", "divUp(a, b) => divDown(a, b)",
		}},
		{"numbers", "(a D) D", "return a.Shift(-2)", []string{"2 => 3 in return a.Shift(-2)", "2 => 1 in return a.Shift(-2)"}},
		{"below zero", "(a []int) int", "return len(a) - 0", []string{
			"len(a) - 0 => len(a) + 0", "0 => 1 in return len(a) - 0", "0 => (-1) in return len(a) - 0",
		}},
		{"arithmetic of integers", "(a, b int) int", "return a * b", []string{"a * b => a / b", "a * b => a + b"}},
		{"texts have no difference", "(a string) string", `return a + "x" + a`, nil},
		{"constants", "() bool", "return true", []string{"true => false"}},
		{"loops", "(a []int)", "for range a { if g() { continue }; break }", []string{
			"g() => !(g())", "continue => nothing", "continue => break", "break => nothing", "break => continue",
		}},
		{"counting", "(n int)", "n++", []string{"n++ => nothing", "n++ => n--"}},
		{"assignments but no declarations", "(a int) int", "b := a; b += a; return b", []string{"b += a => nothing"}},
		{"deferred calls", "()", "defer g()", []string{"defer g() => nothing"}},
		{"cases are conditions without a tag alone", "(a bool, n int) int", "switch { case a: return n }; switch n { case n: g(); h() }; return n", []string{
			"a => !(a)", "body of case a => nothing", "g() => nothing", "body of case n => nothing", "h() => nothing",
		}},
		{"sizes of arrays stay", "()", "var a [2]int; g(a)", []string{"g(a) => nothing"}},
		{"results of the function around are not those of a literal", "() bool", "g(func() int { return h() }); return k()", []string{
			"g(func() int { return h() }) => nothing", "k() => !(k())",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, mutantsOf(t, c.signature, c.body))
		})
	}
}

func TestAnEditChangesNothingElse(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, "package p\n\nvar limit = 5 // “per day”\n\nfunc (r Rule) check(a int) bool {\n\t// why: ä\n\treturn a < limit\n}\n")
	var texts []string
	for _, m := range findMutants([]*source{s}) {
		texts = append(texts, m.key()+" | "+strings.Join(strings.Split(apply(s.text, m.edit), "\n")[2:7], " | "))
	}
	require.Equal(t, []string{
		"code.go::5 => 6 in var limit = 5 // “per day” | var limit = 6 // “per day” |  | func (r Rule) check(a int) bool { | \t// why: ä | \treturn a < limit",
		"code.go::5 => 4 in var limit = 5 // “per day” | var limit = 4 // “per day” |  | func (r Rule) check(a int) bool { | \t// why: ä | \treturn a < limit",
		"code.go:Rule.check:a < limit => !(a < limit) | var limit = 5 // “per day” |  | func (r Rule) check(a int) bool { | \t// why: ä | \treturn !(a < limit)",
		"code.go:Rule.check:a < limit => a <= limit | var limit = 5 // “per day” |  | func (r Rule) check(a int) bool { | \t// why: ä | \treturn (a <= limit)",
	}, texts)
}

func TestKeysDoNotDependOnTheLine(t *testing.T) {
	t.Parallel()
	function := "func f(a int) bool { return a < 1 }\n"
	keys := func(text string) (out []string) {
		for _, m := range findMutants([]*source{sourceOf(t, text)}) {
			out = append(out, m.key())
		}
		return out
	}
	require.Equal(t, keys("package p\n"+function), keys("package p\n\n// more\n\n"+function))
}

func TestASampleIsSpreadAndRepeatable(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, "package p\nfunc f(a, b, c, d int) bool { return a < b && b < c && c < d && d < a }\n")
	all := findMutants([]*source{s})
	anything := regexp.MustCompile("")
	first := choose(all, anything, 3)
	require.Equal(t, first, choose(all, anything, 3))
	require.Len(t, first, 3)
	require.Equal(t, all[0].id, first[0].id)
	require.Greater(t, first[2].id, len(all)/2)
	require.Equal(t, all, choose(all, anything, 0))
	one := choose(all, regexp.MustCompile("c < d$"), 3)
	require.Equal(t, "f", one[0].function)
}
