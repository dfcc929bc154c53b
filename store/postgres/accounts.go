package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/store"
)

const accountSQL = `SELECT id, name, created_at, decisions FROM accounts`

func scanAccount(row pgx.CollectableRow) (a store.Account, err error) {
	err = row.Scan(&a.Number, &a.ID, &a.CreatedAt, &a.Decisions)
	a.ID, a.CreatedAt = store.FromKey(a.ID), a.CreatedAt.UTC()
	return a, err
}

// AddAccount is the account with this id, made when it is new.
func (s *Store) AddAccount(ctx context.Context, id string) (store.Account, error) {
	if err := store.CheckAccountID(id); err != nil {
		return store.Account{}, err
	}
	var a store.Account
	err := s.retrying(ctx, func(db DB) error {
		if err := addAccount(ctx, db, id); err != nil {
			return err
		}
		var err error
		a, err = one(ctx, db, scanAccount, accountSQL+` WHERE name = $1`, store.Key(id))
		return err
	})
	return a, wrap(ctx, "account", err)
}

// addAccount uses up a number only for a new account, unless several make it
// at the same moment.
func addAccount(ctx context.Context, db DB, id string) error {
	genesis := store.Genesis(id)
	_, err := db.Exec(ctx, `INSERT INTO accounts (name, chain_head) SELECT $1, $2::bytea
		WHERE NOT EXISTS (SELECT FROM accounts WHERE name = $1) ON CONFLICT (name) DO NOTHING`, store.Key(id), genesis[:])
	return err
}

// Account finds an account by number or, when that is 0, by id.
func (s *Store) Account(ctx context.Context, number int64, id string) (store.Account, error) {
	if number == 0 {
		a, err := one(ctx, s.db, scanAccount, accountSQL+` WHERE name = $1`, plain(store.Key(id)))
		return a, found(ctx, "account", id, err)
	}
	a, err := one(ctx, s.db, scanAccount, accountSQL+` WHERE id = $1`, number)
	return a, found(ctx, "account", strconv.FormatInt(number, 10), err)
}

// Accounts are all accounts, by number.
func (s *Store) Accounts(ctx context.Context) ([]store.Account, error) {
	accounts, err := all(ctx, s.db, scanAccount, accountSQL+` ORDER BY id`)
	return accounts, wrap(ctx, "accounts", err)
}

const assignmentSQL = `SELECT a.name, s.strategy_id, s.strategy_hash, s.assigned_by, s.assigned_at
	FROM strategy_assignments s JOIN accounts a ON a.id = s.account_id WHERE a.name = $1`

func scanAssignment(row pgx.CollectableRow) (a store.Assignment, err error) {
	err = row.Scan(&a.AccountID, &a.StrategyID, &a.Hash, &a.By, &a.At)
	a.AccountID, a.StrategyID, a.Hash, a.By = store.FromKey(a.AccountID), store.FromKey(a.StrategyID), store.FromKey(a.Hash), store.FromKey(a.By)
	a.At = a.At.UTC()
	return a, err
}

// Assign makes an assignment the active one of its account. Those of one
// account follow each other, as each locks the account.
func (s *Store) Assign(ctx context.Context, a store.Assignment) (previous store.Assignment, err error) {
	if err := a.Validate(); err != nil {
		return store.Assignment{}, err
	}
	a = a.Normal()
	err = s.transact(ctx, func(tx pgx.Tx) error {
		if err := addAccount(ctx, tx, a.AccountID); err != nil {
			return err
		}
		account, err := one(ctx, tx, pgx.RowTo[int64], `SELECT id FROM accounts WHERE name = $1 FOR UPDATE`, store.Key(a.AccountID))
		if err != nil {
			return err
		}
		before, err := all(ctx, tx, scanAssignment, assignmentSQL+` AND s.active`, store.Key(a.AccountID))
		if err != nil {
			return err
		}
		previous = store.Assignment{}
		if len(before) > 0 {
			previous = before[0]
		}
		if _, err := tx.Exec(ctx, `UPDATE strategy_assignments SET active = false WHERE account_id = $1 AND active`, account); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO strategy_assignments (account_id, strategy_id, strategy_hash, assigned_by, assigned_at, active)
			VALUES ($1, $2, $3, $4, $5, true)`, account, store.Key(a.StrategyID), store.Key(a.Hash), store.Key(a.By), a.At)
		return err
	})
	if err != nil {
		return store.Assignment{}, wrap(ctx, "assignment", err)
	}
	return previous, nil
}

// Assigned is the assignment that is active.
func (s *Store) Assigned(ctx context.Context, accountID string) (store.Assignment, error) {
	a, err := one(ctx, s.db, scanAssignment, assignmentSQL+` AND s.active`, plain(store.Key(accountID)))
	return a, found(ctx, "assignment of account", accountID, err)
}

// Assignments are all of an account, the last made first.
func (s *Store) Assignments(ctx context.Context, accountID string) ([]store.Assignment, error) {
	assignments, err := all(ctx, s.db, scanAssignment, assignmentSQL+` ORDER BY s.id DESC`, plain(store.Key(accountID)))
	return assignments, wrap(ctx, "assignments", err)
}
