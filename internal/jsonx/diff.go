package jsonx

import (
	"bytes"
	"strconv"
	"strings"
)

// Difference is the first place at which two JSON values differ.
type Difference struct {
	Pointer     string // RFC 6901; empty: the whole
	Left, Right string // the values there, clipped; empty: absent
}

// maxShown bounds the values of a Difference, maxDiffDepth how deep it looks.
const (
	maxShown     = 200
	maxDiffDepth = 64
)

// Diff finds the first difference of two valid JSON values, by members in the
// order of the left one; false when there is none. Numbers are compared as they
// are written, the order of members does not matter.
func Diff(left, right []byte) (Difference, bool) { return diff(left, right, "", 0) }

func diff(left, right Raw, at string, depth int) (Difference, bool) {
	if bytes.Equal(left, right) {
		return Difference{}, false
	}
	kind := left.Kind()
	if kind != right.Kind() || kind != '{' && kind != '[' || depth == maxDiffDepth {
		return Difference{Pointer: at, Left: Shorten(string(left)), Right: Shorten(string(right))}, true
	}
	names, lefts := parts(left)
	others, rights := parts(right)
	for i, name := range names {
		value, ok := rights[name]
		if !ok {
			return Difference{Pointer: at + "/" + name, Left: Shorten(string(lefts[name]))}, true
		}
		if found, ok := diff(lefts[names[i]], value, at+"/"+name, depth+1); ok {
			return found, true
		}
	}
	for _, name := range others {
		if _, ok := lefts[name]; !ok {
			return Difference{Pointer: at + "/" + name, Right: Shorten(string(rights[name]))}, true
		}
	}
	return Difference{}, false // the same members in another order, or written with other white space
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1") //nolint:gochecknoglobals // a table that never changes

// parts are the members or elements of an object or array, by the token of a
// pointer that leads to them.
func parts(value Raw) (names []string, values map[string]Raw) {
	d, values := NewDecoder(value), map[string]Raw{}
	if _, err := d.Token(); err != nil {
		return nil, nil
	}
	for {
		more, err := d.More()
		if err != nil || !more {
			return names, values
		}
		name := strconv.Itoa(len(names))
		if value.Kind() == '{' {
			text, err := d.Text()
			if err != nil {
				return names, values
			}
			name = pointerEscaper.Replace(string(text))
		}
		raw, err := d.Raw()
		if err != nil {
			return names, values
		}
		names, values[name] = append(names, name), bytes.Clone(raw)
	}
}

// Shorten is text that fits into a message.
func Shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}
