package main

import (
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type strategiesCommand struct {
	List listStrategies `cmd:"" default:"withargs" help:"List the built-in strategies."`
	Show showStrategy   `cmd:"" help:"Show one strategy with its limits and its prompt."`
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
		return api.Write(&s.out, all)
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
		return api.Write(&s.out, one)
	}
	return render.Strategy(&s.out, one, s.style)
}
