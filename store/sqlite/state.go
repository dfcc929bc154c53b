package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// halts reads switches that are on.
func halts(ctx context.Context, q querier, text string, args ...any) (all []decision.Halt, err error) {
	var (
		d damage
		h decision.Halt
	)
	targets := []any{d.key("account", &h.AccountID), d.key("reason", &h.Reason), d.key("halted_by", &h.By), d.time("halted_at", &h.At)}
	err = each(ctx, q, targets, func() error {
		all = append(all, h)
		return d.take()
	}, `SELECT account, reason, halted_by, halted_at FROM halts`+text, args...)
	return all, err
}

// SetHalt turns the switch of an account on or, with nil, off.
func (s *Store) SetHalt(ctx context.Context, accountID string, h *decision.Halt) error {
	if err := store.CheckHalt(accountID, h); err != nil {
		return err
	}
	text, args := `DELETE FROM halts WHERE account = ?`, []any{store.Key(accountID)}
	if h != nil {
		text = `INSERT INTO halts (account, reason, halted_by, halted_at) VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE
			SET reason = excluded.reason, halted_by = excluded.halted_by, halted_at = excluded.halted_at`
		args = append(args, store.Key(h.Reason), store.Key(h.By), timeText(h.At))
	}
	return wrap(ctx, "halt", s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, text, args...)
		return err
	}))
}

// Halted is the global halt, else that of the account, else nil.
func (s *Store) Halted(ctx context.Context, accountID string) (*decision.Halt, error) {
	if err := store.CheckHalt(accountID, nil); err != nil {
		return nil, err
	}
	var h decision.Halt
	err := s.read(ctx, func(q querier) (err error) {
		h, err = only(halts(ctx, q, ` WHERE account IN ('', ?) ORDER BY account LIMIT 1`, store.Key(accountID)))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(ctx, "halted", err)
	}
	return &h, nil
}

// Halts are all switches that are on, the global one first.
func (s *Store) Halts(ctx context.Context) (all []decision.Halt, err error) {
	err = s.read(ctx, func(q querier) error {
		all, err = halts(ctx, q, ``)
		return err
	})
	if err != nil {
		return nil, wrap(ctx, "halts", err)
	}
	slices.SortFunc(all, func(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return all, nil
}

// SaveBreaker keeps the state unless a later one is kept.
func (s *Store) SaveBreaker(ctx context.Context, b store.BreakerState) error {
	if err := b.Validate(); err != nil {
		return err
	}
	return wrap(ctx, "breaker", s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO breaker_states (name, state, saved_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
			SET state = excluded.state, saved_at = excluded.saved_at WHERE saved_at <= excluded.saved_at`, store.Key(b.Name), b.State, timeText(b.SavedAt))
		return err
	}))
}

// Breakers are all states, by name.
func (s *Store) Breakers(ctx context.Context) ([]store.BreakerState, error) {
	var (
		d   damage
		b   store.BreakerState
		all []store.BreakerState
	)
	err := s.read(ctx, func(q querier) error {
		return each(ctx, q, []any{d.key("name", &b.Name), d.blob("state", &b.State), d.time("saved_at", &b.SavedAt)}, func() error {
			all = append(all, b)
			return d.take()
		}, `SELECT name, state, saved_at FROM breaker_states`)
	})
	if err != nil {
		return nil, wrap(ctx, "breakers", err)
	}
	slices.SortFunc(all, func(a, b store.BreakerState) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// SaveCandles keeps candles, in place of those that open at the same time. Of
// several such among them the last counts.
func (s *Store) SaveCandles(ctx context.Context, symbol string, interval marketdata.Interval, candles []marketdata.Candle) error {
	if err := store.CheckCandles(symbol, interval, candles); err != nil {
		return err
	}
	if len(candles) == 0 {
		return nil
	}
	return wrap(ctx, "candles", s.write(ctx, func(ctx context.Context, t *tx) error {
		for _, c := range candles {
			_, err := t.exec(ctx, `INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, quote_volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (symbol, interval, open_time) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
					close = excluded.close, volume = excluded.volume, quote_volume = excluded.quote_volume`,
				store.Key(symbol), string(interval), timeText(c.OpenTime),
				c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), c.Volume.String(), c.QuoteVolume.String())
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// Candles are those that open in a span of time, oldest first.
func (s *Store) Candles(ctx context.Context, symbol string, interval marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
	if err := store.CheckCandleQuery(symbol, since, until, limit); err != nil {
		return nil, err
	}
	var (
		d   damage
		c   marketdata.Candle
		all []marketdata.Candle
	)
	targets := []any{
		d.time("open_time", &c.OpenTime), d.number("open", &c.Open), d.number("high", &c.High), d.number("low", &c.Low),
		d.number("close", &c.Close), d.number("volume", &c.Volume), d.number("quote_volume", &c.QuoteVolume),
	}
	err := s.read(ctx, func(q querier) error {
		return each(ctx, q, targets, func() error {
			all = append(all, c)
			return d.take()
		}, `SELECT open_time, open, high, low, close, volume, quote_volume FROM candles
			WHERE symbol = ? AND interval = ? AND open_time >= ? AND open_time < ? ORDER BY open_time LIMIT ?`,
			store.Key(symbol), string(interval), timeText(since), timeText(until), limit)
	})
	return all, wrap(ctx, "candles", err)
}
