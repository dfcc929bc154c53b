package memory_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestHaltsKeepThePromises(t *testing.T) {
	t.Parallel()
	storetest.RunHalts(t, func(*testing.T) store.Halts { return memory.New() })
}

func TestTooManyHaltsAreRefusedAndTheGlobalOneHasRoom(t *testing.T) {
	t.Parallel()
	s := memory.New()
	set := func(id string) error {
		return s.SetHalt(t.Context(), id, &decision.Halt{AccountID: id, At: storetest.Start()})
	}
	for i := range store.MaxHalts {
		require.NoError(t, set(fmt.Sprint(i)))
	}
	const refused = "memory: set halt: at most 10000 accounts can be halted one by one: halt every account instead"
	require.EqualError(t, set("one more"), refused)
	require.NoError(t, set("9999"), "which is on already")
	require.NoError(t, set(""))
	require.EqualError(t, set("one more"), refused, "the global halt takes no room and gives none")
	require.NoError(t, s.SetHalt(t.Context(), "17", nil))
	require.NoError(t, set("one more"))
	all, err := s.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, all, store.MaxHalts+1)
}

func TestAHaltIsNotForgottenForRecords(t *testing.T) {
	t.Parallel()
	s := memory.NewSized(memory.Config{MaxRecords: 1})
	require.NoError(t, s.SetHalt(t.Context(), "acct-1", &decision.Halt{AccountID: "acct-1", At: storetest.Start()}))
	for i := range 3 {
		require.NoError(t, s.Append(t.Context(), storetest.Sample(fmt.Sprint("r", i), storetest.Start())))
	}
	h, err := s.Halted(t.Context(), "acct-1")
	require.NoError(t, err)
	require.NotNil(t, h)
}
