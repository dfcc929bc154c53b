package replay

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ballast-go/ballast/internal/jsonx"
)

const (
	maxMismatches = 10  // of one comparison
	maxValueBytes = 200 // of each value, the marks of a cut not counted
)

// differences are the values in which two JSON documents differ, in the order
// of their fields. It is empty only for equal bytes.
func differences(field string, recorded, replayed []byte) []Mismatch {
	var d difference
	d.walk(field, recorded, replayed)
	return d.found
}

type difference struct{ found []Mismatch }

// walk compares two values; an empty one is absent.
func (d *difference) walk(field string, was, is jsonx.Raw) {
	if bytes.Equal(was, is) || len(d.found) >= maxMismatches {
		return
	}
	before := len(d.found)
	if len(was) > 0 && len(is) > 0 && was[0] == is[0] {
		switch was[0] {
		case '{':
			d.objects(field, was, is)
		case '[':
			d.arrays(field, was, is)
		}
	}
	if len(d.found) == before { // they differ as a whole, or only in how they are written
		a, b := string(was), string(is)
		at := firstDifference(a, b)
		d.found = append(d.found, Mismatch{Field: field, Recorded: around(a, at), Replayed: around(b, at)})
	}
}

func (d *difference) objects(field string, was, is jsonx.Raw) {
	var a, b map[string]jsonx.Raw
	if jsonx.Unmarshal(was, &a) != nil || jsonx.Unmarshal(is, &b) != nil {
		return
	}
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.walk(field+"/"+escape(name), a[name], b[name])
	}
}

func (d *difference) arrays(field string, was, is jsonx.Raw) {
	var a, b []jsonx.Raw
	if jsonx.Unmarshal(was, &a) != nil || jsonx.Unmarshal(is, &b) != nil {
		return
	}
	at := func(list []jsonx.Raw, i int) jsonx.Raw {
		if i < len(list) {
			return list[i]
		}
		return nil
	}
	for i := range max(len(a), len(b)) {
		d.walk(field+"/"+strconv.Itoa(i), at(a, i), at(b, i))
	}
}

func firstDifference(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// around clips a text to maxValueBytes that include the place.
func around(text string, at int) string {
	if len(text) <= maxValueBytes {
		return text
	}
	from := min(max(at-maxValueBytes/2, 0), len(text)-maxValueBytes)
	to := from + maxValueBytes
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to--
	}
	out := text[from:to]
	if from > 0 {
		out = "…" + out
	}
	if to < len(text) {
		out += "…"
	}
	return out
}

// escape writes a name as a part of a JSON pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
