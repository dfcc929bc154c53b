package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// mutant is one edit. Its key does not change with the lines around it.
type mutant struct {
	id       int // from 1; 0 is the code as it is
	source   *source
	decl     *ast.FuncDecl // nil outside a function
	function string        // empty outside a function
	text     string        // what becomes what
	line     int
	edit     edit
}

func (m mutant) key() string { return m.source.name + ":" + m.function + ":" + m.text }

// findMutants lists the mutants of all files in the order of their text.
func findMutants(sources []*source) []mutant {
	var all []mutant
	for _, s := range sources {
		f := finder{source: s, seen: map[edit]bool{}}
		for _, decl := range s.syntax.Decls {
			f.decl, f.function = nil, ""
			if function, ok := decl.(*ast.FuncDecl); ok {
				if function.Body == nil || function.Name.Name == "init" {
					continue
				}
				f.decl, f.function = function, functionName(function)
				f.returns(function.Type, function.Body)
				ast.Inspect(function.Body, f.visit)
				continue
			}
			ast.Inspect(decl, f.visit)
		}
		slices.SortStableFunc(f.found, func(a, b mutant) int { return a.edit.start - b.edit.start })
		all = append(all, f.found...)
	}
	times := map[string]int{}
	for i := range all {
		m := &all[i]
		m.id = i + 1
		key := m.key()
		if times[key]++; times[key] > 1 {
			m.text += fmt.Sprintf(" #%d", times[key])
		}
	}
	return all
}

// finder collects the mutants of one file.
type finder struct {
	source   *source
	decl     *ast.FuncDecl
	function string
	seen     map[edit]bool
	underNot ast.Expr // what the last ! stands before; its opposite is proposed
	found    []mutant
}

// replace proposes other text between two positions.
func (f *finder) replace(start, end token.Pos, with, was, is string) {
	e := edit{f.source.offset(start), f.source.offset(end), with}
	if f.seen[e] {
		return
	}
	f.seen[e] = true
	f.found = append(f.found, mutant{
		source: f.source, decl: f.decl, function: f.function, edit: e,
		text: oneLine(was) + " => " + oneLine(is), line: f.source.fset.Position(start).Line,
	})
}

// replaceNode proposes other text for a node.
func (f *finder) replaceNode(n ast.Node, with string) {
	f.replace(n.Pos(), n.End(), with, clip(f.source.of(n), 80), clip(with, 84))
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ArrayType:
		return false // a longer array is the same program
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			f.replaceNode(n, f.source.of(n.X))
			f.underNot = ast.Unparen(n.X)
		}
	case *ast.CallExpr:
		f.call(n)
	case *ast.BasicLit:
		f.literal(n)
	case *ast.Ident:
		if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
			f.replaceNode(n, other)
		}
	case *ast.FuncLit:
		f.returns(n.Type, n.Body)
	case *ast.IfStmt:
		f.ifStatement(n)
	case *ast.ForStmt:
		f.negate(n.Cond)
	case *ast.SwitchStmt:
		f.switchStatement(n)
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
		f.emptied(f.caseName(n), n.Body)
	}
	return true
}

func (f *finder) caseName(n *ast.CaseClause) string {
	if len(n.List) == 0 {
		return "body of default"
	}
	return "body of case " + clip(f.source.text[f.source.offset(n.List[0].Pos()):f.source.offset(n.List[len(n.List)-1].End())], 60)
}

func (f *finder) ifStatement(n *ast.IfStmt) {
	f.negate(n.Cond)
	f.emptied("body of if "+clip(f.source.of(n.Cond), 60), n.Body.List)
	if other, ok := n.Else.(*ast.BlockStmt); ok {
		f.emptied("else of if "+clip(f.source.of(n.Cond), 60), other.List)
	}
}

func (f *finder) switchStatement(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, clause := range n.Body.List {
		if c, ok := clause.(*ast.CaseClause); ok {
			for _, condition := range c.List {
				f.negate(condition)
			}
		}
	}
}

// negate proposes the opposite of a condition, unless another mutant is that
// already.
func (f *finder) negate(e ast.Expr) {
	if e == nil {
		return
	}
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		return
	case *ast.Ident:
		if x.Name == "true" || x.Name == "false" {
			return
		}
	case *ast.BinaryExpr:
		if x.Op == token.EQL || x.Op == token.NEQ {
			return
		}
	case *ast.CallExpr:
		if s, ok := x.Fun.(*ast.SelectorExpr); ok && comparesDecimals(s.Sel.Name) {
			return
		}
	}
	f.replaceNode(e, "!("+f.source.of(e)+")")
}

func (f *finder) binary(n *ast.BinaryExpr) {
	if n.Op == token.ADD && (holdsText(n.X) || holdsText(n.Y)) {
		return
	}
	for _, op := range otherOperators(n.Op) {
		x, y := f.source.of(n.X), f.source.of(n.Y)
		if logical(n) {
			x, y = "("+x+")", "("+y+")" // the text keeps its tree when the operator binds otherwise
		}
		left, right := clipLeft(f.source.of(n.X), 40), clip(f.source.of(n.Y), 40)
		f.replace(n.Pos(), n.End(), "("+x+" "+op.String()+" "+y+")", left+" "+n.Op.String()+" "+right, left+" "+op.String()+" "+right)
	}
	if logical(n) {
		for _, side := range []ast.Expr{n.X, n.Y} {
			if b, ok := ast.Unparen(side).(*ast.BinaryExpr); !ok || !logical(b) {
				f.negate(side)
			}
		}
	}
}

func logical(n *ast.BinaryExpr) bool { return n.Op == token.LAND || n.Op == token.LOR }

func otherOperators(op token.Token) []token.Token {
	return map[token.Token][]token.Token{
		token.LSS: {token.LEQ}, token.LEQ: {token.LSS}, token.GTR: {token.GEQ}, token.GEQ: {token.GTR},
		token.EQL: {token.NEQ}, token.NEQ: {token.EQL}, token.LAND: {token.LOR}, token.LOR: {token.LAND},
		token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO, token.ADD}, token.QUO: {token.MUL}, token.REM: {token.QUO},
	}[op]
}

// holdsText reports an operand of a concatenation, which has no difference.
func holdsText(e ast.Expr) bool {
	text := false
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text = true
		}
		_, call := n.(*ast.CallExpr)
		return !call
	})
	return text
}

func (f *finder) literal(n *ast.BasicLit) {
	value, err := strconv.ParseInt(n.Value, 0, 64)
	if n.Kind != token.INT || err != nil {
		return
	}
	for _, other := range []int64{value + 1, value - 1} {
		with := strconv.FormatInt(other, 10)
		if other < 0 {
			with = "(" + with + ")"
		}
		line := f.source.fset.Position(n.Pos()).Line
		f.replace(n.Pos(), n.End(), with, n.Value, with+" in "+clip(f.source.line(line), 80))
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// clip keeps the beginning of a text, clipLeft its end.
func clip(text string, limit int) string {
	runes := []rune(oneLine(text))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit]) + "…"
}

func clipLeft(text string, limit int) string {
	runes := []rune(oneLine(text))
	if len(runes) <= limit {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-limit:])
}
