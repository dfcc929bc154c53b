package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/replay"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/store"
)

type replayCommand struct {
	databaseFlags
	spanFlags
	ID      []string `arg:"" optional:"" help:"Ids of decisions, as history shows them."`
	All     bool     `help:"Replay every decision, or those that the other flags select."`
	Account string   `placeholder:"NAME" help:"With --all: of this account."`
	Prompt  bool     `help:"Write the question to the model anew, too. It differs where the wording of prompts has changed since."`
	Score   bool     `help:"Have the fallback propose anew, too. It differs where MIN_CONFIDENCE, MAX_RISK_SCORE or the fallback have changed since."`
	JSON    bool     `name:"json" help:"Print a report of each decision as a line of JSON."`
}

var (
	errReplayWhat = errors.New("replay needs the id of a decision, or --all")
	errDiffers    = errors.New("a decision that is derived again is another one: its record or the program was changed since")
)

// replays counts what was replayed.
type replays struct {
	cfg                      replay.Config
	done, differing, skipped int
}

// Run derives decisions again.
func (c *replayCommand) Run(ctx context.Context, s *session) error {
	since, until, err := c.span()
	if err != nil {
		return err
	}
	if c.All == (len(c.ID) > 0) {
		return usageError{errReplayWhat}
	}
	cfg := replay.Config{Prompt: c.Prompt}
	if c.Score {
		settings, err := c.settings(s)
		if err != nil {
			return err
		}
		cfg.Scorer = app.NewScorer(settings)
	}
	f := store.Filter{AccountID: c.Account, Since: since, Until: until}
	return c.open(ctx, s, app.DatabaseOptions{ReadOnly: true}, func(db app.Database) error {
		n := replays{cfg: cfg}
		if err := c.each(ctx, db, f, func(r decision.Record) error { return c.one(ctx, s, r, &n) }); err != nil {
			return err
		}
		return c.sum(s, n)
	})
}

// each hands on the records that were asked for.
func (c *replayCommand) each(ctx context.Context, db app.Database, f store.Filter, hand func(decision.Record) error) error {
	for _, id := range c.ID {
		r, err := db.Record(ctx, id)
		if err == nil {
			err = hand(r)
		}
		if err != nil {
			return notFound(id, err)
		}
	}
	if !c.All {
		return nil
	}
	for r, err := range db.Records(ctx, f) {
		if err == nil {
			err = hand(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *replayCommand) one(ctx context.Context, s *session, r decision.Record, n *replays) error {
	report, err := replay.Check(ctx, r, n.cfg)
	if err != nil {
		return err
	}
	n.done++
	n.skipped += len(report.Skipped)
	if !report.OK() {
		n.differing++
	}
	if c.JSON {
		return api.WriteLine(&s.out, report)
	}
	for _, m := range report.Mismatches {
		_, _ = fmt.Fprintf(&s.out, "%s: %s\n", render.Clean(report.ID), render.Clean(m.String()))
	}
	if len(c.ID) > 0 {
		for _, skipped := range report.Skipped {
			_, _ = fmt.Fprintf(&s.out, "%s: not derived again: %s\n", render.Clean(report.ID), render.Clean(skipped))
		}
	}
	return nil
}

func (c *replayCommand) sum(s *session, n replays) error {
	if !c.JSON {
		_, _ = fmt.Fprintf(&s.out, "%d replayed, %d the same to the byte, %d not", n.done, n.done-n.differing, n.differing)
		if n.skipped > 0 {
			_, _ = fmt.Fprintf(&s.out, "; %d stages could not be derived again and were taken over", n.skipped)
		}
		_, _ = fmt.Fprintln(&s.out)
	}
	if n.differing > 0 {
		return &invalidError{errDiffers}
	}
	return nil
}
