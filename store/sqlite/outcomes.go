package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/store"
)

// eachTrade reads outcomes, without the ids of their decisions. The row's
// damage comes with it.
func eachTrade(ctx context.Context, q querier, f func(decision int64, o store.Outcome, damage error) error, text string, args ...any) error {
	var (
		d  damage
		id int64
		o  store.Outcome
	)
	targets := []any{
		&id, d.key("key", &o.Key), d.key("asset", &o.Asset), d.number("pnl_usd", &o.PnLUSD), d.maybe("pnl_percentage", &o.PnLPercent),
		d.time("opened_at", &o.OpenedAt), d.time("closed_at", &o.ClosedAt),
	}
	return each(ctx, q, targets, func() error { return f(id, o, d.take()) },
		`SELECT t.decision_id, t.key, t.asset, t.pnl_usd, t.pnl_percentage, t.opened_at, t.closed_at`+text, args...)
}

// decided finds the decision if it names the asset.
func decided(ctx context.Context, t *tx, id, asset string) (key int64, at time.Time, err error) {
	var d damage
	err = one(ctx, t, []any{&key, d.time("timestamp", &at)}, `SELECT d.id, d.timestamp FROM decisions d
		WHERE d.uid = ? AND EXISTS (SELECT 1 FROM asset_decisions a WHERE a.decision_id = d.id AND a.asset = ?)`, store.Key(id), store.Key(asset))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, at, fmt.Errorf("%w: decision %.128q with asset %.40q", store.ErrNotFound, id, asset)
	}
	return key, at, errors.Join(err, d.take())
}

// AddFill keeps an execution and marks its decision as executed.
func (s *Store) AddFill(ctx context.Context, f store.Fill) error {
	if err := f.Validate(); err != nil {
		return err
	}
	f = f.Normal()
	return wrap(ctx, "fill", s.write(ctx, func(ctx context.Context, t *tx) error {
		id, _, err := decided(ctx, t, f.DecisionID, f.Asset)
		if err != nil {
			return err
		}
		fresh, err := added(t.exec(ctx, `INSERT INTO fills (key, decision_id, asset, quantity, price, fee_usd, filled_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO NOTHING`, store.Key(f.Key), id, store.Key(f.Asset), f.Quantity.String(), f.Price.String(), f.FeeUSD.String(), timeText(f.At)))
		if err != nil {
			return err
		}
		if !fresh {
			return sameFill(ctx, t, f)
		}
		at := timeText(f.At)
		_, err = t.exec(ctx, `UPDATE decisions SET executed = 1, executed_at = min(coalesce(executed_at, ?), ?) WHERE id = ?`, at, at, id)
		return err
	}))
}

// added reports whether an insert made a row.
func added(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func sameFill(ctx context.Context, t *tx, f store.Fill) error {
	same := false
	err := eachFill(ctx, t, func(kept store.Fill) { same = kept.Equal(f) }, ` WHERE f.key = ?`, store.Key(f.Key))
	if err == nil && !same {
		err = fmt.Errorf("%w: fill %.128q", store.ErrConflict, f.Key)
	}
	return err
}

func eachFill(ctx context.Context, q querier, f func(store.Fill), text string, args ...any) error {
	var (
		d    damage
		fill store.Fill
	)
	targets := []any{
		d.key("uid", &fill.DecisionID), d.key("key", &fill.Key), d.key("asset", &fill.Asset), d.number("quantity", &fill.Quantity),
		d.number("price", &fill.Price), d.number("fee_usd", &fill.FeeUSD), d.time("filled_at", &fill.At),
	}
	return each(ctx, q, targets, func() error {
		f(fill)
		return d.take()
	}, `SELECT d.uid, f.key, f.asset, f.quantity, f.price, f.fee_usd, f.filled_at FROM fills f JOIN decisions d ON d.id = f.decision_id`+text, args...)
}

// AddOutcome keeps a closed trade.
func (s *Store) AddOutcome(ctx context.Context, o store.Outcome) error {
	if err := o.Validate(); err != nil {
		return err
	}
	return wrap(ctx, "outcome", s.write(ctx, func(ctx context.Context, t *tx) error {
		id, at, err := decided(ctx, t, o.DecisionID, o.Asset)
		if err != nil {
			return err
		}
		n := o.Normal(at)
		fresh, err := added(t.exec(ctx, `INSERT INTO trades (key, decision_id, asset, pnl_usd, pnl_percentage, opened_at, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO NOTHING`, store.Key(n.Key), id, store.Key(n.Asset), n.PnLUSD.String(), numberText(n.PnLPercent), timeText(n.OpenedAt), timeText(n.ClosedAt)))
		if err != nil || fresh {
			return err
		}
		same := false
		err = eachTrade(ctx, t, func(decision int64, kept store.Outcome, damage error) error {
			kept.DecisionID = n.DecisionID
			same = decision == id && kept.Equal(n)
			return damage
		}, ` FROM trades t WHERE t.key = ?`, store.Key(n.Key))
		if err == nil && !same {
			err = fmt.Errorf("%w: outcome %.128q", store.ErrConflict, n.Key)
		}
		return err
	}))
}

// Fills are the executions of a decision, oldest first.
func (s *Store) Fills(ctx context.Context, decisionID string) ([]store.Fill, error) {
	var fills []store.Fill
	err := s.view(ctx, func(q querier) error {
		var id int64
		if err := one(ctx, q, []any{&id}, `SELECT id FROM decisions WHERE uid = ?`, store.Key(decisionID)); err != nil {
			return err
		}
		return eachFill(ctx, q, func(f store.Fill) { fills = append(fills, f) }, ` WHERE f.decision_id = ? ORDER BY f.filled_at, f.key`, id)
	})
	if err != nil {
		return nil, found(ctx, "decision", decisionID, err)
	}
	return fills, nil
}
