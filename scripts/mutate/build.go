package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// binary is a test binary and the mutants that it holds.
type binary struct {
	path    string
	mutants []mutant
}

// builder compiles mutants. It writes to its own folder alone.
type builder struct {
	dir, work string // the package's folder; a temporary one
	sources   []*source
	built     int
}

// buildWoven compiles all mutants of functions into one binary. Those that do
// not compile come back as invalid.
func (b *builder) buildWoven(ctx context.Context, mutants []mutant) (one binary, invalid []mutant, err error) {
	for {
		replaced, copies, bad := b.weaveAll(mutants)
		path, output, err := b.build(ctx, replaced)
		if err == nil && len(bad) == 0 {
			return binary{path, mutants}, invalid, nil
		}
		if err != nil {
			maps.Copy(bad, culprits(output, copies))
		}
		if len(bad) == 0 {
			return binary{}, nil, fmt.Errorf("%w\n%s", err, output)
		}
		var good []mutant
		for _, m := range mutants {
			if bad[m.id] {
				invalid = append(invalid, m)
			} else {
				good = append(good, m)
			}
		}
		mutants = good
	}
}

// weaveAll are the texts of the files with the mutants in them, where those
// stand, and which ones are no Go.
func (b *builder) weaveAll(mutants []mutant) (replaced map[string]string, copies map[string][]span, bad map[int]bool) {
	replaced, copies, bad = map[string]string{}, map[string][]span{}, map[int]bool{}
	for _, s := range b.sources {
		own := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return m.source != s })
		w, notParsed := weave(s, own)
		replaced[s.path], copies[s.name] = w.text, w.copies
		for _, id := range notParsed {
			bad[id] = true
		}
	}
	replaced[filepath.Join(b.dir, "mutant_switch.go")] = switchSource(b.sources[0].syntax.Name.Name)
	return replaced, copies, bad
}

// buildAlone compiles one mutant that stands outside a function; false when it
// does not compile.
func (b *builder) buildAlone(ctx context.Context, m mutant) (binary, bool, error) {
	path, _, err := b.build(ctx, map[string]string{m.source.path: apply(m.source.text, m.edit)})
	var failed *exec.ExitError
	if errors.As(err, &failed) && ctx.Err() == nil {
		return binary{}, false, nil
	}
	return binary{path, []mutant{m}}, err == nil, err
}

// culprits are the copies in which the compiler found errors.
func culprits(output []byte, copies map[string][]span) map[int]bool {
	out := map[int]bool{}
	for _, found := range regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `).FindAllSubmatch(output, -1) {
		line, err := strconv.Atoi(string(found[2]))
		if err != nil {
			continue
		}
		for _, c := range copies[filepath.Base(string(found[1]))] {
			if c.first <= line && line <= c.last {
				out[c.id] = true
			}
		}
	}
	return out
}

// build compiles the package's tests with some files replaced. The package
// alone comes first: it is where a mutant fails to compile.
func (b *builder) build(ctx context.Context, replaced map[string]string) (path string, output []byte, err error) {
	b.built++
	folder := filepath.Join(b.work, strconv.Itoa(b.built))
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", nil, err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for original, text := range replaced {
		with := filepath.Join(folder, filepath.Base(original))
		if err := os.WriteFile(with, []byte(text), 0o644); err != nil {
			return "", nil, err
		}
		overlay.Replace[original] = with
	}
	data, err := json.Marshal(overlay) //nolint:forbidigo // our own text for the go tool; this program needs the standard library alone
	if err != nil {
		return "", nil, err
	}
	config := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(config, data, 0o644); err != nil {
		return "", nil, err
	}
	path = filepath.Join(folder, "mutants.test")
	common := []string{"-overlay", config, "-gcflags=-e"} // -e: all errors
	for _, command := range [][]string{{"build"}, {"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", path}} {
		if output, err = b.goTool(ctx, append(slices.Clone(command), common...)); err != nil {
			return "", output, err
		}
	}
	return path, nil, nil
}

func (b *builder) goTool(ctx context.Context, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = b.dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return output.Bytes(), fmt.Errorf("go %s: %w", args[0], err)
	}
	return output.Bytes(), nil
}
