package ballast_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module       = "github.com/ballast-go/ballast"
	agpl         = "github.com/cinar/indicator"
	cinarPackage = module + "/marketdata/indicator/cinar" // the one that imports it
)

// listed is what these tests need of a package that `go list` describes.
type listed struct {
	ImportPath, Name                         string
	Standard                                 bool
	Imports, TestImports, XTestImports, Deps []string
	Module                                   *struct{ Path, Dir string }
}

// goList describes packages; the pattern "work" is every module of the
// workspace, or this module where there is none.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list %s: %s", strings.Join(args, " "), &stderr)
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
	require.NotEmpty(t, packages)
	return packages
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestDecisionImportsOnly(t *testing.T) {
	t.Parallel()
	allowed := []string{
		module + "/decision",
		module + "/internal/jsonx",
		module + "/llm",
		module + "/marketdata",
		module + "/marketdata/indicator",
		module + "/marketdata/indicator/internal/memo",
	}
	third := []string{
		"github.com/go-json-experiment/json", // through internal/jsonx
		"github.com/shopspring/decimal",
	}
	for _, p := range goList(t, "-deps", "./decision") {
		if !p.Standard && !slices.ContainsFunc(third, func(path string) bool { return within(p.ImportPath, path) }) {
			require.Contains(t, allowed, p.ImportPath, "every importer of the engine would get it")
		}
	}
}

// TestLayers says which other layers of ours one may reach, directly or not. A
// layer is a folder with its subfolders, unless a subfolder is a layer itself.
// Its own subfolders, internal/, and what a reached package keeps in an
// internal folder of its own come on top.
func TestLayers(t *testing.T) {
	t.Parallel()
	layers := map[string][]string{
		"breaker":                 {},
		"decision":                {"llm", "marketdata", "marketdata/indicator"},
		"fallback":                {"decision", "llm", "marketdata", "marketdata/indicator"},
		"internal":                {"secret"},
		"internal/faultsdoc":      {"llm", "llm/llmtest", "marketdata", "marketdata/astertest", "secret"}, // writes docs/faults.md
		"llm":                     {"secret"},
		"marketdata":              {"secret"},
		"marketdata/aster":        {"decision", "llm", "marketdata", "marketdata/indicator", "secret"}, // accounts for the engine
		"marketdata/astertest":    {"marketdata", "secret"},                                            // an independent reading of the venue
		"marketdata/marketreplay": {"marketdata"},
		"migrations":              {},
		"scripts":                 {},
		"secret":                  {},
		"store":                   {"decision", "llm", "marketdata", "marketdata/indicator", "migrations", "secret"},
		"store/storetest":         {"decision", "llm", "llm/llmtest", "marketdata", "marketdata/indicator", "secret", "store"}, // budgets are held to llmtest's suite
	}
	for _, p := range goList(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, module)
		if path == "" {
			continue
		}
		layer := layerOf(layers, path[1:])
		reach, known := layers[layer]
		require.True(t, known, "%s: say in this test what it may reach", p.ImportPath)
		for _, dep := range p.Deps {
			rest, found := strings.CutPrefix(dep, module+"/")
			if !found || layerOf(layers, rest) == layer || within(rest, "internal") {
				continue
			}
			owner, _, _ := strings.Cut(rest, "/internal/")
			require.Contains(t, reach, owner, "reached by %s", p.ImportPath)
		}
	}
}

// layerOf is the innermost layer around a folder, or "".
func layerOf[V any](layers map[string]V, folder string) string {
	layer := ""
	for name := range layers {
		if within(folder, name) && len(name) > len(layer) {
			layer = name
		}
	}
	return layer
}

func TestCinarIsImportedByOnePackage(t *testing.T) {
	t.Parallel()
	importers := 0
	for _, p := range goList(t, "work") {
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if within(path, agpl) {
				importers++
				require.Equal(t, cinarPackage, p.ImportPath, "imports %s, which is AGPL-3.0", path)
			}
		}
	}
	require.NotZero(t, importers, "%s no longer imports %s: this test looks for the wrong name", cinarPackage, agpl)
}

func TestOnlyProgramsReachCinarAndNoneDoesByTheTag(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"", "nocinar"} {
		for _, p := range goList(t, "-tags", tags, "work") {
			if within(p.ImportPath, cinarPackage) || tags == "" && within(p.ImportPath, module+"/examples") {
				continue
			}
			require.False(t, slices.ContainsFunc(p.Deps, func(dep string) bool { return within(dep, agpl) }),
				"%s, built with -tags=%q, contains AGPL-3.0 code", p.ImportPath, tags)
		}
	}
}

func TestExamplesImportWhatAHostCan(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "work") {
		if !within(p.ImportPath, module+"/examples") {
			continue
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			require.False(t, within(path, module+"/internal"), "%s imports %s", p.ImportPath, path)
		}
	}
}

// TestNoOtherCopyleft reads the licence of every module that a package or a
// test of ours links.
func TestNoOtherCopyleft(t *testing.T) {
	t.Parallel()
	accepted := map[string]string{
		"github.com/cinar/indicator/v2": "AGPL", // kept in one package by the tests above
		"pgregory.net/rapid":            "MPL",  // test tools alone, checked below
	}
	modules := map[string]string{}
	for _, p := range goList(t, "-deps", "-test", "work") {
		if p.Module != nil && !within(p.Module.Path, module) {
			modules[p.Module.Path] = p.Module.Dir
		}
	}
	require.Contains(t, modules, "github.com/shopspring/decimal")
	for path, dir := range modules {
		kind := licence(t, path, dir)
		if want, special := accepted[path]; special {
			require.Equal(t, want, kind, path)
		} else {
			require.Equal(t, "permissive", kind, path)
		}
	}
	for _, p := range goList(t, "work") {
		if !strings.HasSuffix(p.Name, "test") {
			require.NotContains(t, p.Deps, "pgregory.net/rapid", "%s would hand MPL code to its importers", p.ImportPath)
		}
	}
}

// licence classifies a module by the words with which licence texts begin
// their grant, the strictest of several texts. The MPL's comes first because
// it names the GNU licences.
func licence(t *testing.T, path, dir string) string {
	t.Helper()
	words := []struct{ text, kind string }{
		{"Mozilla Public License", "MPL"},
		{"GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL"},
		{"GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"},
		{"GNU GENERAL PUBLIC LICENSE", "GPL"},
		{"Permission is hereby granted, free of charge", "permissive"},      // MIT
		{"Redistribution and use in source and binary forms", "permissive"}, // BSD
		{"Permission to use, copy, modify, and", "permissive"},              // ISC
		{"Apache License Version 2.0", "permissive"},
	}
	require.NotEmpty(t, dir, "%s is not in the module cache", path)
	files, err := filepath.Glob(filepath.Join(dir, "LICEN[CS]E*"))
	require.NoError(t, err)
	copying, err := filepath.Glob(filepath.Join(dir, "COPYING*"))
	require.NoError(t, err)
	var texts []string
	for _, file := range append(files, copying...) {
		if strings.Contains(filepath.Base(file), "3RD-PARTY") {
			continue // the licences of other modules, each of which is looked at itself where it is linked
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		texts = append(texts, strings.ToUpper(strings.Join(strings.Fields(string(data)), " ")))
	}
	for _, w := range words {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, strings.ToUpper(w.text)) }) {
			return w.kind
		}
	}
	return fmt.Sprintf("unknown, in %s", dir)
}
