package decision

import (
	"time"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// Request asks for a decision.
type Request struct {
	Account  Account
	Strategy Strategy // the zero value is the default strategy
	Symbols  []string // 1–10, unique
	Halted   bool     // global kill switch: nothing that adds risk
	// ForceRefresh asks anew although a Cache may have a proposal, and has it
	// remember the new one.
	ForceRefresh bool
}

// MaxSymbols is how many assets one request may name.
const MaxSymbols = 10

// Severity says what a violation does. The zero value is invalid.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // refuses
	SeverityWarning Severity = "warning" // is reported
)

// Violation is a rule that a proposal breaks, with the numbers. Asset is
// empty for the whole proposal: as an error it refuses whatever adds risk.
type Violation struct {
	Rule     string   `json:"rule"`
	Asset    string   `json:"asset,omitempty"`
	Severity Severity `json:"severity"`
	Limit    string   `json:"limit,omitempty"`
	Value    string   `json:"value,omitempty"`
	Message  string   `json:"message"`
}

// Refusal is a proposed action that the gate did not let through.
type Refusal struct {
	Asset      string        `json:"asset"`
	Was        AssetDecision `json:"was"`
	Violations []Violation   `json:"violations"`
}

// Result is a decision that passed the gate and was recorded.
type Result struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Decision Decision  `json:"decision"`        // safe to act on
	Origin   Origin    `json:"origin"`          // who proposed it
	Reason   string    `json:"reason"`          // why that one did
	Model    string    `json:"model,omitempty"` // that answered, as it was served
	// Tried is what was asked of which model, in order, failures included.
	Tried []llm.Attempt `json:"tried,omitempty"`
	// Circuit is the state of the breaker that refused the model, empty when
	// none did, and ProbeIn the time until it lets a call through again.
	Circuit string        `json:"circuit,omitempty"`
	ProbeIn time.Duration `json:"probe_in_ns,omitzero"`
	// Refused are the proposed actions that became holds.
	Refused  []Refusal     `json:"refused"`
	Warnings []Violation   `json:"warnings"`
	Degraded []string      `json:"degraded"` // what was less than it should be
	Cached   bool          `json:"cached"`   // another request asked for the proposal
	Usage    llm.Usage     `json:"usage"`
	Took     time.Duration `json:"took_ns"`
}

// RecordSchema is the version of Record that this package writes.
const RecordSchema = 1

// Record is everything that determined a result. Only Digest identifies its
// content; an id is given by the engine.
type Record struct {
	Schema int   `json:"schema"`
	Input  Input `json:"input"`
	// Request is the question to the model, Responses its answers in order;
	// both are zero when no model was asked.
	Request    llm.Request    `json:"request,omitzero"`
	Responses  []llm.Response `json:"responses,omitempty"`
	Normalised []string       `json:"normalised,omitempty"`  // lossless wrappings taken off the answer
	ModelError string         `json:"model_error,omitempty"` // why the answer was not used
	// Recheck holds the quotes that the gate judged by when they were read
	// again after the model answered; nil: those of Input.
	Recheck  *Recheck `json:"recheck,omitempty"`
	Proposal Proposal `json:"proposal"`
	// Assessments are the Scorer's beside a model's proposal.
	Assessments []Assessment `json:"assessments,omitempty"`
	Result      Result       `json:"result"`
}

// Recheck is the market as the gate saw it.
type Recheck struct {
	At       time.Time                     `json:"at"`
	Quotes   map[string]marketdata.Quote   `json:"quotes"`
	Failures map[string]marketdata.Failure `json:"failures,omitempty"`
	// Halted and Halt are a kill switch thrown since Input was made.
	Halted bool  `json:"halted,omitempty"`
	Halt   *Halt `json:"halt,omitempty"`
}

// MarshalJSON writes decimals as JSON numbers with their exact digits. Equal
// records give equal bytes.
func (r Record) MarshalJSON() ([]byte, error) {
	type plain Record
	return jsonx.Marshal(plain(r))
}

// UnmarshalJSON reads what MarshalJSON writes, and wrote in earlier schemas; a
// later one is ErrSchema.
func (r *Record) UnmarshalJSON(data []byte) error {
	if err := checkSchema(data); err != nil {
		return err
	}
	type plain Record
	return jsonx.Unmarshal(data, (*plain)(r))
}

// MarshalJSON writes decimals as JSON numbers with their exact digits.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	return jsonx.Marshal(plain(r))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Result) UnmarshalJSON(data []byte) error {
	type plain Result
	return jsonx.Unmarshal(data, (*plain)(r))
}
