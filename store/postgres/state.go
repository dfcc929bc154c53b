package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

const haltSQL = `SELECT account, reason, halted_by, halted_at FROM halts`

func scanHalt(row pgx.CollectableRow) (h decision.Halt, err error) {
	err = row.Scan(&h.AccountID, &h.Reason, &h.By, &h.At)
	h.AccountID, h.Reason, h.By, h.At = store.FromKey(h.AccountID), store.FromKey(h.Reason), store.FromKey(h.By), h.At.UTC()
	return h, err
}

// SetHalt turns the switch of an account on or, with nil, off.
func (s *Store) SetHalt(ctx context.Context, accountID string, h *decision.Halt) error {
	if err := store.CheckHalt(accountID, h); err != nil {
		return err
	}
	return wrap(ctx, "halt", s.retrying(ctx, func(db DB) error {
		if h == nil {
			_, err := db.Exec(ctx, `DELETE FROM halts WHERE account = $1`, store.Key(accountID))
			return err
		}
		_, err := db.Exec(ctx, `INSERT INTO halts (account, reason, halted_by, halted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (account) DO UPDATE
			SET reason = excluded.reason, halted_by = excluded.halted_by, halted_at = excluded.halted_at`,
			store.Key(accountID), store.Key(h.Reason), store.Key(h.By), micros(h.At))
		return err
	}))
}

// Halted is the global halt, else that of the account, else nil.
func (s *Store) Halted(ctx context.Context, accountID string) (*decision.Halt, error) {
	if err := store.CheckHalt(accountID, nil); err != nil {
		return nil, err
	}
	h, err := one(ctx, s.db, scanHalt, haltSQL+` WHERE account IN ('', $1) ORDER BY account LIMIT 1`, store.Key(accountID))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(ctx, "halted", err)
	}
	return &h, nil
}

// Halts are all switches that are on, the global one first.
func (s *Store) Halts(ctx context.Context) ([]decision.Halt, error) {
	halts, err := all(ctx, s.db, scanHalt, haltSQL)
	if err != nil {
		return nil, wrap(ctx, "halts", err)
	}
	slices.SortFunc(halts, func(a, b decision.Halt) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return halts, nil
}

// SaveBreaker keeps the state unless a later one is kept.
func (s *Store) SaveBreaker(ctx context.Context, b store.BreakerState) error {
	if err := b.Validate(); err != nil {
		return err
	}
	return wrap(ctx, "breaker", s.retrying(ctx, func(db DB) error {
		_, err := db.Exec(ctx, `INSERT INTO breaker_states AS b (name, state, saved_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
			SET state = excluded.state, saved_at = excluded.saved_at WHERE b.saved_at <= excluded.saved_at`, store.Key(b.Name), b.State, micros(b.SavedAt))
		return err
	}))
}

// Breakers are all states, by name.
func (s *Store) Breakers(ctx context.Context) ([]store.BreakerState, error) {
	states, err := all(ctx, s.db, func(row pgx.CollectableRow) (b store.BreakerState, err error) {
		err = row.Scan(&b.Name, &b.State, &b.SavedAt)
		b.Name, b.SavedAt = store.FromKey(b.Name), b.SavedAt.UTC()
		return b, err
	}, `SELECT name, state, saved_at FROM breaker_states`)
	if err != nil {
		return nil, wrap(ctx, "breakers", err)
	}
	slices.SortFunc(states, func(a, b store.BreakerState) int { return cmp.Compare(a.Name, b.Name) })
	return states, nil
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
	var (
		opens   []time.Time
		numbers [6][]string
		index   = make(map[int64]int, len(candles))
	)
	for _, c := range candles {
		at, known := index[c.OpenTime.UnixMicro()]
		if !known {
			at = len(opens)
			index[c.OpenTime.UnixMicro()] = at
			opens = append(opens, micros(c.OpenTime))
			for i := range numbers {
				numbers[i] = append(numbers[i], "")
			}
		}
		for i, n := range [...]string{c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), c.Volume.String(), c.QuoteVolume.String()} {
			numbers[i][at] = n
		}
	}
	return wrap(ctx, "candles", s.retrying(ctx, func(db DB) error {
		_, err := db.Exec(ctx, `INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, quote_volume)
			SELECT $1, $2, t, o::numeric, h::numeric, l::numeric, c::numeric, v::numeric, q::numeric
			FROM unnest($3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) AS u (t, o, h, l, c, v, q) ORDER BY t
			ON CONFLICT (symbol, interval, open_time) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
				close = excluded.close, volume = excluded.volume, quote_volume = excluded.quote_volume`,
			store.Key(symbol), string(interval), opens, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
		return err
	}))
}

// Candles are those that open in a span of time, oldest first.
func (s *Store) Candles(ctx context.Context, symbol string, interval marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
	if err := store.CheckCandleQuery(symbol, since, until, limit); err != nil {
		return nil, err
	}
	candles, err := all(ctx, s.db, func(row pgx.CollectableRow) (c marketdata.Candle, err error) {
		err = row.Scan(&c.OpenTime, &c.Open, &c.High, &c.Low, &c.Close, &c.Volume, &c.QuoteVolume)
		c.OpenTime = c.OpenTime.UTC()
		return c, err
	}, `SELECT open_time, open, high, low, close, volume, quote_volume FROM candles
		WHERE symbol = $1 AND interval = $2 AND open_time >= $3 AND open_time < $4 ORDER BY open_time LIMIT $5`,
		store.Key(symbol), string(interval), micros(since), micros(until), limit)
	return candles, wrap(ctx, "candles", err)
}
