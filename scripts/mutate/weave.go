package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// The environment variable and the package variable that say which mutant runs.
const (
	switchEnv  = "BALLAST_MUTANT"
	switchName = "mutantSwitch"
)

// switchSource is the file that woven sources read their switch from.
func switchSource(packageName string) string {
	return fmt.Sprintf("package %s\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar %s, _ = strconv.Atoi(os.Getenv(%q))\n", packageName, switchName, switchEnv)
}

// woven is a source with a copy of a function for each of its mutants.
type woven struct {
	text   string
	copies []span
}

// span are the lines, both included, in which a mutant's copy stands.
type span struct{ id, first, last int }

// weave adds to the text of a source the mutants' functions, and to each
// mutated function a switch that calls the copy whose turn it is. Mutants whose
// text is no Go are left to the caller as not parsed.
func weave(s *source, mutants []mutant) (out woven, notParsed []int) {
	var order []*ast.FuncDecl
	copies := map[*ast.FuncDecl][]mutant{}
	for _, m := range mutants {
		if !parses(m) {
			notParsed = append(notParsed, m.id)
			continue
		}
		if copies[m.decl] == nil {
			order = append(order, m.decl)
		}
		copies[m.decl] = append(copies[m.decl], m)
	}
	var edits []edit
	for _, decl := range order {
		edits = append(edits, s.dispatch(decl, copies[decl])...)
	}
	var text strings.Builder
	text.WriteString(apply(s.text, edits...))
	line := 1 + strings.Count(text.String(), "\n")
	for _, decl := range order {
		for _, m := range copies[decl] {
			one := "\n" + s.copyOf(m) + "\n"
			lines := strings.Count(one, "\n")
			out.copies = append(out.copies, span{m.id, line, line + lines})
			text.WriteString(one)
			line += lines
		}
	}
	out.text = text.String()
	return out, notParsed
}

func parses(m mutant) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+m.source.copyOf(m), parser.SkipObjectResolution)
	return err == nil
}

func copyName(m mutant) string { return fmt.Sprintf("%s_mutant%d", m.decl.Name.Name, m.id) }

// copyOf is the mutant's function under a name of its own.
func (s *source) copyOf(m mutant) string {
	start := s.offset(m.decl.Pos())
	name := edit{s.offset(m.decl.Name.Pos()) - start, s.offset(m.decl.Name.End()) - start, copyName(m)}
	change := edit{m.edit.start - start, m.edit.end - start, m.edit.with}
	return apply(s.of(m.decl), name, change)
}

// dispatch are the edits that make a function call its copies: every parameter
// gets a name, and the body begins with the switch.
func (s *source) dispatch(decl *ast.FuncDecl, mutants []mutant) []edit {
	var edits []edit
	call := ""
	if decl.Recv != nil {
		receiver, more := s.nameFields(decl.Recv, "mutantReceiver")
		edits = append(edits, more...)
		call = receiver[0] + "."
	}
	arguments, more := s.nameFields(decl.Type.Params, "mutantArgument")
	edits = append(edits, more...)
	types := ""
	if decl.Type.TypeParams != nil {
		var names []string
		for _, field := range decl.Type.TypeParams.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
		types = "[" + strings.Join(names, ", ") + "]"
	}
	body := " switch " + switchName + " {\n"
	for _, m := range mutants {
		body += fmt.Sprintf("case %d:\n", m.id)
		if decl.Type.Results == nil {
			body += call + copyName(m) + types + "(" + strings.Join(arguments, ", ") + ")\nreturn\n"
		} else {
			body += "return " + call + copyName(m) + types + "(" + strings.Join(arguments, ", ") + ")\n"
		}
	}
	at := s.offset(decl.Body.Lbrace) + 1
	return append(edits, edit{at, at, body + "}\n"})
}

// nameFields are the names of parameters as arguments, and the edits that name
// those that have none.
func (s *source) nameFields(fields *ast.FieldList, prefix string) (names []string, edits []edit) {
	for i, field := range fields.List {
		suffix := ""
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			suffix = "..."
		}
		if len(field.Names) == 0 {
			name := fmt.Sprintf("%s%d", prefix, i)
			at := s.offset(field.Type.Pos())
			edits = append(edits, edit{at, at, name + " "})
			names = append(names, name+suffix)
		}
		for j, ident := range field.Names {
			name := ident.Name
			if name == "_" {
				name = fmt.Sprintf("%s%d_%d", prefix, i, j)
				edits = append(edits, edit{s.offset(ident.Pos()), s.offset(ident.End()), name})
			}
			names = append(names, name+suffix)
		}
	}
	return names, edits
}
