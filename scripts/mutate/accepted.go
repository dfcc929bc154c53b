package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// readAccepted reads the explained survivors: one a line, key, tab and reason.
// Lines that begin with # and empty ones are comments.
func readAccepted(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var problems []error
	number := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		key, why, _ := strings.Cut(line, "\t")
		_, twice := out[key]
		if strings.TrimSpace(why) == "" || twice {
			problems = append(problems, fmt.Errorf("%s:%d: must be a key that stands once, a tab and a reason, was %q", path, number, line))
		}
		out[key] = strings.TrimSpace(why)
	}
	return out, errors.Join(problems...)
}
