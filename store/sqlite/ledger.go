package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
)

// balance reads a budget; what is not there is zero.
func balance(ctx context.Context, q querier, account, day string) (llm.Balance, error) {
	var d damage
	b := llm.Balance{Account: account, Day: day}
	targets := []any{
		d.number("spent_usd", &b.Spent.USD), d.whole("spent_tokens", &b.Spent.Tokens),
		d.number("reserved_usd", &b.Reserved.USD), d.whole("reserved_tokens", &b.Reserved.Tokens),
	}
	err := one(ctx, q, targets, `SELECT spent_usd, spent_tokens, reserved_usd, reserved_tokens FROM llm_budgets WHERE account = ? AND day = ?`, store.Key(account), day)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return b, errors.Join(err, d.take())
}

func saveBalance(ctx context.Context, t *tx, b llm.Balance) error {
	_, err := t.exec(ctx, `INSERT INTO llm_budgets (account, day, spent_usd, spent_tokens, reserved_usd, reserved_tokens) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, day) DO UPDATE SET spent_usd = excluded.spent_usd, spent_tokens = excluded.spent_tokens,
			reserved_usd = excluded.reserved_usd, reserved_tokens = excluded.reserved_tokens`,
		store.Key(b.Account), b.Day, b.Spent.USD.String(), b.Spent.Tokens, b.Reserved.USD.String(), b.Reserved.Tokens)
	return err
}

// Reserve holds an amount back if there is room. What a process that died had
// reserved stays reserved, as it may have been spent.
func (s *Store) Reserve(ctx context.Context, r llm.Reservation) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("llm: reservation: %w", err)
	}
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		var n int64
		if err := one(ctx, t, []any{&n}, `SELECT count(*) FROM llm_reservations WHERE id = ?`, store.Key(r.ID)); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("reservation %.128q exists", r.ID)
		}
		b, err := balance(ctx, t, r.Account, r.Day)
		if err != nil {
			return err
		}
		if err := r.Check(b); err != nil {
			return err
		}
		b.Reserved = b.Reserved.Add(r.Bound)
		if err := saveBalance(ctx, t, b); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO llm_reservations (id, account, day, usd, tokens) VALUES (?, ?, ?, ?, ?)`,
			store.Key(r.ID), store.Key(r.Account), r.Day, r.Bound.USD.String(), r.Bound.Tokens)
		return err
	})
	var refusal *llm.BudgetError
	if errors.As(err, &refusal) {
		return refusal
	}
	return wrap(ctx, "reserve", err)
}

// Settle ends a reservation, which also forgets its id.
func (s *Store) Settle(ctx context.Context, id string, actual llm.Amount) error {
	if err := actual.Validate(); err != nil {
		return fmt.Errorf("llm: settlement: %w", err)
	}
	return wrap(ctx, "settle", s.write(ctx, func(ctx context.Context, t *tx) error {
		var (
			d            damage
			account, day string
			held         llm.Amount
		)
		targets := []any{d.key("account", &account), d.text("day", &day), d.number("usd", &held.USD), d.whole("tokens", &held.Tokens)}
		err := one(ctx, t, targets, `SELECT account, day, usd, tokens FROM llm_reservations WHERE id = ? AND NOT settled`, store.Key(id))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err := errors.Join(err, d.take()); err != nil {
			return err
		}
		b, err := balance(ctx, t, account, day)
		if err != nil {
			return err
		}
		b.Reserved, b.Spent = b.Reserved.Sub(held), b.Spent.Add(actual)
		if err := saveBalance(ctx, t, b); err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM llm_reservations WHERE id = ?`, store.Key(id))
		return err
	}))
}

// Balance is what an account spent and holds back on a day.
func (s *Store) Balance(ctx context.Context, account, day string) (b llm.Balance, err error) {
	err = s.read(ctx, func(q querier) error {
		b, err = balance(ctx, q, account, day)
		return err
	})
	if err != nil {
		return llm.Balance{}, wrap(ctx, "balance", err)
	}
	return b, nil
}
