package llmtest

import (
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/llm"
)

// ScenarioModel is the model that Scenarios are written for. Its provider also
// answers as "model-2026-05-01", the same model by its date.
const ScenarioModel = "test/model"

// Who decides in the end. They are decision.OriginModel and OriginFallback.
const (
	DecidedByModel    = "model"
	DecidedByFallback = "fallback"
)

// What should follow an answer that cannot be used. They are the classes of
// decision.AnswerError.
const (
	AskAgain = "ask_again"
	Retry    = "retry"
	FailOver = "fail_over"
	Reject   = "reject"
)

// ScenarioSymbols are the assets that the answers of Scenarios are about.
func ScenarioSymbols() []string { return []string{"BTCUSDT", "ETHUSDT"} }

// ScenarioTime is when Scenarios happen; dates in them are relative to it.
func ScenarioTime() time.Time { return time.Date(2025, 10, 10, 22, 0, 0, 0, time.UTC) }

// Scenario is a way in which a provider behaves, at every call, and what is to
// come of it.
type Scenario struct {
	Name   string
	What   string // does the provider, in one line
	Step   Step
	Echo   bool // the content is the prompt, in place of the step's
	Expect Expectation
}

// Expectation is what each layer makes of a Scenario: the client, the decoder
// of answers, and an engine with that client and a fallback.
type Expectation struct {
	// Kind, Status and Wait are those of the client's *llm.Error. No Kind: the
	// client returns a response, or the context's error.
	Kind   llm.Kind
	Status int
	Wait   time.Duration // with a clock at ScenarioTime
	// Deadline says that nothing but the caller's deadline ends the call.
	Deadline bool
	// Retryable says that the same call may succeed later.
	Retryable bool
	// Answer is the class of the decoder's error: AskAgain, Retry, FailOver or
	// Reject. Empty: the answer is usable, or there is none.
	Answer string
	// Alarm says that the answer smells of injection.
	Alarm bool
	// DecidedBy is DecidedByModel or DecidedByFallback.
	DecidedBy string
	Note      string // for people
}

// Stalls reports that the call ends by a time-out of the caller's side alone,
// so that a test should make those short.
func (e Expectation) Stalls() bool {
	return e.Deadline || e.Kind == llm.KindTimeout && e.Status == 0
}

// Script is a provider that behaves so at every call.
func (s Scenario) Script() Config {
	if !s.Echo {
		return Config{Steps: []Step{s.Step}}
	}
	return Config{Then: func(req Request) Step {
		step, completion := s.Step, *s.Step.Completion
		var prompt strings.Builder
		for _, message := range req.Messages {
			prompt.WriteString(message.Content + "\n")
		}
		completion.Content = prompt.String()
		step.Completion = &completion
		return step
	}}
}

// Scenarios is every way in which this package knows a provider to behave. An
// adopter's own test can play them all:
//
//	for _, s := range llmtest.Scenarios() {
//		server, err := llmtest.Start(s.Script())
//		…
//	}
func Scenarios() []Scenario {
	return slices.Concat(wholeAnswers(), stalls(), brokenConnections(), statuses(), errorsInside200(), oversized(),
		unfinishedAnswers(), wrappedAnswers(), malformedAnswers(), wrongNumbers(), wrongNames(), echoes())
}

// again is a failed call that may succeed later.
func again(kind llm.Kind, status int) Expectation {
	return Expectation{Kind: kind, Status: status, Retryable: true, DecidedBy: DecidedByFallback}
}

// final is a failed call that would fail again.
func final(kind llm.Kind, status int) Expectation {
	return Expectation{Kind: kind, Status: status, DecidedBy: DecidedByFallback}
}

// unusable is an answer that cannot be used.
func unusable(class string) Expectation {
	return Expectation{Answer: class, DecidedBy: DecidedByFallback}
}

// usable is an answer that decides.
func usable() Expectation { return Expectation{DecidedBy: DecidedByModel} }

func (e Expectation) after(wait time.Duration) Expectation {
	e.Wait = wait
	return e
}

func (e Expectation) alarming() Expectation {
	e.Alarm = true
	return e
}

func (e Expectation) noted(note string) Expectation {
	e.Note = note
	return e
}
