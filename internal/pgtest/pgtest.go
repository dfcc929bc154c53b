// Package pgtest gives tests a real PostgreSQL without any set-up by whoever
// runs them.
//
// The server is, in this order: the one of BALLAST_TEST_DATABASE_URL; one that
// is started from the initdb in PATH; one from the newest of
// /usr/lib/postgresql/*/bin. Without any, the test is skipped, or fails where
// CI=true. A server is started once for a test binary, on a socket in a
// temporary folder; it ends with the binary even when that is killed. End it
// in TestMain:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL names the variable with the URL of a server to use. Databases are
// created there, so its user needs that right.
const EnvURL = "BALLAST_TEST_DATABASE_URL"

const patience = 60 * time.Second // for one step of a machine that is busy

//nolint:gochecknoglobals // one server for a test binary is the point of this package
var shared struct {
	sync.Mutex
	server *Server
	url    string // of EnvURL
	failed error
}

// New is the URL of an empty database that is dropped when the test ends.
func New(tb testing.TB) string {
	tb.Helper()
	admin, err := sharedURL()
	if err != nil {
		missing(tb, err)
	}
	return createDatabase(tb, admin)
}

func sharedURL() (string, error) {
	shared.Lock()
	defer shared.Unlock()
	switch {
	case shared.failed != nil:
		return "", shared.failed
	case shared.url != "":
		return shared.url, nil
	case shared.server != nil:
		return shared.server.URL(), nil
	}
	if given := os.Getenv(EnvURL); given != "" { //nolint:forbidigo // documented, and tests are hosts
		shared.url = given
		return given, nil
	}
	shared.server, shared.failed = launch([]string{
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200", "autovacuum=off",
	})
	if shared.failed != nil {
		return "", shared.failed
	}
	return shared.server.URL(), nil
}

// Stop ends the shared server and removes its files; without one it does
// nothing.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Stop()
		shared.server = nil
	}
}

// Exit stops the shared server and ends the process: the last call of a
// TestMain.
func Exit(code int) {
	Stop()
	os.Exit(code) //nolint:forbidigo // the end of TestMain
}

// Main runs the tests, then Exit.
func Main(m *testing.M) { Exit(m.Run()) }

// missing ends a test for want of a server.
func missing(tb testing.TB, err error) {
	tb.Helper()
	if ci, parseErr := strconv.ParseBool(os.Getenv("CI")); parseErr == nil && ci { //nolint:forbidigo // what CI sets
		tb.Fatalf("pgtest: no PostgreSQL: %v", err)
	}
	if _, ok := err.(*notFoundError); ok { //nolint:errorlint // made in this package and never wrapped
		tb.Skipf("pgtest: %v", err)
	}
	tb.Fatalf("pgtest: %v", err)
}

// createDatabase makes an empty database with a name of its own beside the one
// that admin names, and returns its URL.
func createDatabase(tb testing.TB, admin string) string {
	tb.Helper()
	name := fmt.Sprintf("ballast_t_%d_%d", os.Getpid(), nextNumber())
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execute(admin, "CREATE DATABASE "+quoted+" TEMPLATE template0"); err != nil {
		tb.Fatalf("pgtest: create a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := execute(admin, "DROP DATABASE IF EXISTS "+quoted+" WITH (FORCE)"); err != nil {
			tb.Errorf("pgtest: drop the database: %v", err)
		}
	})
	u, err := url.Parse(admin)
	if err != nil {
		tb.Fatal("pgtest: the server's URL cannot be parsed")
	}
	u.Path = "/" + name
	return u.String()
}

//nolint:gochecknoglobals // numbers the databases of a process
var numbers struct {
	sync.Mutex
	last int
}

func nextNumber() int {
	numbers.Lock()
	defer numbers.Unlock()
	numbers.last++
	return numbers.last
}

//nolint:gochecknoglobals // CREATE DATABASE from one template runs one at a time
var creating sync.Mutex

func execute(dsn, statement string) error {
	creating.Lock()
	defer creating.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	if closeErr := conn.Close(ctx); err == nil {
		err = closeErr
	}
	return err
}
