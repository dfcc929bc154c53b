package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// unused warns about variables that look like settings but are none, because
// a typing error would otherwise leave a default in force unseen. It goes
// last: what was looked up is what is known.
func (r *reader) unused() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.env)) {
		ours := strings.HasPrefix(name, "BALLAST_") || strings.HasPrefix(name, "LLM_") || strings.HasPrefix(name, "DB_")
		if !ours || slices.Contains(r.known, name) {
			continue
		}
		text := fmt.Sprintf("%.60s is not used", name)
		if near := nearest(name, r.known); near != "" {
			text += ": did you mean " + near + "?"
		}
		out = append(out, text)
	}
	return out
}

const maxDistance = 3

// nearest is the known name that the fewest edits lead to; empty when that
// takes too many.
func nearest(name string, known []string) string {
	best, least := "", maxDistance+1
	for _, k := range known {
		if abs(len(k)-len(name)) > maxDistance {
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
