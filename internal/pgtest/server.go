package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is of User over TCP; the socket asks for none.
const (
	User     = "ballast"
	Password = "ballast-test"
)

// Server is a PostgreSQL of a test.
type Server struct {
	bin, dir string
	settings []string
	port     string // names the socket too
	tcp      bool
	cmd      *exec.Cmd
}

// Start starts a server with settings such as "fsync=on" that belongs to the
// test and ends with it. It listens on 127.0.0.1 as well when a setting is
// "listen_addresses=127.0.0.1"; connections there need Password.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := launch(settings)
	if err != nil {
		missing(tb, err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// URL is of the database postgres, through the socket.
func (s *Server) URL() string {
	return (&url.URL{Scheme: "postgres", User: url.User(User), Path: "/postgres", RawQuery: url.Values{
		"host": {s.dir}, "port": {s.port}, "sslmode": {"disable"},
	}.Encode()}).String()
}

// TCPURL is of the database postgres through 127.0.0.1, with Password.
func (s *Server) TCPURL() string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(User, Password), Host: net.JoinHostPort("127.0.0.1", s.port), Path: "/postgres",
		RawQuery: "sslmode=disable",
	}).String()
}

// New is the URL of an empty database of this server, dropped when the test
// ends.
func (s *Server) New(tb testing.TB) string {
	tb.Helper()
	return createDatabase(tb, s.URL())
}

// Kill ends the server as a crash would, with all of its processes; Restart
// brings it back.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server and removes its files. It may be called again.
func (s *Server) Stop() {
	s.end(syscall.SIGQUIT)
	if err := os.RemoveAll(s.dir); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
	}
}

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	signalServer(s.cmd.Process, sig)
	if err := s.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
	}
	s.cmd = nil
}

// Restart starts a server that was killed, on the same files. Processes of the
// killed one may take a moment to go, and until then a new one refuses to start.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 300 {
		if err = s.run(); err == nil {
			return
		}
		s.end(syscall.SIGKILL)
		<-tick.C // nothing tells when they are gone
	}
	tb.Fatalf("pgtest: restart: %v", err)
}

// launch makes a cluster and starts it.
func launch(settings []string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	sweep()
	dir, err := os.MkdirTemp("", prefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, settings: settings}
	if err := s.build(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) build() error {
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := handOver(s.dir, password); err != nil {
		return err
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", User, "--pwfile", password, "--auth-local=trust", "--auth-host=scram-sha-256",
		"-E", "UTF8", "--no-locale", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return s.run()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) run() error {
	for _, setting := range s.settings {
		s.tcp = s.tcp || strings.HasPrefix(setting, "listen_addresses=")
	}
	if s.port == "" {
		port, err := freePort(s.tcp)
		if err != nil {
			return err
		}
		s.port = port
	}
	args := []string{"-D", s.data(), "-p", s.port, "-c", "unix_socket_directories=" + s.dir}
	if !s.tcp {
		args = append(args, "-c", "listen_addresses=")
	}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	return s.await()
}

// await returns once the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		if exited(s.cmd.Process) {
			s.cmd = nil
			return fmt.Errorf("the server ended: %s", s.log())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w: %s", err, s.log())
		case <-tick.C:
		}
	}
}

func (s *Server) log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}

// freePort is a free port of loopback. A server without TCP uses the number
// for its socket only, in a folder of its own.
func freePort(tcp bool) (string, error) {
	if !tcp {
		return "5432", nil
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if closeErr := l.Close(); err == nil {
		err = closeErr
	}
	return port, err
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, program), args...) //nolint:gosec // found by binaries
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "TZ=UTC")
	confine(cmd)
	return cmd
}
