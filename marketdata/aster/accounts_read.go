package aster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

const (
	maxPages      = 10 // of income or trades
	tradesReach   = 7 * 24 * time.Hour
	tradesMargin  = time.Minute // less than the reach, so that the venue does not find the span too long
	manyPositions = 40          // from here on all open orders cost no more than those of each symbol
)

// reading is one attempt at an account. Each task writes a field of its own.
type reading struct {
	accounts *Accounts
	client   *Client
	at       time.Time // by the venue's clock

	info    AccountInfo
	fees    CommissionRate
	listing ExchangeInfo
	held    map[string]Holding // positions that are not zero

	risks  map[string]PositionRisk // one row a symbol
	income []Income
	orders map[string][]OpenOrder // of held symbols
	trades map[string][]Trade     // of held and configured symbols
	notes  []string
}

// read asks for everything and checks that the answers agree.
func (r *reading) read(ctx context.Context) error {
	var err error
	if r.at, err = r.client.venueTime(ctx); err != nil {
		return err
	}
	if err := r.readAccount(ctx); err != nil {
		return err
	}
	if r.held, err = r.positions(); err != nil {
		return err
	}
	if err := r.readDetails(ctx); err != nil {
		return err
	}
	return r.agree()
}

func (r *reading) readAccount(ctx context.Context) error {
	return together(ctx, func(ctx context.Context) (err error) {
		r.info, err = r.client.AccountInfo(ctx)
		return err
	}, func(ctx context.Context) error {
		_, err := r.accounts.loadModes(ctx)
		return err
	}, func(ctx context.Context) (err error) {
		r.fees, err = r.accounts.loadFees(ctx)
		return err
	}, func(ctx context.Context) error {
		got := r.accounts.info.load(ctx, r.client.ExchangeInfo)
		r.listing = got.value
		return got.err
	})
}

// positions are those that are not zero, in USDT and in one-way mode.
func (r *reading) positions() (map[string]Holding, error) {
	held, seen := map[string]Holding{}, map[string]bool{}
	for _, h := range r.info.Holdings {
		if h.PositionSide != sideBoth {
			return nil, fmt.Errorf("%w (%.40s has a %s position)", ErrHedgeMode, h.Symbol, h.PositionSide)
		}
		if seen[h.Symbol] {
			return nil, fmt.Errorf("%w: %.40s is listed twice", ErrInconsistentAccount, h.Symbol)
		}
		seen[h.Symbol] = true
		if h.Amount.IsZero() {
			continue
		}
		listing, err := r.listing.Symbol(h.Symbol)
		if err != nil {
			return nil, fmt.Errorf("%w: a position in %.40s: %w", ErrInconsistentAccount, h.Symbol, err)
		}
		if listing.QuoteAsset != usdt || listing.MarginAsset != usdt {
			return nil, fmt.Errorf("%w: a position in %.40s is in %.40s and %.40s, and only USDT is counted", ErrInconsistentAccount, h.Symbol, listing.QuoteAsset, listing.MarginAsset)
		}
		held[h.Symbol] = h
	}
	return held, nil
}

// readDetails asks for what depends on which symbols are held.
func (r *reading) readDetails(ctx context.Context) error {
	symbols := slices.Sorted(maps.Keys(r.held))
	asked := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(r.accounts.cfg.Symbols), symbols...))))
	trades, orders := make([][]Trade, len(asked)), make([][]OpenOrder, len(symbols))
	tasks := []func(context.Context) error{r.readRisks, r.readIncome}
	for n, symbol := range asked {
		tasks = append(tasks, func(ctx context.Context) (err error) {
			trades[n], err = r.readTrades(ctx, symbol)
			return err
		})
	}
	if len(symbols) >= manyPositions {
		symbols, orders = []string{""}, make([][]OpenOrder, 1)
	}
	for n, symbol := range symbols {
		tasks = append(tasks, func(ctx context.Context) (err error) {
			orders[n], err = r.client.OpenOrders(ctx, symbol)
			return err
		})
	}
	if err := together(ctx, tasks...); err != nil {
		return err
	}
	r.trades, r.orders = make(map[string][]Trade, len(asked)), map[string][]OpenOrder{}
	for n, symbol := range asked {
		r.trades[symbol] = trades[n]
	}
	for _, o := range slices.Concat(orders...) {
		r.orders[o.Symbol] = append(r.orders[o.Symbol], o)
	}
	return nil
}

func (r *reading) readRisks(ctx context.Context) error {
	all, err := r.client.Positions(ctx, "")
	if err != nil {
		return err
	}
	r.risks = make(map[string]PositionRisk, len(all))
	for _, p := range all {
		if p.PositionSide != sideBoth {
			return fmt.Errorf("%w (%.40s has a %s position)", ErrHedgeMode, p.Symbol, p.PositionSide)
		}
		if _, twice := r.risks[p.Symbol]; twice {
			return fmt.Errorf("%w: %.40s is listed twice", ErrInconsistentAccount, p.Symbol)
		}
		r.risks[p.Symbol] = p
	}
	return nil
}

// agree compares the two lists of positions, which are of different moments.
func (r *reading) agree() error {
	open := 0
	for symbol, p := range r.risks {
		if p.Amount.IsZero() {
			continue
		}
		open++
		h, found := r.held[symbol]
		if !found || !h.Amount.Equal(p.Amount) || !h.Leverage.Equal(p.Leverage) || h.Isolated != p.Isolated {
			return fmt.Errorf("%w: %.40s", errMoved, symbol)
		}
	}
	if open != len(r.held) {
		return fmt.Errorf("%w: %d positions became %d", errMoved, len(r.held), open)
	}
	return nil
}

// midnight is the beginning of the venue's day, UTC.
func (r *reading) midnight() time.Time { return r.at.UTC().Truncate(24 * time.Hour) }

func (r *reading) readIncome(ctx context.Context) error {
	type key struct{ kind, id string }
	known := map[key]decimal.Decimal{}
	pages := pager[Income]{
		from: r.midnight(), at: func(i Income) time.Time { return i.At },
		ask: func(page Page) ([]Income, error) { return r.client.Income(ctx, page) },
		isNew: func(i Income) (bool, error) {
			before, twice := known[key{i.Type, i.ID}]
			if twice && !before.Equal(i.Amount) {
				return false, fmt.Errorf("%w: two entries %.40s of type %.40s differ", ErrInconsistentAccount, i.ID, i.Type)
			}
			known[key{i.Type, i.ID}] = i.Amount
			return !twice, nil
		},
	}
	var err error
	r.income, err = pages.read()
	return err
}

func (r *reading) readTrades(ctx context.Context, symbol string) ([]Trade, error) {
	known := map[int64]bool{}
	pages := pager[Trade]{
		from: r.at.Add(tradesMargin - tradesReach), at: func(t Trade) time.Time { return t.At },
		ask: func(page Page) ([]Trade, error) { return r.client.UserTrades(ctx, symbol, page) },
		isNew: func(t Trade) (bool, error) {
			if t.Symbol != symbol {
				return false, fmt.Errorf("%w: asked for trades in %s, got one in %.40s", ErrInconsistentAccount, symbol, t.Symbol)
			}
			fresh := !known[t.ID]
			known[t.ID] = true
			return fresh, nil
		},
	}
	return pages.read()
}

// pager reads a list from a moment on. A page that is full is followed by the
// one that begins with its last moment, since several rows may share it.
type pager[T any] struct {
	from  time.Time
	at    func(T) time.Time
	ask   func(Page) ([]T, error)
	isNew func(T) (bool, error) // false for a row of the page before
}

func (p *pager[T]) read() ([]T, error) {
	var all []T
	begin := p.from
	for range maxPages {
		page, err := p.ask(Page{From: begin, Limit: maxPage})
		if err != nil {
			return nil, err
		}
		if all, err = p.take(all, page); err != nil {
			return nil, err
		}
		if len(page) < maxPage {
			return all, nil
		}
		last := p.at(page[len(page)-1])
		inOrder := slices.IsSortedFunc(page, func(a, b T) int { return p.at(a).Compare(p.at(b)) })
		if len(page) > maxPage || !inOrder || !last.After(begin) {
			return nil, fmt.Errorf("%w: a full page of entries is too long, out of order or all of one moment", ErrInconsistentAccount)
		}
		begin = last
	}
	return nil, fmt.Errorf("%w: more than %d entries since %s", ErrInconsistentAccount, maxPages*maxPage, p.from.Format(time.RFC3339))
}

func (p *pager[T]) take(all, page []T) ([]T, error) {
	for _, row := range page {
		if at := p.at(row); at.Before(p.from.Truncate(time.Millisecond)) {
			return nil, fmt.Errorf("%w: asked for entries since %s, got one of %s", ErrInconsistentAccount, p.from.Format(time.RFC3339), at.Format(time.RFC3339))
		}
		fresh, err := p.isNew(row)
		if err != nil {
			return nil, err
		}
		if fresh {
			all = append(all, row)
		}
	}
	return all, nil
}
