package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	pgxdecimal "github.com/jackc/pgx-shopspring-decimal"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Open connects to the database of a URL such as
// postgres://user:password@host:5432/database?sslmode=require (also
// postgresql://, and a driver as in postgresql+asyncpg:// is ignored) and makes
// sure that it can be used: the server answers and is new enough, the schema is
// that of this version, the user has the rights. What is not so is one of this
// package's or package migrations' errors, without the password. Close the
// Store in the end.
func Open(ctx context.Context, databaseURL string, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	settings, err := poolConfig(databaseURL, cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, connectError(ctx, settings, err)
	}
	if err := check(ctx, pool, settings); err != nil {
		pool.Close()
		return nil, err
	}
	s, err := New(pool, cfg)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.pool = pool
	return s, nil
}

// Close ends the connections of a Store that Open made, once those in use are
// given back; of others it closes nothing.
func (s *Store) Close() {
	if s.pool != nil {
		s.pool.Close()
	}
}

// Pool is the pool of a Store that Open made, nil for others. It ends with
// Close.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

func poolConfig(databaseURL string, cfg Config) (*pgxpool.Config, error) {
	plain, err := driverless(databaseURL)
	if err != nil {
		return nil, err
	}
	settings, err := pgxpool.ParseConfig(plain)
	if err != nil {
		// The parser's own words may quote the URL.
		return nil, fmt.Errorf("%w: its host, port or a setting cannot be understood", ErrURL)
	}
	settings.MaxConns = int32(cfg.MaxConns) //nolint:gosec // at most 1,000
	settings.MinIdleConns = 1
	settings.MaxConnLifetime, settings.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	settings.MaxConnIdleTime, settings.HealthCheckPeriod = 5*time.Minute, 30*time.Second
	settings.PingTimeout = 2 * time.Second
	c := settings.ConnConfig
	c.ConnectTimeout = cfg.ConnectTimeout
	if cfg.Pooler {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
	} else {
		timeout := strconv.FormatInt(cfg.StatementTimeout.Milliseconds(), 10)
		for name, value := range map[string]string{"statement_timeout": timeout, "idle_in_transaction_session_timeout": timeout} {
			if c.RuntimeParams[name] == "" { // what the URL says goes first
				c.RuntimeParams[name] = value
			}
		}
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = cfg.ApplicationName
	}
	settings.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxdecimal.Register(conn.TypeMap())
		return nil
	}
	return settings, nil
}

// driverless is the URL as libpq would have it.
func driverless(databaseURL string) (string, error) {
	scheme, rest, ok := strings.Cut(databaseURL, "://")
	scheme, driver, _ := strings.Cut(strings.ToLower(scheme), "+")
	if !ok || (scheme != "postgres" && scheme != "postgresql") {
		return "", fmt.Errorf("%w: it must begin with postgres:// or postgresql://", ErrURL)
	}
	plain := scheme + "://" + rest
	parsed, err := url.Parse(plain)
	if err != nil {
		return "", fmt.Errorf("%w: it is not formed like one; special characters of a password are written %%40", ErrURL)
	}
	if strings.Contains(parsed.Path, "@") || parsed.Fragment != "" {
		return "", fmt.Errorf("%w: a password has characters that must be written as %%2F, %%23 or %%40", ErrURL)
	}
	if query := parsed.Query(); driver != "" && query.Has("ssl") && !query.Has("sslmode") {
		mode := query.Get("ssl") // how asyncpg names it
		if mode == "true" {
			mode = "require"
		}
		query.Del("ssl")
		query.Set("sslmode", mode)
		parsed.RawQuery = query.Encode()
		plain = parsed.String()
	}
	return plain, nil
}

// connectError says in one sentence why there is no connection. It leads to
// what the server said, never to pgx's error, which holds the password.
func connectError(ctx context.Context, settings *pgxpool.Config, err error) error {
	c := settings.ConnConfig
	where := fmt.Sprintf("%s:%d, database %q, user %q", c.Host, c.Port, c.Database, c.User)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case codeNoPassword, codeNoLogin:
			return fmt.Errorf("%w: %s: %w", ErrPassword, where, pg)
		case codeNoDatabase:
			return fmt.Errorf("%w: %s: %w", ErrDatabase, where, pg)
		case codeRights:
			return fmt.Errorf("%w: %s: %w", ErrRights, where, pg)
		}
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57": // connection, no resources, starting or shutting down: it may answer later
			return fmt.Errorf("%w: %s: %w", ErrUnreachable, where, pg)
		}
		return fmt.Errorf("postgres: %s: %w", where, pg)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, where, ctx.Err())
	}
	return fmt.Errorf("%w: %s: %s", ErrUnreachable, where, mask(err.Error(), c.Password))
}

// mask takes the password out of a text, however it is written there.
func mask(text, password string) string {
	for _, written := range [...]string{password, url.QueryEscape(password), url.PathEscape(password)} {
		if written != "" {
			text = strings.ReplaceAll(text, written, "***")
		}
	}
	return text
}
