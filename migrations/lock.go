package migrations

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"
)

// lockKey is the advisory lock of migrations in a PostgreSQL database.
const lockKey = 0x62616c6c617374 // "ballast"

const lockRetry = 50 * time.Millisecond

// lock runs f while no other process migrates the database. It waits until ctx
// ends; a holder that dies loses the lock.
func (m *Migrator) lock(ctx context.Context, f func(context.Context) error) error {
	switch {
	case m.dialect == Postgres:
		return m.lockSession(ctx, f)
	case m.cfg.LockPath != "":
		return m.lockFile(ctx, f)
	}
	return f(ctx)
}

// lockSession holds the lock by a connection of its own. It asks again and
// again instead of waiting in the server, where a statement_timeout of the
// host's pool would end the wait.
func (m *Migrator) lockSession(ctx context.Context, f func(context.Context) error) (err error) {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return wrap(err)
	}
	held := false
	defer func() {
		if held {
			err = errors.Join(err, unlockSession(context.WithoutCancel(ctx), conn))
		}
		if closeErr := conn.Close(); closeErr != nil && !errors.Is(closeErr, sql.ErrConnDone) {
			err = errors.Join(err, wrap(closeErr))
		}
	}()
	err = retry(ctx, func() (bool, error) {
		scanErr := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&held)
		return held, scanErr
	})
	if err != nil {
		return fmt.Errorf("migrations: wait for the lock: %w", err)
	}
	return f(ctx)
}

func unlockSession(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(lockKey)); err == nil {
		return nil
	}
	// A pooled connection must not keep the lock; without it, it is gone.
	if err := conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		return wrap(err)
	}
	return nil
}

func (m *Migrator) lockFile(ctx context.Context, f func(context.Context) error) (err error) {
	file, err := os.OpenFile(m.cfg.LockPath, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return wrap(err)
	}
	// Closing unlocks. The file stays: who removes it takes it from a waiter.
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := retry(ctx, func() (bool, error) { return tryLock(file) }); err != nil {
		return fmt.Errorf("migrations: wait for the lock: %w", err)
	}
	return f(ctx)
}

func retry(ctx context.Context, try func() (bool, error)) error {
	timer := time.NewTicker(lockRetry)
	defer timer.Stop()
	for {
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}
