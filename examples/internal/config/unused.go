package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	maxUnused     = 5 // warnings; an environment may be full of names
	maxOwnEdits   = 3 // from a name with a prefix of ours
	maxOtherEdits = 2 // from any other, which may belong to another program
)

// unused warns about variables that look like settings but are none, because
// a typing error would otherwise leave a default in force unseen: those with a
// prefix of ours, and those that nearly are a known name. It goes last: what
// was looked up is what is known.
func (r *reader) unused() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.env)) {
		if slices.Contains(r.known, name) || len(out) == maxUnused {
			continue
		}
		ours := strings.HasPrefix(name, "BALLAST_") || strings.HasPrefix(name, "LLM_") || strings.HasPrefix(name, "DB_")
		most := maxOtherEdits
		if ours {
			most = maxOwnEdits
		}
		near := nearest(name, r.known, most)
		switch {
		case near != "":
			out = append(out, fmt.Sprintf("%.60s is not used: did you mean %s?", name, near))
		case ours:
			out = append(out, fmt.Sprintf("%.60s is not used", name))
		}
	}
	return out
}

// nearest is the known name that the fewest edits lead to; empty when that
// takes more than most.
func nearest(name string, known []string, most int) string {
	best, least := "", most+1
	for _, k := range known {
		if abs(len(k)-len(name)) > most {
			continue // which also keeps a huge name from costing anything
		}
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func abs(n int) int { return max(n, -n) }
