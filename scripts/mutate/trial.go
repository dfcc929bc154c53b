package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// outcome is what became of a mutant.
type outcome string

const (
	killed   outcome = "killed"
	timedOut outcome = "timed out"
	invalid  outcome = "invalid" // it does not compile
	survived outcome = "survived"
)

type result struct {
	mutant
	outcome
	property bool // killed by a property, after the tables let it live
}

// stage is one run of a test binary.
type stage struct {
	args     []string
	property bool
}

// testMutants builds the mutants and tests them one at a time on each worker.
func testMutants(ctx context.Context, c config, sources []*source, mutants []mutant, progress func(line string)) ([]result, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }() //nolint:errcheck // a temporary folder that stays does no harm
	stages, err := planStages(c, dir)
	if err != nil {
		return nil, err
	}
	b := &builder{dir: dir, work: work, sources: sources}
	var inside, outside []mutant
	for _, m := range mutants {
		if m.decl != nil {
			inside = append(inside, m)
		} else {
			outside = append(outside, m)
		}
	}
	all, bad, err := b.buildWoven(ctx, inside)
	if err != nil {
		return nil, err
	}
	t := &tester{dir: dir, work: work, stages: stages, timeout: c.timeout, progress: progress, total: len(mutants)}
	if one, err := t.try(ctx, all.path, 0); err != nil || one.outcome != survived {
		return nil, errors.Join(fmt.Errorf("the tests fail without a mutant: %s\n%s", one.outcome, one.output), err)
	}
	t.record(bad, invalid)
	if err := t.tryAll(ctx, all, c.workers); err != nil {
		return nil, err
	}
	for _, m := range outside {
		one, ok, err := b.buildAlone(ctx, m)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			t.record([]mutant{m}, invalid)
			continue
		}
		if err := t.tryAll(ctx, one, 1); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.results, func(a, b result) int { return a.id - b.id })
	return t.results, nil
}

// planStages runs the tables before the properties, if there are any.
func planStages(c config, dir string) ([]stage, error) {
	run, err := regexp.Compile(c.run)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	tables, properties, err := listTests(dir, c.tests)
	if err != nil {
		return nil, err
	}
	var stages []stage
	add := func(names []string, property bool, args ...string) {
		names = slices.DeleteFunc(names, func(name string) bool { return !run.MatchString(name) })
		if len(names) > 0 {
			args = append(args, "-test.count=1", "-test.failfast", "-test.short=false", "-test.timeout="+c.timeout.String(),
				"-test.run=^("+strings.Join(names, "|")+")$")
			stages = append(stages, stage{args, property})
		}
	}
	add(tables, false)
	add(properties, true, "-rapid.checks="+strconv.Itoa(c.checks), "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	if len(stages) == 0 {
		return nil, fmt.Errorf("no test of %q in %s matches %q", c.tests, dir, c.run)
	}
	return stages, nil
}

// listTests names the tests in the test files that match one of the globs:
// those that call rapid.Check are properties, the others tables.
func listTests(dir, globs string) (tables, properties []string, err error) {
	paths, err := match(dir, globs, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok || f.Body == nil || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test"):
			case callsRapid(f.Body):
				properties = append(properties, f.Name.Name)
			default:
				tables = append(tables, f.Name.Name)
			}
		}
	}
	return tables, properties, nil
}

func callsRapid(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Check" {
			name, ok := s.X.(*ast.Ident)
			found = found || ok && name.Name == "rapid"
		}
		return true
	})
	return found
}

// tester runs test binaries and keeps the results.
type tester struct {
	dir, work string
	stages    []stage
	timeout   time.Duration
	progress  func(line string)
	total     int

	mu      sync.Mutex
	results []result
}

func (t *tester) record(mutants []mutant, o outcome) {
	for _, m := range mutants {
		t.add(result{mutant: m, outcome: o})
	}
}

func (t *tester) add(r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results = append(t.results, r)
	if r.outcome == survived {
		t.progress("survived " + r.key())
	}
	if len(t.results)%100 == 0 {
		t.progress(fmt.Sprintf("%d of %d mutants", len(t.results), t.total))
	}
}

func (t *tester) tryAll(ctx context.Context, b binary, workers int) error {
	queue := make(chan mutant)
	failures := make(chan error, workers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for m := range queue {
				one, err := t.try(ctx, b.path, m.id)
				if err != nil {
					failures <- fmt.Errorf("%s: %w", m.key(), err)
					stop()
					return
				}
				t.add(result{m, one.outcome, one.property && one.outcome == killed})
			}
		})
	}
	for _, m := range b.mutants {
		select {
		case queue <- m:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	wg.Wait()
	close(failures)
	return errors.Join(<-failures, ctx.Err())
}

// trial is what the first stage that failed said, or the last one.
type trial struct {
	outcome  outcome
	property bool
	output   []byte
}

// try runs the stages until one fails.
func (t *tester) try(ctx context.Context, path string, id int) (one trial, err error) {
	for _, s := range t.stages {
		one, err = t.runStage(ctx, path, id, s)
		if err != nil || one.outcome != survived {
			break
		}
	}
	return one, err
}

func (t *tester) runStage(ctx context.Context, path string, id int, s stage) (trial, error) {
	limited, cancel := context.WithTimeout(ctx, t.timeout+5*time.Second) // for a binary that does not end itself
	defer cancel()
	cmd := exec.CommandContext(limited, path, s.args...)
	cmd.Dir = t.dir
	cmd.Env = append(cmd.Environ(), switchEnv+"="+strconv.Itoa(id))
	cmd.WaitDelay = time.Second
	var output printed
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	one := trial{outcome: survived, property: s.property, output: output.head}
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return trial{}, ctx.Err()
	case err == nil:
	case limited.Err() != nil || bytes.Contains(output.head, []byte("panic: test timed out")):
		one.outcome = timedOut
	case errors.As(err, &failed):
		one.outcome = killed
	default:
		return trial{}, err
	}
	return one, nil
}

// printed keeps the first 64 KiB of what a test prints.
type printed struct{ head []byte }

func (t *printed) Write(p []byte) (int, error) {
	if room := 64<<10 - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
