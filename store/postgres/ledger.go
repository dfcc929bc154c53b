package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

// reserveSQL holds an amount back if the limits ($6 USD or null, $7 tokens or
// 0) leave room. ON CONFLICT reads the budget as the one before left it and
// keeps it locked, so that looking and reserving are one step. An id that is
// open violates its key, which undoes the whole.
const reserveSQL = `
WITH budget AS (
	INSERT INTO llm_budgets AS b (account, day, reserved_usd, reserved_tokens)
	SELECT $2, $3::date, $4::text::numeric, $5::bigint
	WHERE EXISTS (SELECT FROM llm_budgets WHERE account = $2 AND day = $3::date)
		OR ($6::text IS NULL OR $4::text::numeric <= $6::text::numeric) AND ($7::bigint = 0 OR $5::bigint <= $7::bigint)
	ON CONFLICT (account, day) DO UPDATE SET reserved_usd = b.reserved_usd + excluded.reserved_usd,
		reserved_tokens = b.reserved_tokens + excluded.reserved_tokens
	WHERE ($6::text IS NULL OR b.spent_usd + b.reserved_usd + excluded.reserved_usd <= $6::text::numeric)
		AND ($7::bigint = 0 OR b.spent_tokens + b.reserved_tokens + excluded.reserved_tokens <= $7::bigint)
	RETURNING 1
)
INSERT INTO llm_reservations (id, account, day, usd, tokens)
SELECT $1, $2, $3::date, $4::text::numeric, $5::bigint FROM budget`

// Reserve holds an amount back, in one statement if there is room. What a
// process that died had reserved stays reserved, as it may have been spent.
func (s *Store) Reserve(ctx context.Context, r llm.Reservation) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("llm: reservation: %w", err)
	}
	held := false
	err := s.retrying(ctx, func(db DB) (err error) {
		held, err = reserve(ctx, db, r)
		return err
	})
	if err == nil && !held {
		err = s.transact(ctx, func(tx pgx.Tx) error { return reserveLocked(ctx, tx, r) })
	}
	var refusal *llm.BudgetError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case code(err) == codeUnique:
		return fmt.Errorf("postgres: reservation %.128q exists", r.ID)
	}
	return wrap(ctx, "reserve", err)
}

func reserve(ctx context.Context, db DB, r llm.Reservation) (held bool, err error) {
	tag, err := db.Exec(ctx, reserveSQL, store.Key(r.ID), store.Key(r.Account), r.Day, r.Bound.USD.String(), r.Bound.Tokens,
		amount(r.Limits.USD), r.Limits.Tokens)
	return tag.RowsAffected() == 1, err
}

// reserveLocked says what the budget is that leaves no room. Something may
// have settled since; then there is room after all.
func reserveLocked(ctx context.Context, tx pgx.Tx, r llm.Reservation) error {
	b, err := one(ctx, tx, scanBalance(r.Account, r.Day), balanceSQL+` FOR UPDATE`, store.Key(r.Account), r.Day)
	if errors.Is(err, pgx.ErrNoRows) {
		b, err = llm.Balance{Account: r.Account, Day: r.Day}, nil
	}
	if err != nil {
		return err
	}
	if err := r.Check(b); err != nil {
		return err
	}
	// Nobody else changes the row until this commits.
	held, err := reserve(ctx, tx, r)
	if err == nil && !held {
		err = errBusy
	}
	return err
}

// Settle ends a reservation in one statement, which also forgets its id.
func (s *Store) Settle(ctx context.Context, id string, actual llm.Amount) error {
	if err := actual.Validate(); err != nil {
		return fmt.Errorf("llm: settlement: %w", err)
	}
	return wrap(ctx, "settle", s.retrying(ctx, func(db DB) error {
		_, err := db.Exec(ctx, `WITH r AS (DELETE FROM llm_reservations WHERE id = $1 AND NOT settled RETURNING account, day, usd, tokens)
			UPDATE llm_budgets b SET reserved_usd = b.reserved_usd - r.usd, reserved_tokens = b.reserved_tokens - r.tokens,
				spent_usd = b.spent_usd + $2::text::numeric, spent_tokens = b.spent_tokens + $3::bigint
			FROM r WHERE b.account = r.account AND b.day = r.day`, plain(store.Key(id)), actual.USD.String(), actual.Tokens)
		return err
	}))
}

// Balance is what an account spent and holds back on a day.
func (s *Store) Balance(ctx context.Context, account, day string) (llm.Balance, error) {
	if !isDay(day) || !utf8.ValidString(account) {
		return llm.Balance{Account: account, Day: day}, nil // of which nothing can be known
	}
	b, err := one(ctx, s.db, scanBalance(account, day), balanceSQL, store.Key(account), day)
	if errors.Is(err, pgx.ErrNoRows) {
		return llm.Balance{Account: account, Day: day}, nil
	}
	return b, wrap(ctx, "balance", err)
}

const balanceSQL = `SELECT spent_usd, spent_tokens, reserved_usd, reserved_tokens FROM llm_budgets WHERE account = $1 AND day = $2::date`

func scanBalance(account, day string) pgx.RowToFunc[llm.Balance] {
	return func(row pgx.CollectableRow) (llm.Balance, error) {
		b := llm.Balance{Account: account, Day: day}
		err := row.Scan(&b.Spent.USD, &b.Spent.Tokens, &b.Reserved.USD, &b.Reserved.Tokens)
		return b, err
	}
}

func isDay(day string) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}
