// Package replay derives a recorded decision again and compares, without any
// network: what the model's answers say, what was offered, what the gate let
// through, and the result as a whole.
//
//	report, err := replay.Check(ctx, rec, replay.Config{Rules: hostRules})
//	if err == nil && !report.OK() {
//		fmt.Println(report.Mismatches)
//	}
//
// A record and the code that it is replayed with belong together: a limit that
// was changed since is a mismatch, and meant to be one.
package replay

import (
	"context"
	"fmt"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// Config is what the engine had that made the records. The zero value stands
// for an engine with the default rules.
type Config struct {
	Rules     decision.Rules       // Config.Rules of the engine: the host's own
	Freshness marketdata.Freshness // Config.Freshness of the engine

	// Prompt has the question written anew. It differs whenever the wording of
	// this package's prompt changed since.
	Prompt bool
	// Scorer scores anew what a Scorer proposed; nil: taken over as recorded.
	Scorer decision.Scorer
}

// Stage is a part of a decision that is derived on its own.
type Stage string

// The stages, in the order in which they are compared.
const (
	StageDecode   Stage = "decode"   // the model's answers
	StageEnvelope Stage = "envelope" // what was offered
	StagePrompt   Stage = "prompt"   // the question
	StageScore    Stage = "score"    // the Scorer's proposal, or that nobody proposed
	StageGate     Stage = "gate"     // what was let through, refused and warned about
	StageResult   Stage = "result"   // who decided and why, and the bytes
)

// Stages lists the stages in their order.
func Stages() []Stage {
	return []Stage{StageDecode, StageEnvelope, StagePrompt, StageScore, StageGate, StageResult}
}

// Report is what a replay found.
type Report struct {
	ID         string     `json:"id"`
	Compared   []Stage    `json:"compared"`
	Mismatches []Mismatch `json:"mismatches,omitempty"` // at most 10 of each stage
	// Skipped is what the record does not determine, each as "stage: why". It
	// was taken over as it was recorded.
	Skipped []string `json:"skipped,omitempty"`
}

// OK reports whether everything that was compared is as it was recorded.
func (r Report) OK() bool { return len(r.Mismatches) == 0 }

// Mismatch is a value of the record that is derived otherwise.
type Mismatch struct {
	Stage Stage  `json:"stage"`
	Field string `json:"field"` // JSON pointer into the record
	// Recorded and Replayed are JSON, each clipped to about 200 bytes around
	// what differs. Empty: there is none.
	Recorded string `json:"recorded"`
	Replayed string `json:"replayed"`
}

// String is one line.
func (m Mismatch) String() string {
	return fmt.Sprintf("%s %s: recorded %s, replayed %s", m.Stage, m.Field, orNothing(m.Recorded), orNothing(m.Replayed))
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// Check derives a record again and compares. It changes nothing and is safe
// for concurrent use if the rules and the Scorer are. The error is the
// context's, decision.ErrSchema, or that of a rule or Scorer that panics; what
// differs is no error but stands in the Report.
func Check(ctx context.Context, rec decision.Record, cfg Config) (report Report, err error) {
	if rec.Schema < 1 || rec.Schema > decision.RecordSchema {
		return Report{}, fmt.Errorf("replay: %w: %d, this version reads 1 to %d", decision.ErrSchema, rec.Schema, decision.RecordSchema)
	}
	if slices.Contains(cfg.Rules, nil) {
		return Report{}, fmt.Errorf("replay: Rules must not contain nil")
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("replay: a rule or the scorer panicked: %.200v", cause)
		}
	}()
	c := check{
		rec: &rec, cfg: cfg, rules: decision.RulesFor(cfg.Freshness, cfg.Rules...),
		report: Report{ID: rec.Result.ID},
	}
	for _, step := range []func(context.Context) error{c.decode, c.envelope, c.prompt, c.score, c.gate, c.result} {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("replay: %w", err)
		}
		if err := step(ctx); err != nil {
			return Report{}, fmt.Errorf("replay: %w", err)
		}
	}
	return c.report, nil
}

// check is one replay under way.
type check struct {
	rec    *decision.Record
	cfg    Config
	rules  decision.Rules
	report Report

	heard  decision.Heard
	used   bool // heard's answer is the proposal
	judged decision.Result
}

func (c *check) compared(stage Stage) { c.report.Compared = append(c.report.Compared, stage) }

func (c *check) skip(stage Stage, why string) {
	c.report.Skipped = append(c.report.Skipped, string(stage)+": "+why)
}

// compare notes where two values differ as JSON. Field is the JSON pointer of the recorded one.
func (c *check) compare(stage Stage, field string, recorded, replayed any) error {
	was, err := jsonx.Marshal(recorded)
	if err != nil {
		return fmt.Errorf("%s: recorded %s: %w", stage, field, err)
	}
	is, err := jsonx.Marshal(replayed)
	if err != nil {
		return fmt.Errorf("%s: replayed %s: %w", stage, field, err)
	}
	for _, d := range differences(field, was, is) {
		d.Stage = stage
		c.report.Mismatches = append(c.report.Mismatches, d)
	}
	return nil
}
