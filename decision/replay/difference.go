package replay

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxMismatches = 10  // of one comparison
	maxValueBytes = 200 // of each value, quotes and marks of a cut not counted
)

// differences are the values in which two JSON documents differ, in the order
// of their fields. It is empty only for equal bytes.
func differences(field string, recorded, replayed []byte) []Mismatch {
	if bytes.Equal(recorded, replayed) {
		return nil
	}
	was, errWas := readJSON(recorded)
	is, errIs := readJSON(replayed)
	var d difference
	if errWas == nil && errIs == nil {
		d.walk(field, was, is)
	}
	if len(d.found) == 0 { // the same values, written otherwise
		at := firstDifference(string(recorded), string(replayed))
		return []Mismatch{{Field: field, Recorded: around(string(recorded), at), Replayed: around(string(replayed), at)}}
	}
	return d.found
}

func readJSON(data []byte) (out any, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // every digit counts
	return out, dec.Decode(&out)
}

// absent is a value that one of the two does not have.
type absent struct{}

type difference struct{ found []Mismatch }

func (d *difference) walk(field string, was, is any) {
	if len(d.found) == maxMismatches {
		return
	}
	switch a := was.(type) {
	case map[string]any:
		if b, ok := is.(map[string]any); ok {
			d.objects(field, a, b)
			return
		}
	case []any:
		if b, ok := is.([]any); ok {
			d.arrays(field, a, b)
			return
		}
	default:
		if was == is {
			return
		}
	}
	d.note(field, was, is)
}

func (d *difference) objects(field string, was, is map[string]any) {
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.walk(field+"/"+escape(name), member(was, name), member(is, name))
	}
}

func member(object map[string]any, name string) any {
	if value, ok := object[name]; ok {
		return value
	}
	return absent{}
}

func (d *difference) arrays(field string, was, is []any) {
	at := func(list []any, i int) any {
		if i < len(list) {
			return list[i]
		}
		return absent{}
	}
	for i := range max(len(was), len(is)) {
		d.walk(field+"/"+strconv.Itoa(i), at(was, i), at(is, i))
	}
}

func (d *difference) note(field string, was, is any) {
	a, b := text(was), text(is)
	at := firstDifference(a, b)
	d.found = append(d.found, Mismatch{Field: field, Recorded: around(a, at), Replayed: around(b, at)})
}

// text is a value as JSON; that which is absent has none.
func text(value any) string {
	if value == (absent{}) {
		return ""
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "" // what was read can be written
	}
	return string(data)
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
