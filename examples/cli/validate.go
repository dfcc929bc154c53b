package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type validateCommand struct {
	File string `arg:"" help:"Decision as JSON, bare or as decide --json prints it. A - is stdin."`
	marketFlags
	accountFlags
}

// Run checks a decision.
func (c *validateCommand) Run(ctx context.Context, s *session) error {
	cfg, err := s.configure(c.marketFlags, nil)
	if err != nil {
		return err
	}
	req, err := c.request(s, cfg)
	if err != nil {
		return err
	}
	given, err := c.read(ctx, s)
	if err != nil {
		return err
	}
	if c.Symbols == nil {
		if req.Symbols, err = c.assets(given); err != nil {
			return err
		}
	}
	return s.withApp(ctx, c.marketFlags, s.options(c.marketFlags, cfg), app.StorageOptions{ReadOnly: true}, func(a *app.App) error {
		notes, err := c.settle(ctx, a, &req)
		if err != nil {
			return c.atFault(err)
		}
		checked, err := a.Validate(ctx, req, given)
		if err != nil {
			return c.atFault(err)
		}
		checked.Degraded = append(checked.Degraded, notes...)
		return c.show(s, render.Validation{Given: given, Checked: checked, Account: req.Account, Strategy: req.Strategy})
	})
}

func (c *validateCommand) read(ctx context.Context, s *session) (decision.Decision, error) {
	data, err := s.read(ctx, c.File)
	if err != nil {
		return decision.Decision{}, err
	}
	given, err := parseDecision(data)
	if err != nil {
		return given, inFile(inputName(c.File), err)
	}
	return given, nil
}

// assets are those that the decision names.
func (c *validateCommand) assets(given decision.Decision) (symbols []string, err error) {
	for _, d := range given.Decisions {
		if !slices.Contains(symbols, d.Asset) {
			symbols = append(symbols, d.Asset)
		}
	}
	if n := len(symbols); n > decision.MaxSymbols {
		return nil, fmt.Errorf("%s: must name 1 to %d assets, named %d", inputName(c.File), decision.MaxSymbols, n)
	}
	return symbols, nil
}

// atFault blames the file, not the flags, for an asset that does not exist when
// the file alone named it.
func (c *validateCommand) atFault(err error) error {
	var data *app.DataError
	if c.Symbols == nil && errors.As(err, &data) && data.Unknown() {
		return fmt.Errorf("%s: %s", inputName(c.File), data.Error())
	}
	return err
}

func (c *validateCommand) show(s *session, v render.Validation) error {
	var err error
	if c.JSON {
		err = api.Write(&s.out, api.NewVerdict(v.Checked))
	} else {
		err = v.Write(&s.out, s.style)
	}
	if err == nil && !v.Checked.Valid {
		err = &invalidError{fmt.Errorf("%s is %s", inputName(c.File), v.Summary())}
	}
	return err
}
