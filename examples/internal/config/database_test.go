package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/config"
)

func read(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	cfg, err := config.Read(env, nil)
	require.NoError(t, err)
	return cfg
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want config.Database
		url  string
	}{
		"default":     {nil, config.Database{Kind: config.DatabaseSQLite, Path: "data/ballast.db", Name: "data/ballast.db"}, ""},
		"in DATA_DIR": {map[string]string{"DATA_DIR": "/srv/b"}, config.Database{Kind: config.DatabaseSQLite, Path: "/srv/b/ballast.db", Name: "/srv/b/ballast.db"}, ""},
		"a relative file": {
			map[string]string{"DATABASE_URL": "sqlite://x/y.db"},
			config.Database{Kind: config.DatabaseSQLite, Path: "x/y.db", Name: "x/y.db"},
			"",
		},
		"an absolute file": {
			map[string]string{"DATABASE_URL": "sqlite:///x/y?.db"},
			config.Database{Kind: config.DatabaseSQLite, Path: "/x/y?.db", Name: "/x/y?.db"},
			"",
		},
		"memory": {map[string]string{"DATABASE_URL": "memory:"}, config.Database{Kind: config.DatabaseMemory, Name: "memory"}, ""},
		"the guide's": {
			map[string]string{"DATABASE_URL": "postgresql+asyncpg://trading_user:password@localhost:5432/trading_db"},
			config.Database{Kind: config.DatabasePostgres, Name: "postgresql://localhost:5432/trading_db"},
			"postgresql+asyncpg://trading_user:password@localhost:5432/trading_db",
		},
		"a socket": {
			map[string]string{"DATABASE_URL": "postgres:///db?host=/run/postgresql&password=s3cret"},
			config.Database{Kind: config.DatabasePostgres, Name: "postgres:///db"},
			"postgres:///db?host=/run/postgresql&password=s3cret",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.want.MaxConns, c.want.PoolTimeout = 30, 30*time.Second
			got := read(t, c.env).Database
			require.Equal(t, c.url, got.URL.Reveal())
			got.URL = c.want.URL
			c.want.Given = c.env["DATABASE_URL"] != ""
			require.Equal(t, c.want, got)
		})
	}
	got := read(t, map[string]string{"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "0", "DB_POOL_TIMEOUT": "7"}).Database
	require.Equal(t, 5, got.MaxConns)
	require.Equal(t, 7*time.Second, got.PoolTimeout)
}

func TestDatabaseProblemsNeverShowAPassword(t *testing.T) {
	t.Parallel()
	for url, problem := range map[string]string{
		"mysql://u:hunter2@h/db":        "DATABASE_URL must begin with postgres://, postgresql://, sqlite:// or be memory:, began with mysql",
		"hunter2":                       "began with something else",
		"hunter2hunter2hunter2hunter2:": "began with something else",
		"postgres://u:hunter2 h/db":     "DATABASE_URL must be like postgresql://user:password@host:5432/name",
		"postgres://u:hunt%zzer2@h/db":  "percent-encoded",
		"postgres://u:12/hunter2@h/db":  "percent-encoded",
		"postgres://u:12#hunter2@h/db":  "percent-encoded",
		"postgres://":                   "must be like",
		"sqlite:x.db":                   "DATABASE_URL must name a file",
		"sqlite://":                     "DATABASE_URL must name a file",
		"memory:hunter2":                "began with memory",
	} {
		_, err := config.Read(map[string]string{"DATABASE_URL": url}, nil)
		require.ErrorContains(t, err, problem, url)
		require.NotContains(t, err.Error(), "hunter2", url)
	}
	ok := map[string]string{"DATABASE_URL": "postgres://u:hunter2@h/db"}
	cfg, err := config.Read(ok, nil)
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%+v %#v %s", cfg, cfg, cfg.Database.Name), "hunter2")
	for _, bad := range []map[string]string{{"DB_POOL_SIZE": "0"}, {"DB_MAX_OVERFLOW": "-1"}, {"DB_POOL_TIMEOUT": "0"}} {
		_, err := config.Read(bad, nil)
		require.Error(t, err)
	}
}
