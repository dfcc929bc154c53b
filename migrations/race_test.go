package migrations_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
)

// The test binary runs itself again as a program that migrates.
const raceEnv = "MIGRATIONS_TEST_RACE" // up, or hold: the lock, until killed

func racing() bool {
	what := os.Getenv(raceEnv)
	if what == "" {
		return false
	}
	p := place{nil, migrations.Dialect(os.Getenv(raceEnv + "_DIALECT")), os.Getenv(raceEnv + "_DSN"), os.Getenv(raceEnv + "_LOCK")}
	if err := race(p, what); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func race(p place, what string) error {
	db, err := p.open()
	if err != nil {
		return err
	}
	defer db.Close()
	m, err := migrations.New(db, p.dialect, migrations.Config{LockPath: p.lock})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if what == "hold" {
		return migrations.Hold(ctx, m, func(ctx context.Context) error {
			fmt.Println("held")
			<-ctx.Done()
			return ctx.Err()
		})
	}
	return m.Up(ctx)
}

func process(t *testing.T, p place, what string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), raceEnv+"="+what, raceEnv+"_DIALECT="+string(p.dialect), raceEnv+"_DSN="+p.dsn, raceEnv+"_LOCK="+p.lock)
	return cmd
}

func TestUp_ProcessesThatStartAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		t.Run(map[bool]string{false: "empty", true: "foreign legacy"}[legacy], func(t *testing.T) {
			t.Parallel()
			each(t, func(p place) {
				t := p.t
				db, m := p.start(t)
				if legacy {
					foreign(t, db, p.dialect, 50)
				}
				var all sync.WaitGroup
				failures := make([]error, 4)
				for i := range failures {
					cmd := process(t, p, "up")
					all.Go(func() {
						if out, err := cmd.CombinedOutput(); err != nil {
							failures[i] = fmt.Errorf("%w: %s", err, out)
						}
					})
				}
				all.Wait()
				for _, err := range failures {
					require.NoError(t, err)
				}
				require.NoError(t, m.Check(t.Context()))
				log, err := m.History(t.Context())
				require.NoError(t, err)
				require.Len(t, log, 4, "each step happened once")
			})
		})
	}
}

func TestUp_GoesOnWhenTheHolderOfTheLockIsKilled(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		_, m := p.start(t)
		holder := process(t, p, "hold")
		out, err := holder.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, holder.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "held\n", line)

		waiting, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, m.Up(waiting), context.DeadlineExceeded, "it waits for the holder, as long as it may")

		done := make(chan error, 1)
		go func() { done <- m.Up(t.Context()) }()
		require.NoError(t, holder.Process.Kill())
		require.Error(t, holder.Wait())
		require.NoError(t, <-done)
		require.NoError(t, m.Check(t.Context()))
	})
}
