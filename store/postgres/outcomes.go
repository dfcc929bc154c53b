package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/store"
)

const tradeColumns = `key, asset, pnl_usd, pnl_percentage, opened_at, closed_at`

func tradeTargets(o *store.Outcome) []any {
	return []any{&o.Key, &o.Asset, &o.PnLUSD, &o.PnLPercent, &o.OpenedAt, &o.ClosedAt}
}

// readTrade is the outcome as columns of a trade say.
func readTrade(o store.Outcome) store.Outcome {
	nulls(&o.PnLPercent)
	o.Key, o.Asset, o.OpenedAt, o.ClosedAt = store.FromKey(o.Key), store.FromKey(o.Asset), o.OpenedAt.UTC(), o.ClosedAt.UTC()
	return o
}

const fillColumns = `key, asset, quantity, price, fee_usd, filled_at`

func fillTargets(f *store.Fill) []any {
	return []any{&f.Key, &f.Asset, &f.Quantity, &f.Price, &f.FeeUSD, &f.At}
}

func readFill(f store.Fill) store.Fill {
	f.Key, f.Asset, f.At = store.FromKey(f.Key), store.FromKey(f.Asset), f.At.UTC()
	return f
}

// decided finds the decision if it names the asset, and locks it, so that
// executions of one decision follow each other.
func decided(ctx context.Context, tx pgx.Tx, id, asset string) (key int64, at time.Time, err error) {
	type row struct {
		ID int64
		At time.Time
	}
	r, err := one(ctx, tx, pgx.RowToStructByPos[row], `SELECT d.id, d.timestamp FROM decisions d
		WHERE d.uid = $1 AND EXISTS (SELECT FROM asset_decisions a WHERE a.decision_id = d.id AND a.asset = $2) FOR UPDATE`,
		plain(store.Key(id)), plain(store.Key(asset)))
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, at, fmt.Errorf("%w: decision %.128q with asset %.40q", store.ErrNotFound, id, asset)
	}
	return r.ID, r.At.UTC(), err
}

// AddFill keeps an execution and marks its decision as executed.
func (s *Store) AddFill(ctx context.Context, f store.Fill) error {
	if err := f.Validate(); err != nil {
		return err
	}
	f = f.Normal()
	return wrap(ctx, "fill", s.transact(ctx, func(tx pgx.Tx) error {
		decision, _, err := decided(ctx, tx, f.DecisionID, f.Asset)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO fills (key, decision_id, asset, quantity, price, fee_usd, filled_at)
			VALUES ($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric, $7) ON CONFLICT (key) DO NOTHING`,
			store.Key(f.Key), decision, store.Key(f.Asset), f.Quantity.String(), f.Price.String(), f.FeeUSD.String(), f.At)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return s.sameFill(ctx, tx, f)
		}
		_, err = tx.Exec(ctx, `UPDATE decisions SET executed = true, executed_at = least(executed_at, $2) WHERE id = $1`, decision, f.At)
		return err
	}))
}

func (s *Store) sameFill(ctx context.Context, tx pgx.Tx, f store.Fill) error {
	kept, err := one(ctx, tx, func(row pgx.CollectableRow) (kept store.Fill, err error) {
		return kept, row.Scan(append([]any{&kept.DecisionID}, fillTargets(&kept)...)...)
	}, `SELECT d.uid, `+fillColumns+` FROM fills f JOIN decisions d ON d.id = f.decision_id WHERE key = $1`, store.Key(f.Key))
	if err != nil {
		return err
	}
	kept.DecisionID = store.FromKey(kept.DecisionID)
	if !readFill(kept).Equal(f) {
		return fmt.Errorf("%w: fill %.128q", store.ErrConflict, f.Key)
	}
	return nil
}

// AddOutcome keeps a closed trade.
func (s *Store) AddOutcome(ctx context.Context, o store.Outcome) error {
	if err := o.Validate(); err != nil {
		return err
	}
	return wrap(ctx, "outcome", s.transact(ctx, func(tx pgx.Tx) error {
		decision, at, err := decided(ctx, tx, o.DecisionID, o.Asset)
		if err != nil {
			return err
		}
		normal := o.Normal(at)
		tag, err := tx.Exec(ctx, `INSERT INTO trades (key, decision_id, asset, pnl_usd, pnl_percentage, opened_at, closed_at)
			VALUES ($1, $2, $3, $4::text::numeric, $5::text::numeric, $6, $7) ON CONFLICT (key) DO NOTHING`,
			store.Key(normal.Key), decision, store.Key(normal.Asset), normal.PnLUSD.String(), amount(normal.PnLPercent), normal.OpenedAt, normal.ClosedAt)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		return s.sameOutcome(ctx, tx, normal)
	}))
}

func (s *Store) sameOutcome(ctx context.Context, tx pgx.Tx, o store.Outcome) error {
	kept, err := one(ctx, tx, func(row pgx.CollectableRow) (kept store.Outcome, err error) {
		return kept, row.Scan(append([]any{&kept.DecisionID}, tradeTargets(&kept)...)...)
	}, `SELECT d.uid, `+tradeColumns+` FROM trades t JOIN decisions d ON d.id = t.decision_id WHERE key = $1`, store.Key(o.Key))
	if err != nil {
		return err
	}
	kept.DecisionID = store.FromKey(kept.DecisionID)
	if !readTrade(kept).Equal(o) {
		return fmt.Errorf("%w: outcome %.128q", store.ErrConflict, o.Key)
	}
	return nil
}

// Fills are the executions of a decision, oldest first.
func (s *Store) Fills(ctx context.Context, decisionID string) ([]store.Fill, error) {
	id, err := one(ctx, s.db, pgx.RowTo[int64], `SELECT id FROM decisions WHERE uid = $1`, plain(store.Key(decisionID)))
	if err != nil {
		return nil, found(ctx, "decision", decisionID, err)
	}
	fills, err := all(ctx, s.db, func(row pgx.CollectableRow) (store.Fill, error) {
		f := store.Fill{DecisionID: decisionID}
		err := row.Scan(fillTargets(&f)...)
		return readFill(f), err
	}, `SELECT `+fillColumns+` FROM fills WHERE decision_id = $1 ORDER BY filled_at, key`, id)
	return fills, wrap(ctx, "fills", err)
}
