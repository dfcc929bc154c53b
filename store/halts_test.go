package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

func TestCheckHaltTakesWhatCanBeKept(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", store.MaxHaltAccountBytes)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, id := range []string{"", "acct-1", longest} {
		require.NoError(t, store.CheckHalt(id, nil))
		require.NoError(t, store.CheckHalt(id, &decision.Halt{AccountID: id, At: at}))
	}
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	require.NoError(t, store.CheckHalt("", &decision.Halt{At: last}))
}

func TestCheckHaltReportsEveryProblem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", store.MaxHaltAccountBytes+1)
	for name, c := range map[string]struct {
		account string
		h       *decision.Halt
		want    []string
	}{
		"a long account":   {long, nil, []string{"the account must have at most 100 bytes of UTF-8, had 101"}},
		"a broken account": {"\xff", nil, []string{"the account must have at most 100 bytes of UTF-8, had 1"}},
		"one account's for every account": {
			"", &decision.Halt{AccountID: "acct-1", At: at},
			[]string{`account_id must be that of the switch, "", was "acct-1"`},
		},
		"everything": {
			long, &decision.Halt{Reason: strings.Repeat("x", 501)},
			[]string{"the account must have", "reason must be at most 500 bytes", "at must be a time", "account_id must be that of"},
		},
		"a year that no format has": {
			"", &decision.Halt{At: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*3600))},
			[]string{"at must be in the years 1 to 9999, was in 10000"},
		},
		"a year before all": {"", &decision.Halt{At: time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)}, []string{"was in 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := store.CheckHalt(c.account, c.h)
			for _, text := range c.want {
				require.ErrorContains(t, err, text)
			}
			require.Less(t, len(err.Error()), 1000)
		})
	}
}
