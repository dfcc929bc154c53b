package main

import (
	"context"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
)

type scoreCommand struct {
	marketFlags
}

// Run scores.
func (c *scoreCommand) Run(ctx context.Context, s *session) error {
	cfg, err := s.configure(c.marketFlags, nil)
	if err != nil {
		return err
	}
	req := decision.Request{Account: app.PaperAccount(app.DefaultAccount, cfg), Symbols: cfg.Assets}
	return s.withApp(ctx, c.marketFlags, s.options(c.marketFlags, cfg), app.StorageOptions{ReadOnly: true}, func(a *app.App) error {
		scores, notes, err := a.Assess(ctx, req)
		if err != nil {
			return err
		}
		if c.JSON {
			for i := range scores { // each stands alone, so each says what holds for all
				scores[i].Degraded = append(append([]string{}, notes...), scores[i].Degraded...)
			}
			return api.Write(&s.out, scores)
		}
		return render.Scores(&s.out, scores, notes, s.style)
	})
}
