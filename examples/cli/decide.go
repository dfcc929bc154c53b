package main

import (
	"context"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type decideCommand struct {
	marketFlags
	accountFlags
	LongInterval *string     `placeholder:"4h" help:"Longer candles beside them. Default LONG_INTERVAL, else 4h."`
	LLM          modelChoice `name:"llm" placeholder:"openrouter|none|replay:FILE" help:"Which model to ask; replay answers from what --record wrote, to the same questions: give the same --at, market, account and models. Default openrouter when OPENROUTER_API_KEY is set, or OPENROUTER_BASE_URL is on this machine and LLM_MODEL is set; else none."`
	Record       string      `placeholder:"FILE" help:"Record what the model is asked and answers to a new file."`
	NoRecord     bool        `help:"Do not keep the decision. Default it is recorded in DATABASE_URL before it is shown."`
	Strict       bool        `help:"Exit with 3 when anything was refused or degraded."`
}

// Run decides.
func (c *decideCommand) Run(ctx context.Context, s *session) error {
	more := map[string]config.Override{}
	if c.LongInterval != nil {
		more["LONG_INTERVAL"] = config.Override{Flag: "--long-interval", Value: *c.LongInterval}
	}
	cfg, err := s.configure(c.marketFlags, more)
	if err != nil {
		return err
	}
	req, err := c.request(s, cfg)
	if err != nil {
		return err
	}
	o := s.options(c.marketFlags, cfg)
	if o.AskModel, err = c.LLM.asks(s, cfg); err != nil {
		return err
	}
	return c.withCalls(o, func(o app.Options) error {
		return s.withApp(ctx, c.marketFlags, o, app.StorageOptions{NoRecord: c.NoRecord}, func(a *app.App) error { return c.decide(ctx, s, a, req) })
	})
}

func (c *decideCommand) decide(ctx context.Context, s *session, a *app.App, req decision.Request) error {
	notes, err := c.settle(ctx, a, &req)
	if err != nil {
		return err
	}
	out, err := a.Decide(ctx, req)
	if err != nil {
		return err
	}
	out.Result.Degraded = append(out.Result.Degraded, notes...)
	return c.show(s, out)
}

// show fills the output. With --strict the error says what was not as it
// should be, and the output is shown all the same.
func (c *decideCommand) show(s *session, out app.Outcome) error {
	var err error
	if c.JSON {
		var answer api.Decision
		if answer, err = api.NewDecision(out.Result, out.Record, out.Assessments(), circuitOf(out), out.Took); err == nil {
			err = api.Write(&s.out, answer)
		}
	} else {
		err = render.Decision{
			Result: out.Result, Record: out.Record, Scores: out.Assessments(), Circuits: circuitLines(out.Circuits),
		}.Write(&s.out, s.style)
	}
	if err != nil {
		return err
	}
	if bad := len(out.Result.Refused) + len(out.Result.Degraded); c.Strict && bad > 0 {
		return &degradedError{refused: len(out.Result.Refused), degraded: len(out.Result.Degraded)}
	}
	return nil
}
