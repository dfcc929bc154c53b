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
	"github.com/ballast-go/ballast/store"
)

type historyCommand struct {
	databaseFlags
	spanFlags
	Account  string `placeholder:"NAME" help:"Of this account. Default every account."`
	Symbol   string `placeholder:"SYMBOL" help:"That decide on this asset; the others are left out of them."`
	Strategy string `placeholder:"ID" help:"Of this strategy."`
	Limit    int    `default:"50" help:"At most so many, the newest; 1 to 200."`
	Offset   int    `default:"0" help:"Skip so many. The cursor is quicker."`
	Cursor   string `placeholder:"TEXT" help:"Go on where the page ended that printed this."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Run lists decisions.
func (c *historyCommand) Run(ctx context.Context, s *session) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	return c.open(ctx, s, app.DatabaseOptions{ReadOnly: true}, func(db app.Database) error {
		page, err := db.Page(ctx, q)
		switch {
		case errors.Is(err, store.ErrCursor):
			return usageError{errors.New("--cursor must be one that a page before printed")}
		case err != nil:
			return err
		case c.JSON:
			return api.Write(&s.out, api.NewHistory(page, q))
		case len(page.Entries) == 0:
			_, err = fmt.Fprintln(&s.out, "no decisions")
			return err
		}
		if err := render.History(&s.out, page, s.style); err != nil {
			return err
		}
		if page.Next != "" {
			_, err = fmt.Fprintf(&s.out, "%d in all; go on with --cursor %s\n", page.Total, page.Next)
		}
		return err
	})
}

func (c *historyCommand) query() (store.Query, error) {
	q := store.Query{Filter: store.Filter{AccountID: c.Account, StrategyID: c.Strategy, Limit: c.Limit}, Cursor: c.Cursor, Offset: c.Offset, Count: true}
	if c.Limit < 1 || c.Limit > store.MaxPageSize {
		return q, usageError{fmt.Errorf("--limit must be between 1 and %d, was %d", store.MaxPageSize, c.Limit)}
	}
	if c.Offset < 0 {
		return q, usageError{fmt.Errorf("--offset must not be negative, was %d", c.Offset)}
	}
	if c.Symbol != "" {
		symbol, err := config.ParseSymbol(c.Symbol)
		if err != nil {
			return q, usageError{fmt.Errorf("--symbol %w", err)}
		}
		q.Symbol = symbol
	}
	var err error
	q.Since, q.Until, err = c.span()
	return q, err
}

type showCommand struct {
	databaseFlags
	ID   string `arg:"" help:"Id of the decision, as history shows it."`
	JSON bool   `name:"json" help:"Print the whole record as JSON: everything that determined the decision."`
}

// Run shows one decision with all that it was made from.
func (c *showCommand) Run(ctx context.Context, s *session) error {
	return c.open(ctx, s, app.DatabaseOptions{ReadOnly: true}, func(db app.Database) error {
		page, err := db.Page(ctx, store.Query{ID: c.ID})
		if err == nil && len(page.Entries) == 0 {
			err = store.ErrNotFound
		}
		if err != nil {
			return notFound(c.ID, err)
		}
		entry := page.Entries[0]
		if entry.Source == store.SourceLegacy {
			if c.JSON {
				return api.Write(&s.out, api.NewHistoryEntry(entry))
			}
			return render.Entry(&s.out, entry, s.style)
		}
		r, err := db.Record(ctx, c.ID)
		if err != nil {
			return notFound(c.ID, err)
		}
		if c.JSON {
			return api.Write(&s.out, struct {
				Entry  api.HistoryEntry `json:"entry"`
				Record decision.Record  `json:"record"`
			}{api.NewHistoryEntry(entry), r})
		}
		scores := r.Assessments
		if len(scores) == 0 {
			scores = r.Proposal.Assessments
		}
		if err := (render.Decision{Result: r.Result, Record: r, Scores: scores}).Write(&s.out, s.style); err != nil {
			return err
		}
		return render.Entry(&s.out, entry, s.style)
	})
}

// notFound says where to look for ids.
func notFound(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no decision %.128q: see ballast history", id)
	}
	return err
}
