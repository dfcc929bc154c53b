package main

import (
	"go/ast"
	"go/token"
)

// otherMethods are the methods that a decimal's may be confused with, first
// the one at the boundary, then the opposite.
func otherMethods(name string) []string {
	return map[string][]string{
		"GreaterThan":        {"GreaterThanOrEqual", "LessThanOrEqual"},
		"GreaterThanOrEqual": {"GreaterThan", "LessThan"},
		"LessThan":           {"LessThanOrEqual", "GreaterThanOrEqual"},
		"LessThanOrEqual":    {"LessThan", "GreaterThan"},
		"IsPositive":         {"IsNegative"},
		"IsNegative":         {"IsPositive"},
		"Add":                {"Sub"},
		"Sub":                {"Add"},
		"Mul":                {"Div", "Add"},
		"Div":                {"Mul"},
		"Min":                {"Max"},
		"Max":                {"Min"},
		"RoundUp":            {"RoundDown"},
		"RoundDown":          {"RoundUp"},
	}[name]
}

// comparesDecimals names methods whose opposite call proposes.
func comparesDecimals(name string) bool {
	switch name {
	case "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "IsPositive", "IsNegative", "IsZero", "Equal":
		return true
	}
	return false
}

func (f *finder) call(n *ast.CallExpr) {
	switch function := n.Fun.(type) {
	case *ast.Ident:
		if other, ok := map[string]string{"min": "max", "max": "min", "divUp": "divDown", "divDown": "divUp"}[function.Name]; ok {
			f.rename(n, function, other)
		}
	case *ast.SelectorExpr:
		for _, other := range otherMethods(function.Sel.Name) {
			f.rename(n, function.Sel, other)
		}
		f.sign(n, function)
	}
}

// rename calls another function or method with the same arguments.
func (f *finder) rename(call *ast.CallExpr, name *ast.Ident, other string) {
	before, after := "", ""
	if s, ok := call.Fun.(*ast.SelectorExpr); ok {
		before = clipLeft(f.source.of(s.X), 40) + "."
	}
	after = clip(f.source.text[f.source.offset(name.End()):f.source.offset(call.End())], 60)
	f.replace(name.Pos(), name.End(), other, before+name.Name+after, before+other+after)
}

// sign turns a decimal's sign or the test of it round.
func (f *finder) sign(n *ast.CallExpr, method *ast.SelectorExpr) {
	receiver := f.source.of(method.X)
	switch name := method.Sel.Name; name {
	case "IsPositive", "IsNegative":
		f.replaceNode(n, "!"+receiver+"."+otherMethods(name)[0]+"()")
		fallthrough
	case "IsZero", "Equal":
		if f.underNot != n {
			f.replaceNode(n, "!"+f.source.of(n))
		}
	case "Neg", "Abs":
		if len(n.Args) == 0 {
			f.replace(method.X.End(), n.End(), "", clipLeft(f.source.of(n), 60), clipLeft(receiver, 60))
		}
	}
}

// returns proposes the opposite of what a function returns as a bool.
func (f *finder) returns(signature *ast.FuncType, body *ast.BlockStmt) {
	if signature.Results == nil {
		return
	}
	var bools []bool // for each result
	for _, field := range signature.Results.List {
		name, ok := field.Type.(*ast.Ident)
		for range max(len(field.Names), 1) {
			bools = append(bools, ok && name.Name == "bool")
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if _, inner := n.(*ast.FuncLit); inner {
			return false
		}
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == len(bools) {
			for i, result := range r.Results {
				if bools[i] {
					f.negate(result)
				}
			}
		}
		return true
	})
}

// deletable statements compile when they are left out, as far as one can tell
// from themselves.
func deletable(statement ast.Stmt) bool {
	switch s := statement.(type) {
	case *ast.ExprStmt:
		_, call := s.X.(*ast.CallExpr)
		return call
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE || s.Tok == token.BREAK
	case *ast.ReturnStmt:
		return len(s.Results) == 0
	}
	return false
}

func (f *finder) statements(list []ast.Stmt) {
	for _, statement := range list {
		if deletable(statement) {
			f.leaveOut(clip(f.source.of(statement), 100), statement.Pos(), statement.End())
		}
		switch s := statement.(type) {
		case *ast.IncDecStmt:
			other := map[token.Token]string{token.INC: "--", token.DEC: "++"}[s.Tok]
			f.replaceNode(s, f.source.of(s.X)+other)
		case *ast.BranchStmt:
			if other, ok := map[token.Token]token.Token{token.CONTINUE: token.BREAK, token.BREAK: token.CONTINUE}[s.Tok]; ok {
				f.replace(s.Pos(), s.Pos()+token.Pos(len(s.Tok.String())), other.String(), s.Tok.String(), other.String())
			}
		}
	}
}

// emptied leaves a body out, unless leaving its only statement out is that.
func (f *finder) emptied(what string, body []ast.Stmt) {
	if len(body) == 0 || len(body) == 1 && deletable(body[0]) {
		return
	}
	f.leaveOut(what, body[0].Pos(), body[len(body)-1].End())
}

// leaveOut keeps statements from running. They stay in the text, so that what
// they use is still used.
func (f *finder) leaveOut(what string, start, end token.Pos) {
	text := f.source.text[f.source.offset(start):f.source.offset(end)]
	f.replace(start, end, "if false {\n"+text+"\n}", what, "nothing")
}
