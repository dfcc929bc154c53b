package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/ballast-go/ballast/store"
)

// accounts reads accounts.
func accounts(ctx context.Context, q querier, text string, args ...any) (all []store.Account, err error) {
	var (
		d damage
		a store.Account
	)
	targets := []any{&a.Number, d.key("name", &a.ID), d.time("created_at", &a.CreatedAt), d.whole("decisions", &a.Decisions)}
	err = each(ctx, q, targets, func() error {
		all = append(all, a)
		return d.take()
	}, `SELECT id, name, created_at, decisions FROM accounts`+text, args...)
	return all, err
}

// only is the one of a list; sql.ErrNoRows when there is none.
func only[T any](list []T, err error) (one T, _ error) {
	switch {
	case err != nil:
		return one, err
	case len(list) == 0:
		return one, sql.ErrNoRows
	}
	return list[0], nil
}

// AddAccount is the account with this id, made when it is new.
func (s *Store) AddAccount(ctx context.Context, id string) (store.Account, error) {
	if err := store.CheckAccountID(id); err != nil {
		return store.Account{}, err
	}
	var a store.Account
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		if _, err = addAccount(ctx, t, id); err != nil {
			return err
		}
		a, err = only(accounts(ctx, t, ` WHERE name = ?`, store.Key(id)))
		return err
	})
	return a, wrap(ctx, "account", err)
}

// addAccount is the number of the account, which is made when it is new.
func addAccount(ctx context.Context, t *tx, id string) (number int64, err error) {
	err = one(ctx, t, []any{&number}, `SELECT id FROM accounts WHERE name = ?`, store.Key(id))
	if errors.Is(err, sql.ErrNoRows) {
		return newAccount(ctx, t, id)
	}
	return number, err
}

func newAccount(ctx context.Context, t *tx, id string) (number int64, err error) {
	genesis := store.Genesis(id)
	result, err := t.exec(ctx, `INSERT INTO accounts (name, chain_head) VALUES (?, ?)`, store.Key(id), genesis[:])
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// Account finds an account by number or, when that is 0, by id.
func (s *Store) Account(ctx context.Context, number int64, id string) (a store.Account, err error) {
	what, condition, arg := id, ` WHERE name = ?`, any(store.Key(id))
	if number != 0 {
		what, condition, arg = strconv.FormatInt(number, 10), ` WHERE id = ?`, any(number)
	}
	err = s.read(ctx, func(q querier) error {
		a, err = only(accounts(ctx, q, condition, arg))
		return err
	})
	return a, found(ctx, "account", what, err)
}

// Accounts are all accounts, by number.
func (s *Store) Accounts(ctx context.Context) (all []store.Account, err error) {
	err = s.read(ctx, func(q querier) error {
		all, err = accounts(ctx, q, ` ORDER BY id`)
		return err
	})
	return all, wrap(ctx, "accounts", err)
}

// assignments reads assignments of an account.
func assignments(ctx context.Context, q querier, accountID, text string) (all []store.Assignment, err error) {
	var d damage
	a := store.Assignment{AccountID: accountID}
	targets := []any{d.key("strategy_id", &a.StrategyID), d.key("strategy_hash", &a.Hash), d.key("assigned_by", &a.By), d.time("assigned_at", &a.At)}
	err = each(ctx, q, targets, func() error {
		all = append(all, a)
		return d.take()
	}, `SELECT strategy_id, strategy_hash, assigned_by, assigned_at FROM strategy_assignments
		WHERE account_id = (SELECT id FROM accounts WHERE name = ?)`+text, store.Key(accountID))
	return all, err
}

// Assign makes an assignment the active one of its account.
func (s *Store) Assign(ctx context.Context, a store.Assignment) (previous store.Assignment, err error) {
	if err := a.Validate(); err != nil {
		return store.Assignment{}, err
	}
	a = a.Normal()
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		account, err := addAccount(ctx, t, a.AccountID)
		if err != nil {
			return err
		}
		previous, err = only(assignments(ctx, t, a.AccountID, ` AND active`))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE strategy_assignments SET active = 0 WHERE account_id = ? AND active`, account); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO strategy_assignments (account_id, strategy_id, strategy_hash, assigned_by, assigned_at, active)
			VALUES (?, ?, ?, ?, ?, 1)`, account, store.Key(a.StrategyID), store.Key(a.Hash), store.Key(a.By), timeText(a.At))
		return err
	})
	if err != nil {
		return store.Assignment{}, wrap(ctx, "assignment", err)
	}
	return previous, nil
}

// Assigned is the assignment that is active.
func (s *Store) Assigned(ctx context.Context, accountID string) (a store.Assignment, err error) {
	err = s.read(ctx, func(q querier) error {
		a, err = only(assignments(ctx, q, accountID, ` AND active`))
		return err
	})
	return a, found(ctx, "assignment of account", accountID, err)
}

// Assignments are all of an account, the last made first.
func (s *Store) Assignments(ctx context.Context, accountID string) (all []store.Assignment, err error) {
	err = s.read(ctx, func(q querier) error {
		all, err = assignments(ctx, q, accountID, ` ORDER BY id DESC`)
		return err
	})
	return all, wrap(ctx, "assignments", err)
}
