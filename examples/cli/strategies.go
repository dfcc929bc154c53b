package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type strategiesCommand struct {
	List  listStrategies  `cmd:"" default:"withargs" help:"List the built-in strategies."`
	Show  showStrategy    `cmd:"" help:"Show one strategy with its limits and its prompt."`
	Check checkStrategies `cmd:"" help:"Check files with strategies, and report every problem."`
}

type listStrategies struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the strategies.
func (c *listStrategies) Run(s *session) error {
	var all []decision.Strategy
	for _, id := range decision.StrategyIDs() {
		one, err := decision.LoadStrategy(id)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	if c.JSON {
		versions := make([]api.Strategy, len(all))
		for i, one := range all {
			versions[i] = api.Strategy{Strategy: one}
		}
		return api.Write(&s.out, versions)
	}
	return render.Strategies(&s.out, all, s.style)
}

type showStrategy struct {
	ID   string `arg:"" help:"Id of a built-in strategy, or a file FILE.json."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run shows one strategy.
func (c *showStrategy) Run(s *session) error {
	one, err := findStrategy(c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return api.Write(&s.out, api.Strategy{Strategy: one})
	}
	return render.Strategy(&s.out, one, s.style)
}

type checkStrategies struct {
	Files []string `arg:"" name:"file" help:"Strategies as JSON, one a file, bare or as strategies show --json prints it. A - is stdin."`
}

// Run checks every file, whatever is wrong with the others.
func (c *checkStrategies) Run(ctx context.Context, s *session) error {
	var problems []error
	for _, path := range c.Files {
		text, err := s.checkStrategy(ctx, path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		_, _ = fmt.Fprintln(&s.out, render.Clean(text))
	}
	if err := errors.Join(problems...); err != nil {
		return &invalidError{err}
	}
	return nil
}

// checkStrategy says which strategy and version a file has.
func (s *session) checkStrategy(ctx context.Context, path string) (string, error) {
	data, err := s.read(ctx, path)
	if err != nil {
		return "", err
	}
	one, err := parseStrategy(data)
	if err != nil {
		return "", inFile(inputName(path), err)
	}
	version, err := render.Version(one)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s, %q, version %s", inputName(path), one.ID, one.Name, version), nil
}
