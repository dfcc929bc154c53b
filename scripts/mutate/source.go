package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one file to be mutated.
type source struct {
	path, name string // absolute, and within the folder
	text       string
	fset       *token.FileSet
	syntax     *ast.File
}

// match lists the files of a folder that match one of the globs and are wanted.
func match(dir, globs string, wanted func(path string) bool) ([]string, error) {
	var paths []string
	for glob := range strings.SplitSeq(globs, ",") {
		found, err := filepath.Glob(filepath.Join(dir, strings.TrimSpace(glob)))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", glob, err)
		}
		paths = append(paths, slices.DeleteFunc(found, func(path string) bool { return !wanted(path) })...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// readSources parses the files of a folder that match one of the globs. Test
// files never do.
func readSources(dir, globs string) ([]*source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	paths, err := match(dir, globs, func(path string) bool { return strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") })
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no file of %s matches %q", dir, globs)
	}
	sources := make([]*source, len(paths))
	for i, path := range paths {
		if sources[i], err = readSource(path); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func readSource(path string) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseSource(path, string(text))
}

func parseSource(path, text string) (*source, error) {
	s := &source{path: path, name: filepath.Base(path), text: text, fset: token.NewFileSet()}
	var err error
	s.syntax, err = parser.ParseFile(s.fset, path, text, parser.SkipObjectResolution)
	return s, err
}

func (s *source) offset(pos token.Pos) int { return s.fset.Position(pos).Offset }

// of is the text of a node.
func (s *source) of(n ast.Node) string { return s.text[s.offset(n.Pos()):s.offset(n.End())] }

// line is the text of a line, counted from 1.
func (s *source) line(number int) string {
	return strings.TrimSpace(strings.Split(s.text, "\n")[number-1])
}

// edit replaces the text between two byte offsets.
type edit struct {
	start, end int
	with       string
}

// apply makes edits that do not overlap.
func apply(text string, edits ...edit) string {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.WriteString(text[at:e.start])
		out.WriteString(e.with)
		at = e.end
	}
	out.WriteString(text[at:])
	return out.String()
}

// functionName is "Leverage.check" for a method, "newView" for a function.
func functionName(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return decl.Name.Name
	}
	receiver := decl.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if index, ok := receiver.(*ast.IndexExpr); ok {
		receiver = index.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return name.Name + "." + decl.Name.Name
	}
	return decl.Name.Name
}
