package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ballast-go/ballast/breaker"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type breakersCommand struct {
	List  listBreakers  `cmd:"" default:"withargs" help:"Show the circuits of models as the last runs left them."`
	Reset resetBreakers `cmd:"" help:"Close circuits by hand."`
}

type listBreakers struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the circuits.
func (c *listBreakers) Run(s *session) error {
	cfg, err := s.readConfig(nil)
	if err != nil {
		return err
	}
	file, err := app.ReadCircuits(cfg.DataDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all := make([]api.Breaker, len(file.Circuits))
	for i, one := range file.Circuits {
		all[i] = breakerOf(one, s.now().UTC())
	}
	switch {
	case c.JSON:
		return api.Write(&s.out, all)
	case len(all) == 0:
		_, err := fmt.Fprintln(&s.out, "no circuits: no run has asked a model with DATA_DIR "+render.Clean(cfg.DataDir))
		return err
	}
	return render.Breakers(&s.out, all, s.style)
}

type resetBreakers struct {
	Name string `arg:"" optional:"" help:"Name of a circuit as breakers shows it. Default all of them."`
}

// Run closes circuits.
func (c *resetBreakers) Run(s *session) error {
	cfg, err := s.readConfig(nil)
	if err != nil {
		return err
	}
	done, err := app.ResetCircuits(cfg.DataDir, c.Name)
	switch {
	case errors.Is(err, app.ErrNoCircuit):
		return usageError{err}
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("%w: no run has asked a model with DATA_DIR %s", app.ErrNoCircuit, cfg.DataDir)}
	case err != nil:
		return err
	}
	for _, name := range done {
		_, _ = fmt.Fprintln(&s.out, "closed "+render.Clean(name))
	}
	return nil
}

// readConfig reads the settings and says what is strange about them.
func (s *session) readConfig(overrides map[string]config.Override) (config.Config, error) {
	cfg, err := config.Read(s.env, overrides)
	if err != nil {
		return cfg, usageError{err}
	}
	for _, w := range cfg.Warnings {
		s.warn(w)
	}
	return cfg, nil
}

// maxPause is the longest that a circuit can refuse calls, whatever a file says.
const maxPause = 24 * time.Hour

// breakerOf is a saved circuit as it is at a later time.
func breakerOf(c app.SavedCircuit, at time.Time) api.Breaker {
	state, until := stateAt(c.State, at)
	out := api.Breaker{
		Name: c.State.Name, State: string(state), NextProbeSeconds: api.WholeSeconds(min(until.Sub(at), maxPause)),
		Total: c.Total, Successes: c.Successes, Failures: c.Failures, Excluded: c.Excluded, Rejected: c.Rejected,
		SuccessRate: share(c.Successes, c.Successes+c.Failures), ServedRate: share(c.Served, c.Reported),
		ConsecutiveFailures: c.ConsecutiveFailures, Opened: c.Opened, SavedAt: c.SavedAt,
		LatencyP50Ms: millis(c.LatencyP50), LatencyP95Ms: millis(c.LatencyP95), LatencyP99Ms: millis(c.LatencyP99),
	}
	if !c.LastFailureAt.IsZero() {
		out.LastFailureAt, out.LastFailureReason = &c.LastFailureAt, &c.LastFailureReason
	}
	return out
}

// stateAt is what a saved circuit has become by itself, and until when it
// refuses calls.
func stateAt(s breaker.State, at time.Time) (breaker.Phase, time.Time) {
	switch {
	case s.Phase == breaker.PhaseOpen && s.ProbeAt.After(at):
		return breaker.PhaseOpen, s.ProbeAt
	case s.CooldownUntil.After(at):
		return breaker.PhaseCooldown, s.CooldownUntil
	case s.Phase == breaker.PhaseOpen:
		return breaker.PhaseHalfOpen, time.Time{}
	}
	return breaker.PhaseClosed, time.Time{}
}

func share(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	rate := 100 * float64(part) / float64(whole)
	return &rate
}

func millis(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}
