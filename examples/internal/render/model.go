package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/llm"
)

func origin(res decision.Result) string {
	switch res.Origin {
	case decision.OriginModel:
		return fmt.Sprintf("the model %s (%s)", answering(res), spent(res.Usage))
	case decision.OriginFallback:
		return "technical fallback, because " + res.Reason
	case decision.OriginHold:
		return "nobody, everything is held, because " + res.Reason
	}
	return string(res.Origin) + ": " + res.Reason
}

// answering is the model, and by which name it was asked when that is another.
func answering(res decision.Result) string {
	if n := len(res.Tried); n > 0 && res.Tried[n-1].Model != res.Model {
		return res.Model + ", asked as " + res.Tried[n-1].Model
	}
	return res.Model
}

func spent(u llm.Usage) string {
	tokens, cost := "tokens unknown", "cost unknown"
	if u.PromptTokens+u.CompletionTokens > 0 {
		tokens = fmt.Sprintf("%d tokens asked, %d answered", u.PromptTokens, u.CompletionTokens)
	}
	if u.CostUSD.Valid {
		cost = u.CostUSD.Decimal.String() + " USD"
	}
	return tokens + ", " + cost
}

// attempts has one line for each call to a model.
func attempts(tried []llm.Attempt) []string {
	out := make([]string, len(tried))
	for i, a := range tried {
		switch a.Kind {
		case "":
			out[i] = fmt.Sprintf("%s answered in %s, %s", a.Model, Duration(a.Took), spent(a.Usage))
		case llm.KindOther:
			out[i] = a.Model + " was not asked"
		default:
			out[i] = fmt.Sprintf("%s failed after %s: %s", a.Model, Duration(a.Took), a.Kind)
		}
	}
	return out
}

// Duration is d as a person reads it: in milliseconds, from a second on in
// tenths, and from a minute on in seconds.
func Duration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(time.Second / 10).String()
	}
	return d.Round(time.Millisecond).String()
}

// Circuit is "test/model: circuit open, next probe in 4m58s: reason". A wait
// of 0 means that the next call is the probe, or that it is under way.
func Circuit(model, state string, wait time.Duration, reason string) string {
	text := fmt.Sprintf("%s: circuit %s", model, state)
	if seconds := api.WholeSeconds(wait); seconds != nil {
		text += ", next probe in " + (time.Duration(*seconds) * time.Second).String()
	}
	if reason != "" {
		text += ": " + reason
	}
	return text
}

// Breakers writes the circuits of models as a table, and below it how each of
// them failed last.
func Breakers(w io.Writer, all []api.Breaker, style Style) error {
	t := newTable()
	header := []string{"circuit", "state", "calls", "rates", "in a row", "opened", "latency"}
	t.AppendHeader(tableRow(header))
	n := noteLines{style: style}
	var rows [][]string
	var failures []string
	for _, b := range all {
		row := []string{
			strings.Replace(clip(Clean(b.Name), 60), " (", "\n(", 1), state(b), calls(b), rates(b),
			strconv.FormatUint(b.ConsecutiveFailures, 10), strconv.FormatUint(b.Opened, 10), latency(b),
		}
		t.AppendRow(tableRow(row))
		t.AppendSeparator()
		rows = append(rows, row)
		if b.LastFailureAt != nil && b.LastFailureReason != nil {
			failures = append(failures, fmt.Sprintf("%s at %s: %s", b.Name, b.LastFailureAt.Format(time.RFC3339), *b.LastFailureReason))
		}
	}
	n.records(t, header, rows)
	if len(failures) > 0 {
		n.b.WriteString("\n")
		n.list("last failed", failures)
	}
	_, err := io.WriteString(w, n.b.String())
	return err
}

func state(b api.Breaker) string {
	switch {
	case b.NextProbeSeconds != nil:
		return b.State + "\nprobe in " + (time.Duration(*b.NextProbeSeconds) * time.Second).String()
	case b.State == string(breaker.PhaseHalfOpen):
		return b.State + "\nprobe is due"
	}
	return b.State
}

func calls(b api.Breaker) string {
	return fmt.Sprintf("%d made,\n%d succeeded,\n%d failed,\n%d uncounted,\n%d refused", b.Total, b.Successes, b.Failures, b.Excluded, b.Rejected)
}

func rates(b api.Breaker) string {
	return "success " + percent(b.SuccessRate) + "\nserved " + percent(b.ServedRate)
}

func percent(rate *float64) string {
	if rate == nil {
		return "unknown"
	}
	return strconv.FormatFloat(*rate, 'f', 1, 64) + " %"
}

func latency(b api.Breaker) string {
	if b.LatencyP50Ms == nil || b.LatencyP95Ms == nil || b.LatencyP99Ms == nil {
		return none
	}
	text := make([]string, 0, 3)
	for _, ms := range []*int64{b.LatencyP50Ms, b.LatencyP95Ms, b.LatencyP99Ms} {
		text = append(text, Duration(time.Duration(*ms)*time.Millisecond))
	}
	return "p50 " + text[0] + "\np95 " + text[1] + "\np99 " + text[2]
}
