package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/ledgerfile"
	"github.com/ballast-go/ballast/llm/openrouter"
)

// ledgerName is the file of the ledger in DATA_DIR.
const ledgerName = "budget.jsonl"

// lazyBudget is a budget that opens its ledger, and asks the endpoint for the
// prices that are not known, with the first call: within that call's deadline,
// and under its circuit. Whatever fails refuses the call.
type lazyBudget struct {
	client llm.Client
	list   *openrouter.Client
	o      Options

	lock   chan struct{} // a mutex that a context can give up on
	ledger llm.Ledger
	file   *ledgerfile.Ledger // that ledger, unless the database keeps it
	prices llm.Prices
	budget *llm.Budget
	closed bool
}

func newLazyBudget(client llm.Client, list *openrouter.Client, o Options) *lazyBudget {
	return &lazyBudget{client: client, list: list, o: o, lock: make(chan struct{}, 1)}
}

// Complete makes the call, or refuses it.
func (b *lazyBudget) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	budget, err := b.open(ctx, req)
	if err != nil {
		return llm.Response{}, err
	}
	return budget.Complete(ctx, req)
}

var errClosed = errors.New("app: closed")

func (b *lazyBudget) open(ctx context.Context, req llm.Request) (*llm.Budget, error) {
	select {
	case b.lock <- struct{}{}:
		defer func() { <-b.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.budget != nil {
		return b.budget, nil
	}
	refuse := func(err error) error {
		return &llm.BudgetError{Reason: llm.BudgetLedger, Account: req.Account, Model: req.Model, Err: err}
	}
	if b.closed {
		return nil, refuse(errClosed)
	}
	if err := b.openLedger(); err != nil { //nolint:contextcheck // opening a file does not wait
		return nil, refuse(err)
	}
	if err := b.learnPrices(ctx); err != nil {
		return nil, err
	}
	budget, err := llm.NewBudget(llm.BudgetConfig{
		Client: b.client, Ledger: b.ledger, Daily: llm.Limits{USD: b.o.Config.DailyBudgetUSD}, Prices: b.prices,
		Logger: b.o.Logger, Now: b.o.Now,
	})
	if err != nil {
		return nil, refuse(err)
	}
	b.budget = budget
	return budget, nil
}

func (b *lazyBudget) openLedger() (err error) {
	if b.ledger != nil {
		return nil
	}
	if b.o.Storage != nil && b.o.Storage.database != nil {
		b.ledger = b.o.Storage.database
		return nil
	}
	dir := b.o.Config.DataDir
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	b.file, err = ledgerfile.Open(ledgerfile.Config{Path: filepath.Join(dir, ledgerName)})
	if err == nil {
		b.ledger = b.file
	}
	return err
}

// learnPrices asks only when a model is not in the library's own table.
func (b *lazyBudget) learnPrices(ctx context.Context) error {
	if b.prices != nil {
		return nil
	}
	prices, err := llm.KnownPrices()
	if err != nil {
		return err
	}
	for _, model := range append([]string{b.o.Config.Model}, b.o.Config.Fallbacks...) {
		if _, known := prices[model]; known {
			continue
		}
		list, err := b.list.Models(ctx)
		if err != nil {
			return err
		}
		prices = prices.With(openrouter.Prices(list))
		break
	}
	b.prices = prices
	return nil
}

// close gives the ledger up. It is called when no call is under way any more,
// or when those that are have been given up.
func (b *lazyBudget) close() error {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	b.closed, b.budget = true, nil
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
