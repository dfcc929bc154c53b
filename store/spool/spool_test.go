package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/spool"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shaky is a store that can be down.
type shaky struct {
	sound *memory.Store

	mu    sync.Mutex
	down  error
	hangs bool
	order []string // of what it took
}

var errDown = errors.New("connection refused")

func newShaky() *shaky { return &shaky{sound: memory.New()} }

func (s *shaky) set(down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *shaky) Append(ctx context.Context, r decision.Record) error {
	s.mu.Lock()
	down, hangs := s.down, s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if down != nil {
		return down
	}
	if err := s.sound.Append(ctx, r); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.order, r.Result.ID) {
		s.order = append(s.order, r.Result.ID)
	}
	return nil
}

func (s *shaky) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

func record(i int) decision.Record {
	return storetest.Sample(fmt.Sprintf("r%02d", i), storetest.Start().Add(time.Duration(i)*time.Second))
}

func open(t *testing.T, cfg spool.Config) *spool.Spool {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "spool")
	}
	s, err := spool.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestRecordsGoStraightToAStoreThatWorks(t *testing.T) {
	t.Parallel()
	to := newShaky()
	s := open(t, spool.Config{Store: to})
	require.NoError(t, s.Append(t.Context(), record(1)))
	require.NoError(t, s.Append(t.Context(), record(1)))
	require.Equal(t, []string{"r01"}, to.taken())
	require.Zero(t, s.Stats())
	other := record(1)
	other.Result.Reason = "another"
	require.ErrorIs(t, s.Append(t.Context(), other), store.ErrConflict)
	require.ErrorIs(t, s.Append(t.Context(), storetest.Sample("", storetest.Start())), store.ErrID)
	require.Zero(t, s.Stats().Pending, "what a store refuses for good is not kept")
}

func TestRecordsWaitWhileTheStoreIsDownAndComeInOrder(t *testing.T) {
	t.Parallel()
	to := newShaky()
	path := filepath.Join(t.TempDir(), "spool")
	s := open(t, spool.Config{Store: to, Path: path})
	to.set(errDown)
	require.NoError(t, s.Append(t.Context(), record(0)))
	require.Equal(t, errDown.Error(), s.Stats().LastError)
	to.set(nil)
	for i := 1; i < 4; i++ {
		require.NoError(t, s.Append(t.Context(), record(i)), "queues behind the first")
	}
	require.Empty(t, to.taken())
	require.Equal(t, 4, s.Stats().Pending)
	require.Equal(t, record(0).Result.At, s.Stats().Since)
	n, err := s.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, []string{"r00", "r01", "r02", "r03"}, to.taken())
	stats := s.Stats()
	require.Equal(t, spool.Stats{Spooled: 4, Delivered: 4}, stats)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Size(), "an emptied journal is empty")
	want, err := record(2).MarshalJSON()
	require.NoError(t, err)
	kept, err := to.sound.Record(t.Context(), "r02")
	require.NoError(t, err)
	got, err := kept.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestADeliveryStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	to := newShaky()
	s := open(t, spool.Config{Store: to})
	to.set(errDown)
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), record(i)))
	}
	n, err := s.Deliver(t.Context())
	require.ErrorIs(t, err, errDown)
	require.Zero(t, n)
	require.Equal(t, 3, s.Stats().Pending)
}

func TestTheJournalOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	to := newShaky()
	path := filepath.Join(t.TempDir(), "spool")
	first, err := spool.Open(spool.Config{Store: to, Path: path})
	require.NoError(t, err)
	_, err = spool.Open(spool.Config{Store: to, Path: path})
	require.ErrorIs(t, err, spool.ErrHeld)
	to.set(errDown)
	for i := range 3 {
		require.NoError(t, first.Append(t.Context(), record(i)))
	}
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	require.ErrorIs(t, first.Append(t.Context(), record(9)), spool.ErrClosed)
	to.set(nil)
	second := open(t, spool.Config{Store: to, Path: path})
	require.Equal(t, 3, second.Stats().Pending)
	require.NoError(t, second.Append(t.Context(), record(3)))
	_, err = second.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"r00", "r01", "r02", "r03"}, to.taken())
}

func TestWhatTheStoreRefusesForGoodIsPutAside(t *testing.T) {
	t.Parallel()
	to := newShaky()
	path := filepath.Join(t.TempDir(), "spool")
	s := open(t, spool.Config{Store: to, Path: path})
	other := record(1)
	other.Result.Reason = "another"
	require.NoError(t, to.Append(t.Context(), other))
	to.set(errDown)
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), record(i)))
	}
	to.set(nil)
	n, err := s.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"r01", "r00", "r02"}, to.taken())
	require.Equal(t, uint64(1), s.Stats().Refused)
	frames, _, err := spool.OpenJournal(path + ".refused")
	require.NoError(t, err)
	require.Equal(t, 1, frames)
}

func TestAFullJournalRefuses(t *testing.T) {
	t.Parallel()
	to := newShaky()
	to.set(errDown)
	s := open(t, spool.Config{Store: to, MaxBytes: 8 << 10})
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		err = s.Append(t.Context(), record(n))
	}
	require.ErrorIs(t, err, spool.ErrFull)
	require.Greater(t, n, 1)
	require.LessOrEqual(t, s.Stats().Bytes, int64(8<<10))
	require.Equal(t, n-1, s.Stats().Pending)
}

func TestAHangingStoreLeavesTheJournalItsTurn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		to := newShaky()
		to.hangs = true
		s := open(t, spool.Config{Store: to, Path: path})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		require.NoError(t, s.Append(ctx, record(1)))
		require.Equal(t, 500*time.Millisecond, time.Since(started), "half of the caller's time")
		require.NoError(t, s.Append(ctx, record(2)))
		require.Equal(t, 2, s.Stats().Pending)
	})
}

func TestRunDeliversWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		to := newShaky()
		s := open(t, spool.Config{Store: to, Path: path, RetryEvery: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		var owner sync.WaitGroup
		owner.Go(func() { require.ErrorIs(t, s.Run(ctx), context.Canceled) })
		to.set(errDown)
		require.NoError(t, s.Append(t.Context(), record(1)))
		time.Sleep(10 * time.Minute) // virtual
		require.Equal(t, 1, s.Stats().Pending)
		to.set(nil)
		time.Sleep(time.Minute) // virtual
		synctest.Wait()
		require.Zero(t, s.Stats().Pending)
		require.Equal(t, []string{"r01"}, to.taken())
		cancel()
		owner.Wait()
	})
}

func TestConcurrentAppendsAreAllKeptOnce(t *testing.T) {
	t.Parallel()
	to := newShaky()
	s := open(t, spool.Config{Store: to})
	var wait sync.WaitGroup
	failures := make([]error, 16)
	for w := range failures {
		wait.Go(func() {
			for i := range 4 {
				if i == 2 {
					to.set(errDown)
				}
				failures[w] = errors.Join(failures[w], s.Append(t.Context(), record(w*4+i)))
			}
		})
	}
	wait.Wait()
	require.NoError(t, errors.Join(failures...))
	to.set(nil)
	_, err := s.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, to.taken(), 64)
}

func TestAnEndedContextKeepsNothing(t *testing.T) {
	t.Parallel()
	to := newShaky()
	s := open(t, spool.Config{Store: to})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Append(ctx, record(1)), context.Canceled)
	require.Zero(t, s.Stats())
	require.Empty(t, to.taken())
}

func TestConfigReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := spool.Open(spool.Config{MaxBytes: -1, Timeout: -1, RetryEvery: -1})
	for _, part := range []string{"missing Store", "missing Path", "MaxBytes must be at least 12, was -1", "Timeout must not", "RetryEvery must not"} {
		require.ErrorContains(t, err, part)
	}
	_, err = spool.Open(spool.Config{Store: newShaky(), Path: filepath.Join(t.TempDir(), "missing", "spool")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A refusal that no later try changes must not be promised, and must not hold
// up the records of others.
func TestWhatNoStoreEverTakesIsNotKept(t *testing.T) {
	t.Parallel()
	to := newShaky()
	s := open(t, spool.Config{Store: to})
	for name, spoil := range map[string]func(*decision.Record){
		"no account":      func(r *decision.Record) { r.Input.Account.ID = "" },
		"a broken text":   func(r *decision.Record) { r.Result.Reason = "\xff" },
		"a broken schema": func(r *decision.Record) { r.Request.Schema.JSON = []byte("{") },
	} {
		r := record(1)
		spoil(&r)
		for _, down := range []error{nil, errDown} {
			to.set(down)
			require.Error(t, s.Append(t.Context(), r), name)
			require.Zero(t, s.Stats().Pending, name)
		}
	}
	to.set(store.ErrReadOnly)
	require.ErrorIs(t, s.Append(t.Context(), record(2)), store.ErrReadOnly, "a standby is not the store")
	require.Zero(t, s.Stats().Pending)
}

func TestAStoreThatHangsDoesNotHoldADeliveryForEver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		to := newShaky()
		s := open(t, spool.Config{Store: to, Path: path})
		to.set(errDown)
		require.NoError(t, s.Append(t.Context(), record(1)))
		to.mu.Lock()
		to.hangs = true
		to.mu.Unlock()
		started := time.Now()
		_, err := s.Deliver(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(started))
		require.Equal(t, 1, s.Stats().Pending)
	})
}
