package openrouter

import (
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm"
)

// SameModel reports whether served names the model asked for. Names are equal
// after three differences are taken away, and no others:
//
//   - a routing suffix on either: ":nitro", ":floor", ":free", ":exacto";
//   - a "vendor/" that only one of them has;
//   - a date that only served ends in, the snapshot behind an alias:
//     "-20260131", "-2026-01-31", "-0131" or "-01-31".
func SameModel(asked, served string) bool {
	asked, served = trimRouting(asked), trimRouting(served)
	if strings.Contains(asked, "/") != strings.Contains(served, "/") {
		asked, served = afterSlash(asked), afterSlash(served)
	}
	if asked == "" || served == "" {
		return false
	}
	rest, found := strings.CutPrefix(served, asked)
	return found && (rest == "" || isSnapshot(rest))
}

func trimRouting(model string) string {
	name, suffix, found := strings.Cut(model, ":")
	if found && slices.Contains([]string{"nitro", "floor", "free", "exacto"}, suffix) {
		return name
	}
	return model
}

func afterSlash(model string) string {
	_, name, found := strings.Cut(model, "/")
	if found {
		return name
	}
	return model
}

func isSnapshot(suffix string) bool {
	for _, layout := range [...]string{"-20060102", "-2006-01-02", "-0102", "-01-02"} {
		if _, err := time.Parse(layout, suffix); err == nil {
			return true
		}
	}
	return false
}

// checkModel refuses an answer of a model that was not asked for.
func (c *call) checkModel(served string) error {
	if SameModel(c.model, served) || slices.Contains(c.client.cfg.AllowedModels, served) {
		return nil
	}
	return c.fail(llm.KindModel, 0, "answered by "+clipName(served))
}

// maxNameLen bounds ids and names that come from a server.
const maxNameLen = 128

func clipName(name string) string { return httpx.Redact(name, maxNameLen) }
