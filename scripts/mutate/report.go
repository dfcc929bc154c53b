package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// report is what a run found.
type report struct {
	config      config
	files       []string
	counts      map[string]*tally // by file
	total       tally
	explained   []result
	why         map[string]string
	unexplained []result
	stale       []string // keys that explain no survivor
}

type tally struct{ mutants, killed, byProperty, timedOut, invalid, survived int }

func (t *tally) count(r result) {
	t.mutants++
	switch r.outcome {
	case killed:
		t.killed++
		if r.property {
			t.byProperty++
		}
	case timedOut:
		t.timedOut++
	case invalid:
		t.invalid++
	case survived:
		t.survived++
	}
}

// score is killed ÷ (killed + survived), where one that timed out is killed
// too.
func (t *tally) score() string {
	dead := t.killed + t.timedOut
	if dead+t.survived == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(dead)/float64(dead+t.survived))
}

// newReport sorts survivors into those that are explained and those that are
// not. An explanation is stale when no mutant that survived has its key; one of
// a mutant that was not tested is not.
func newReport(c config, sources []*source, all []mutant, results []result, accepted map[string]string) *report {
	r := &report{config: c, counts: map[string]*tally{}, why: accepted}
	unmatched := maps.Clone(accepted)
	for _, m := range all {
		delete(unmatched, m.key()) // unless it was tested and killed, see below
	}
	for _, s := range sources {
		r.files = append(r.files, s.name)
		r.counts[s.name] = &tally{}
	}
	for _, one := range results {
		r.counts[one.source.name].count(one)
		r.total.count(one)
		_, explained := accepted[one.key()]
		switch {
		case one.outcome != survived && explained:
			unmatched[one.key()] = accepted[one.key()]
		case one.outcome == survived && explained:
			r.explained = append(r.explained, one)
		case one.outcome == survived:
			r.unexplained = append(r.unexplained, one)
		}
	}
	r.stale = slices.Sorted(maps.Keys(unmatched))
	return r
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Mutants of %s\n\n", r.config.dir)
	fmt.Fprintf(&b, "Tests of `%s`, %d checks a property. Killed counts the time-outs; the score is killed ÷ (killed + survived).\n\n", r.config.tests, r.config.checks)
	b.WriteString("| File | Mutants | Killed | by properties alone | Timed out | Invalid | Survived | Score |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, file := range r.files {
		r.counts[file].row(&b, file)
	}
	r.total.row(&b, "all")
	fmt.Fprintf(&b, "\n## Survivors without explanation: %d\n\n", len(r.unexplained))
	for _, one := range r.unexplained {
		r.survivor(&b, one)
	}
	fmt.Fprintf(&b, "\n## Explained survivors: %d\n\n", len(r.explained))
	for _, one := range r.explained {
		r.survivor(&b, one)
	}
	fmt.Fprintf(&b, "\n## Explanations that match no survivor: %d\n\n", len(r.stale))
	for _, key := range r.stale {
		fmt.Fprintf(&b, "- `%s`\n", key)
	}
	return b.String()
}

func (t *tally) row(b *strings.Builder, name string) {
	fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %s |\n",
		name, t.mutants, t.killed+t.timedOut, t.byProperty, t.timedOut, t.invalid, t.survived, t.score())
}

func (r *report) survivor(b *strings.Builder, one result) {
	fmt.Fprintf(b, "- `%s` (line %d)\n\n      %s\n\n", one.key(), one.line, one.source.line(one.line))
	if why := r.why[one.key()]; why != "" {
		fmt.Fprintf(b, "  %s\n\n", why)
	}
}
