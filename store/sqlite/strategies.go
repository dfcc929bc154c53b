package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

// strategies reads saved strategies.
func strategies(ctx context.Context, q querier, text string, args ...any) (all []store.SavedStrategy, err error) {
	var (
		d    damage
		s    store.SavedStrategy
		body []byte
	)
	targets := []any{d.text("content_hash", &s.Hash), d.blob("body", &body), d.time("saved_at", &s.SavedAt)}
	err = each(ctx, q, targets, func() error {
		s.Strategy = decision.Strategy{}
		if err := jsonx.Unmarshal(body, &s.Strategy); err != nil {
			return fmt.Errorf("%w: strategy %.64s: %w", store.ErrCorrupt, s.Hash, err)
		}
		all = append(all, s)
		return d.take()
	}, `SELECT content_hash, body, saved_at FROM strategies s`+text, args...)
	return all, err
}

// SaveStrategy keeps a version of a strategy.
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
		return "", fmt.Errorf("sqlite: strategy: %w", err)
	}
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO strategies (strategy_id, content_hash, body, saved_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (strategy_id, content_hash) DO UPDATE SET version = (SELECT max(version) + 1 FROM strategies)`,
			store.Key(strategy.ID), hash, string(body), timeText(at))
		return err
	})
	if err != nil {
		return "", wrap(ctx, "strategy", err)
	}
	return hash, nil
}

// Strategy is a version by id and hash, the newest when hash is empty.
func (s *Store) Strategy(ctx context.Context, id, hash string) (saved store.SavedStrategy, err error) {
	err = s.read(ctx, func(q querier) error {
		saved, err = only(strategies(ctx, q, ` WHERE strategy_id = ?1 AND (?2 = '' OR content_hash = ?2) ORDER BY version DESC LIMIT 1`, store.Key(id), store.Key(hash)))
		return err
	})
	return saved, found(ctx, "strategy", id, err)
}

// Strategies are the newest versions by id.
func (s *Store) Strategies(ctx context.Context) (all []store.SavedStrategy, err error) {
	err = s.read(ctx, func(q querier) error {
		all, err = strategies(ctx, q, ` WHERE version = (SELECT max(n.version) FROM strategies n WHERE n.strategy_id = s.strategy_id) ORDER BY strategy_id`)
		return err
	})
	return all, wrap(ctx, "strategies", err)
}
