package audit_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a chain as a database has it, for a test to tamper with.
type fake struct {
	heads  []store.Checkpoint
	links  map[string][]store.Chained
	errors map[string]map[int]error // by account and index
}

func (f *fake) Heads(ctx context.Context) ([]store.Checkpoint, error) { return f.heads, ctx.Err() }

func (f *fake) Links(ctx context.Context, account string, after int64) iter.Seq2[store.Chained, error] {
	return func(yield func(store.Chained, error) bool) {
		for i, c := range f.links[account] {
			if err := ctx.Err(); err != nil {
				yield(store.Chained{}, err)
				return
			}
			if c.Link.Seq > after && !yield(c, f.errors[account][i]) {
				return
			}
		}
	}
}

// at is the time of a record of newFake.
func at(i int) time.Time { return storetest.Start().Add(time.Duration(i) * time.Minute) }

// sample is record i of an account.
func sample(account string, i int) decision.Record {
	r := storetest.Sample(fmt.Sprintf("%s-%d", account, i), at(i))
	r.Input.Account.ID = account
	return r
}

// newFake has n links for each account.
func newFake(t *testing.T, n int, accounts ...string) *fake {
	t.Helper()
	f := &fake{links: map[string][]store.Chained{}, errors: map[string]map[int]error{}}
	for _, account := range accounts {
		for i := 1; i <= n; i++ {
			f.links[account] = append(f.links[account], chained(t, account, sample(account, i)))
		}
		f.rehash(t, account)
	}
	return f
}

func chained(t *testing.T, account string, r decision.Record) store.Chained {
	t.Helper()
	canonical, err := r.Canonical()
	require.NoError(t, err)
	row, err := store.Project(r)
	require.NoError(t, err)
	return store.Chained{AccountID: account, Row: row, Canonical: canonical}
}

// rehash makes a chain consistent, as somebody would who owns the database.
func (f *fake) rehash(t *testing.T, account string) {
	t.Helper()
	head := store.Checkpoint{AccountID: account, Hash: store.Genesis(account)}
	for i := range f.links[account] {
		c := &f.links[account][i]
		digest := store.Hash(c.Canonical.Digest())
		c.Link = store.Link{Seq: head.Seq + 1, Digest: digest, Previous: head.Hash, Hash: store.Next(head.Hash, head.Seq+1, digest)}
		head.Seq, head.Hash, head.At = c.Link.Seq, c.Link.Hash, c.Row.At
	}
	f.heads = slices.DeleteFunc(f.heads, func(c store.Checkpoint) bool { return c.AccountID == account })
	f.heads = append(f.heads, head)
}

// renumber closes gaps in the numbers, and nothing else.
func (f *fake) renumber(account string) {
	for i := range f.links[account] {
		f.links[account][i].Link.Seq = int64(i) + 1
	}
}

// replace puts another record into the place of link i, and leaves the link.
func (f *fake) replace(t *testing.T, account string, i int, r decision.Record) {
	t.Helper()
	c := chained(t, account, r)
	c.Link = f.links[account][i].Link
	f.links[account][i] = c
}
