package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
)

// modelChoice is --llm. The zero value leaves the choice to the settings.
type modelChoice struct {
	kind string // "", "openrouter", "none" or "replay"
	file string // of a recording
}

const (
	askOpenRouter = "openrouter"
	askNone       = "none"
	askReplay     = "replay"
)

// UnmarshalText reads the flag.
func (m *modelChoice) UnmarshalText(text []byte) error {
	kind, file, _ := strings.Cut(string(text), ":")
	switch {
	case (kind == askOpenRouter || kind == askNone) && file == "" && string(text) == kind, kind == askReplay && file != "":
		m.kind, m.file = kind, file
		return nil
	}
	return fmt.Errorf("must be openrouter, none or replay:FILE, was %.80q", text)
}

var (
	errNoKey       = errors.New("--llm openrouter needs OPENROUTER_API_KEY, or another endpoint in OPENROUTER_BASE_URL")
	errNoRecording = errors.New("--record needs a model to ask: see --llm openrouter")
)

// asks settles whether a model is asked.
func (m *modelChoice) asks(s *session, cfg config.Config) (bool, error) {
	switch {
	case m.kind == askReplay:
		return true, nil
	case m.kind == askNone:
		return false, nil
	case m.kind == "" && !cfg.HasModel:
		if s.env["OPENROUTER_BASE_URL"] != "" {
			s.warn("OPENROUTER_BASE_URL is set, but no model is asked: set OPENROUTER_API_KEY, or LLM_MODEL for an endpoint on this machine, or --llm")
		}
		return false, nil
	}
	if cfg.OpenRouterKey.IsZero() && s.env["OPENROUTER_BASE_URL"] == "" {
		return false, usageError{errNoKey}
	}
	return true, nil
}

// withCalls opens the recordings of models that the flags name.
func (c *decideCommand) withCalls(o app.Options, use func(app.Options) error) error {
	if c.LLM.kind == askReplay {
		file, err := os.Open(c.LLM.file)
		if err != nil {
			return usageError{notOpened("--llm replay:", err)}
		}
		defer func() { _ = file.Close() }() //nolint:errcheck // only read
		o.Replay = file
	}
	if c.Record == "" {
		return use(o)
	}
	if !o.AskModel || o.Replay != nil {
		return usageError{errNoRecording}
	}
	return withNewFile("--record", c.Record, func(w io.Writer) error {
		o.Record = w
		return use(o)
	})
}

// circuitOf is what the decision depended on: the circuit that refused, else
// that of the first model.
func circuitOf(out app.Outcome) *api.Circuit {
	switch {
	case out.Result.Circuit != "":
		return &api.Circuit{State: out.Result.Circuit, Wait: out.Result.ProbeIn}
	case len(out.Circuits) > 0:
		return &api.Circuit{State: string(out.Circuits[0].State), Wait: out.Circuits[0].Wait}
	}
	return nil
}

// circuitLines are those of the circuits that are not closed. Who has put right
// what was wrong, such as a key, need not wait.
func circuitLines(circuits []app.Circuit) []string {
	var lines []string
	for _, c := range circuits {
		if c.State != breaker.PhaseClosed {
			lines = append(lines, render.Circuit(c.Model, string(c.State), c.Wait, c.Reason))
		}
	}
	if len(lines) > 0 {
		lines = append(lines, "to close by hand: ballast breakers reset")
	}
	return lines
}
