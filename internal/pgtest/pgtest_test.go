package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func TestNew_EachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	a, b := pgtest.New(t), pgtest.New(t)
	require.NotEqual(t, a, b)
	_, err := connect(t, a).Exec(t.Context(), "CREATE TABLE mine (id int)")
	require.NoError(t, err)
	var found bool
	require.NoError(t, connect(t, b).QueryRow(t.Context(), "SELECT to_regclass('mine') IS NOT NULL").Scan(&found))
	require.False(t, found)
}

func TestStart_KeepsWhatWasCommittedThroughACrash(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, "fsync=on")
	url := s.New(t)
	conn := connect(t, url)
	_, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n")
	require.NoError(t, err)
	s.Kill()
	_, err = conn.Exec(t.Context(), "SELECT 1")
	require.Error(t, err)
	s.Restart(t)
	var n int
	require.NoError(t, connect(t, url).QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n))
	require.Equal(t, 7, n)
}

func TestStart_AsksForAPasswordOverTCP(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, "listen_addresses=127.0.0.1", "fsync=off")
	var one int
	require.NoError(t, connect(t, s.TCPURL()).QueryRow(t.Context(), "SELECT 1").Scan(&one))
	cfg, err := pgx.ParseConfig(s.TCPURL())
	require.NoError(t, err)
	cfg.Password = "wrong"
	_, err = pgx.ConnectConfig(t.Context(), cfg)
	var failure *pgconn.PgError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "28P01", failure.Code)
}
