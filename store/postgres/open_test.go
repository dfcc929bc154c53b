package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/pgtest"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store/postgres"
)

const password = "p@ss/w:rd%"

// refused opens what cannot be opened and checks that the error keeps the
// password to itself, however it is printed.
func refused(t *testing.T, databaseURL string, secrets ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := postgres.Open(ctx, databaseURL, postgres.Config{ConnectTimeout: 20 * time.Second})
	require.Error(t, err)
	require.Nil(t, s)
	for _, secret := range append(secrets, password, url.QueryEscape(password), url.PathEscape(password)) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, err), secret, verb)
		}
	}
	return err
}

func TestOpen_NothingListens(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	err = refused(t, (&url.URL{Scheme: "postgres", User: url.UserPassword("u", password), Host: address, Path: "/d"}).String())
	require.ErrorIs(t, err, postgres.ErrUnreachable)
	require.ErrorContains(t, err, address)
}

// A server that accepts and says nothing must not hold up the start for ever.
func TestOpen_NobodyAnswers(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	s, err := postgres.Open(t.Context(), "postgres://u:"+url.QueryEscape(password)+"@"+l.Addr().String()+"/d?sslmode=disable", postgres.Config{ConnectTimeout: 50 * time.Millisecond})
	require.Nil(t, s)
	require.ErrorIs(t, err, postgres.ErrUnreachable)
	require.NotContains(t, err.Error(), password)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = postgres.Open(ctx, "postgres://u:secret@"+l.Addr().String()+"/d?sslmode=disable", postgres.Config{})
	require.ErrorIs(t, err, postgres.ErrUnreachable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestOpen_AsksTheServer(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "listen_addresses=127.0.0.1", "fsync=off")
	tcp, err := url.Parse(server.TCPURL())
	require.NoError(t, err)
	change := func(f func(u *url.URL)) string {
		u := *tcp
		f(&u)
		return u.String()
	}
	t.Run("a wrong password", func(t *testing.T) {
		t.Parallel()
		err := refused(t, change(func(u *url.URL) { u.User = url.UserPassword(pgtest.User, password) }))
		require.ErrorIs(t, err, postgres.ErrPassword)
		require.ErrorContains(t, err, pgtest.User)
	})
	t.Run("an unknown user", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, refused(t, change(func(u *url.URL) { u.User = url.UserPassword("nobody-here", password) })), postgres.ErrPassword)
	})
	t.Run("an unknown database", func(t *testing.T) {
		t.Parallel()
		err := refused(t, change(func(u *url.URL) { u.Path = "/gone" }), pgtest.Password)
		require.ErrorIs(t, err, postgres.ErrDatabase)
		require.ErrorContains(t, err, `"gone"`)
	})
	t.Run("every scheme", func(t *testing.T) {
		t.Parallel()
		migrated(t, server.URL())
		rest := strings.TrimPrefix(server.TCPURL(), "postgres")
		for _, scheme := range []string{"postgres", "postgresql", "postgresql+asyncpg", "POSTGRES+psycopg"} {
			openAt(t, scheme+rest).Close()
		}
		openAt(t, "postgresql+asyncpg"+strings.Replace(rest, "sslmode=disable", "ssl=disable", 1)).Close()
	})
}

func TestOpen_MissingRights(t *testing.T) {
	t.Parallel()
	databaseURL := database(t)
	s := openAt(t, databaseURL)
	role := fmt.Sprintf("reader_%d", scan[uint32](t, s, "SELECT oid FROM pg_database WHERE datname = current_database()"))
	exec(t, s, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		exec(t, s, "DROP OWNED BY "+role)
		exec(t, s, "DROP ROLE "+role)
	})
	exec(t, s, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+role)
	exec(t, s, "GRANT INSERT ON decisions, accounts TO "+role)
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	u.User = url.User(role)
	err = refused(t, u.String())
	require.ErrorIs(t, err, postgres.ErrRights)
	require.ErrorContains(t, err, "INSERT on asset_decisions")
	require.ErrorContains(t, err, "DELETE on halts")
	require.NotContains(t, err.Error(), "INSERT on decisions")
	require.NotContains(t, err.Error(), "SELECT")
	exec(t, s, "GRANT ALL ON ALL TABLES IN SCHEMA public TO "+role)
	openAt(t, u.String()).Close()
}

func TestOpen_LooksAtTheSchema(t *testing.T) {
	t.Parallel()
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		err := refused(t, pgtest.New(t))
		require.ErrorIs(t, err, migrations.ErrOldSchema)
		require.ErrorContains(t, err, "ballast migrate up")
	})
	t.Run("older", func(t *testing.T) {
		t.Parallel()
		databaseURL := database(t)
		migrate(t, databaseURL, func(m *migrations.Migrator) error { return m.DownTo(t.Context(), 2) })
		require.ErrorIs(t, refused(t, databaseURL), migrations.ErrOldSchema)
	})
	t.Run("newer", func(t *testing.T) {
		t.Parallel()
		databaseURL := database(t)
		exec(t, openAt(t, databaseURL), "INSERT INTO "+migrations.VersionTable+" (version_id, is_applied) VALUES (99, true)")
		require.ErrorIs(t, refused(t, databaseURL), migrations.ErrNewerSchema)
	})
	t.Run("read through one connection", func(t *testing.T) {
		t.Parallel()
		for _, pooler := range []bool{false, true} {
			s, err := postgres.Open(t.Context(), database(t), postgres.Config{MaxConns: 1, Pooler: pooler})
			require.NoError(t, err)
			require.Zero(t, s.Pool().Stat().AcquiredConns())
			s.Close()
		}
	})
}

func TestOpen_RefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "postgres", "mysql://u:" + password + "@h/d", "host=h password=" + password, "postgres://u:" + password + "@h/d", "postgres://u:p\x7f" + password + "@h",
		"postgres://u:" + url.QueryEscape(password) + "@h:99999999/d", "postgres://u:" + url.QueryEscape(password) + "@h/d?sslmode=maybe", "+://", "postgres+://u@h:x/",
	} {
		require.ErrorIs(t, refused(t, text), postgres.ErrURL, text)
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for _, version := range []int{140_000, 150_004, 190_000} {
		require.NoError(t, postgres.CheckVersion(version))
	}
	for _, version := range []int{139_999, 90_624, 0} {
		require.ErrorIs(t, postgres.CheckVersion(version), postgres.ErrVersion)
	}
	require.ErrorContains(t, postgres.CheckVersion(130_011), "must be PostgreSQL 14 or newer, was 13")
}

func TestConfigReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), "", postgres.Config{
		KnownSeries: -1, MaxConns: 1001, ConnectTimeout: time.Nanosecond, StatementTimeout: 2 * time.Hour, ApplicationName: strings.Repeat("x", 64),
	})
	for _, problem := range []string{
		"KnownSeries must be between 1 and 1000000, was -1", "MaxConns must be between 1 and 1000, was 1001",
		"ConnectTimeout must be between 10ms and 1m, was 1ns", "StatementTimeout must be between 10ms and 1h, was 2h", "ApplicationName must have at most 63 bytes, had 64",
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = postgres.New(nil, postgres.Config{})
	require.ErrorContains(t, err, "db must not be nil")
}

func TestOpen_SetsWhatTheServerShows(t *testing.T) {
	t.Parallel()
	databaseURL := database(t)
	s, err := postgres.Open(t.Context(), databaseURL, postgres.Config{ApplicationName: "bot", StatementTimeout: 1500 * time.Millisecond, MaxConns: 3})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.Equal(t, "bot", scan[string](t, s, "SHOW application_name"))
	require.Equal(t, "1500ms", scan[string](t, s, "SHOW statement_timeout"))
	require.EqualValues(t, 3, s.Pool().Config().MaxConns)
	own := openAt(t, databaseURL+"&application_name=mine&statement_timeout=7000")
	require.Equal(t, "mine", scan[string](t, own, "SHOW application_name"), "the URL goes first")
	require.Equal(t, "7s", scan[string](t, own, "SHOW statement_timeout"))
}
