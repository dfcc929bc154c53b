package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

const strategyColumns = `content_hash, body, saved_at`

func scanStrategy(row pgx.CollectableRow) (s store.SavedStrategy, err error) {
	var body string
	if err := row.Scan(&s.Hash, &body, &s.SavedAt); err != nil {
		return s, err
	}
	s.SavedAt = s.SavedAt.UTC()
	if err := jsonx.Unmarshal([]byte(body), &s.Strategy); err != nil {
		return s, fmt.Errorf("%w: strategy %.64s: %w", store.ErrCorrupt, s.Hash, err)
	}
	return s, nil
}

// SaveStrategy keeps a version of a strategy. Versions of one strategy follow
// each other in the order in which they are committed.
func (s *Store) SaveStrategy(ctx context.Context, strategy decision.Strategy, at time.Time) (string, error) {
	if err := store.CheckStrategy(strategy, at); err != nil {
		return "", err
	}
	hash, err := strategy.Hash()
	if err != nil {
		return "", err
	}
	body, err := jsonx.Marshal(strategy)
	if err != nil {
		return "", fmt.Errorf("postgres: strategy: %w", err)
	}
	err = s.retrying(ctx, func(db DB) error {
		_, err := db.Exec(ctx, `INSERT INTO strategies (strategy_id, content_hash, body, saved_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (strategy_id, content_hash) DO UPDATE SET version = DEFAULT`, store.Key(strategy.ID), hash, string(body), micros(at))
		return err
	})
	if err != nil {
		return "", wrap(ctx, "strategy", err)
	}
	return hash, nil
}

// Strategy is a version by id and hash, the newest when hash is empty.
func (s *Store) Strategy(ctx context.Context, id, hash string) (store.SavedStrategy, error) {
	saved, err := one(ctx, s.db, scanStrategy, `SELECT `+strategyColumns+` FROM strategies
		WHERE strategy_id = $1 AND ($2 = '' OR content_hash = $2) ORDER BY version DESC LIMIT 1`, plain(store.Key(id)), plain(store.Key(hash)))
	return saved, found(ctx, "strategy", id, err)
}

// Strategies are the newest versions by id.
func (s *Store) Strategies(ctx context.Context) ([]store.SavedStrategy, error) {
	saved, err := all(ctx, s.db, scanStrategy, `SELECT DISTINCT ON (strategy_id) `+strategyColumns+` FROM strategies ORDER BY strategy_id, version DESC`)
	return saved, wrap(ctx, "strategies", err)
}
