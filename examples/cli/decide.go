package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type decideCommand struct {
	marketFlags
	LongInterval *string     `placeholder:"4h" help:"Longer candles beside them. Default LONG_INTERVAL, else 4h."`
	LLM          modelChoice `name:"llm" placeholder:"openrouter|none|replay:FILE" help:"Which model to ask; replay answers from what --record wrote, to the same questions: give the same --at, market, account and models. Default openrouter when OPENROUTER_API_KEY is set, or OPENROUTER_BASE_URL is on this machine and LLM_MODEL is set; else none."`
	Record       string      `placeholder:"FILE" help:"Record what the model is asked and answers to a new file."`
	Account      string      `placeholder:"NAME" help:"Account to decide for. Default the one of --state, else default."`
	State        string      `placeholder:"FILE" help:"State of the account as JSON; its limits win over LEVERAGE and MAX_POSITION_SIZE_USD. Default a paper account of 10000 USD."`
	Strategy     string      `placeholder:"ID|FILE.json" default:"${strategy}" help:"Built-in strategy, or a file with one."`
	Strict       bool        `help:"Exit with 3 when anything was refused or degraded."`
}

var errOtherAccount = errors.New("--account names another account than --state")

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
	req, err := c.request(cfg)
	if err != nil {
		return err
	}
	if text := overruled(req.Account, cfg.AccountSettings); c.State != "" && text != "" {
		s.warn(text)
	}
	o := s.options(c.marketFlags, cfg)
	if o.AskModel, err = c.LLM.asks(s, cfg); err != nil {
		return err
	}
	return c.withFiles(o, func(o app.Options) error {
		return s.withApp(ctx, o, func(a *app.App) error { return c.decide(ctx, s, a, req) })
	})
}

func (c *decideCommand) decide(ctx context.Context, s *session, a *app.App, req decision.Request) error {
	out, err := a.Decide(ctx, req)
	if err != nil {
		return err
	}
	if c.State == "" {
		out.Result.Degraded = append(out.Result.Degraded, fmt.Sprintf("paper account of %s USD: no --state was given", req.Account.BalanceUSD))
	}
	return c.show(s, out)
}

func (c *decideCommand) request(cfg config.Config) (decision.Request, error) {
	strategy, err := findStrategy(c.Strategy)
	if err != nil {
		return decision.Request{}, err
	}
	req := decision.Request{Symbols: cfg.Assets, Strategy: strategy}
	if c.State == "" {
		req.Account = app.PaperAccount(app.DefaultAccount, cfg)
		if c.Account != "" {
			req.Account.ID = c.Account
		}
		return req, nil
	}
	req.Account, err = readAccount(c.State)
	if err == nil && c.Account != "" && c.Account != req.Account.ID {
		err = usageError{fmt.Errorf("%w: %.40q and %.40q", errOtherAccount, c.Account, req.Account.ID)}
	}
	return req, err
}

// show fills the output. With --strict the error says what was not as it
// should be, and the output is shown all the same.
func (c *decideCommand) show(s *session, out app.Outcome) error {
	var err error
	if c.JSON {
		err = api.Write(&s.out, api.NewDecision(out.Result, out.Record, out.Assessments(), circuitOf(out), out.Took))
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
