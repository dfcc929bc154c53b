// Package render shows decisions and scores to people: as tables that fit a
// terminal, and as the same text without colours anywhere else.
package render

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Style says what the output can show.
type Style struct {
	Width int  // columns; default 120, and at least 40
	Color bool // default false
}

const (
	defaultWidth = 120
	minWidth     = 40
)

func (s Style) width() int {
	if s.Width == 0 {
		return defaultWidth
	}
	return max(s.Width, minWidth)
}

// SGR codes of the terminal.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
	faint  = "2"
)

func (s Style) paint(code, word string) string {
	if !s.Color || code == "" || word == "" {
		return word
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}

// Clean makes foreign text fit for a terminal: one line, without control and
// invisible format characters, which could rewrite what is on the screen.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// clip shortens clean text to n characters.
func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// newTable is a light table whose header is shown as it is written.
func newTable() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	return t
}

// wrapped breaks clean text into lines of at most width characters.
func wrapped(s string, width int) []string {
	lines := strings.Split(text.WrapSoft(s, width), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// noteLines are labelled lines below a table.
type noteLines struct {
	b     strings.Builder
	style Style
}

const labelWidth = 12

// add writes one note; an empty label continues the one before.
func (n *noteLines) add(label, foreign string) {
	for i, line := range wrapped(clip(Clean(foreign), maxTextRunes), n.style.width()-labelWidth) {
		if i > 0 {
			label = ""
		}
		n.b.WriteString(n.style.paint(faint, label) + strings.Repeat(" ", labelWidth-len(label)) + line + "\n")
	}
}

// list writes notes under one label.
func (n *noteLines) list(label string, foreign []string) {
	for _, line := range foreign {
		n.add(label, line)
		label = ""
	}
}

// records writes a table, or where the terminal is too narrow for it a block
// of lines for each row, labelled by the first line of the header.
func (n *noteLines) records(t table.Writer, header []string, rows [][]string) {
	rendered := t.Render()
	if text.LongestLineLen(rendered) <= n.style.width() {
		n.b.WriteString(rendered + "\n")
		return
	}
	for i, row := range rows {
		if i > 0 {
			n.b.WriteString("\n")
		}
		for j, cell := range row {
			if label, _, _ := strings.Cut(header[j], "\n"); cell != "" && cell != none {
				n.add(label, cell)
			}
		}
	}
}

// none stands in a cell that has nothing to show.
const none = "-"

// maxTextRunes bounds a text on screen; --json has all of it.
const maxTextRunes = 600
