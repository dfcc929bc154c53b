package legacy

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
)

type account struct {
	id   int64
	name string
}

// sink writes decisions of a source to the target.
type sink struct {
	cfg      Config
	accounts map[int64]account // by the source's number
}

const (
	insertDecision = `INSERT INTO decisions (account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd,
    portfolio_risk_level, uid, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (uid) DO NOTHING RETURNING id`
	insertAsset = `INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale,
    confidence, risk_level) VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// write keeps a batch in one transaction and returns how many were new.
func (s *sink) write(ctx context.Context, rows []row) (written int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if err := s.know(ctx, rows); err != nil {
		return 0, err
	}
	tx, err := s.cfg.Target.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() {
		if endErr := tx.Rollback(); endErr != nil && !errors.Is(endErr, sql.ErrTxDone) {
			err = errors.Join(err, endErr)
		}
	}()
	// An account's row is locked before its decisions are written, as Append
	// does, and in one order, so that nobody waits in a circle.
	added := map[int64]int64{}
	for _, r := range rows {
		added[s.accounts[r.account].id] = 0
	}
	order := slices.Sorted(maps.Keys(added))
	for _, id := range order {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET decisions = decisions WHERE id = $1", id); err != nil {
			return 0, err
		}
	}
	for _, r := range rows {
		isNew, err := s.insert(ctx, tx, r)
		if err != nil {
			return 0, err
		}
		if isNew {
			added[s.accounts[r.account].id]++
			written++
		}
	}
	for _, id := range order {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET decisions = decisions + $1 WHERE id = $2", added[id], id); err != nil {
			return 0, err
		}
	}
	return written, tx.Commit()
}

func (s *sink) insert(ctx context.Context, tx *sql.Tx, r row) (bool, error) {
	uid := fmt.Sprintf("legacy-%s-%d", s.cfg.Name, r.id)
	var id int64
	err := tx.QueryRowContext(ctx, insertDecision, s.accounts[r.account].id, s.time(r.at), key(r.strategy), r.model, r.rationale, r.allocation, r.risk,
		uid, store.SourceLegacy).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, insertAsset, id, store.Key(r.symbol), r.action, r.allocation, r.tp, r.sl, r.exitPlan, r.rationale, r.confidence, r.risk)
	return err == nil, err
}

func key(s sql.NullString) sql.NullString {
	s.String = store.Key(s.String)
	return s
}

// know finds the accounts of rows by name, or makes them: the names are those
// that migrations give to accounts of the single-asset schema.
func (s *sink) know(ctx context.Context, rows []row) error {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.account, b.account) })
	for _, r := range rows {
		if _, ok := s.accounts[r.account]; ok {
			continue
		}
		a := account{name: "account" + strconv.FormatInt(r.account, 10)}
		if r.account == 1 {
			a.name = store.DefaultAccount
		}
		genesis := store.Genesis(a.name)
		if _, err := s.cfg.Target.ExecContext(ctx, "INSERT INTO accounts (name, chain_head) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", a.name, genesis[:]); err != nil {
			return err
		}
		if err := s.cfg.Target.QueryRowContext(ctx, "SELECT id FROM accounts WHERE name = $1", a.name).Scan(&a.id); err != nil {
			return err
		}
		s.accounts[r.account] = a
	}
	return nil
}

func (s *sink) time(at time.Time) any {
	if s.cfg.TargetDialect == migrations.SQLite {
		return at.Format("2006-01-02T15:04:05.000000Z")
	}
	return at
}
