package aster_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata/aster"
)

func nonceOf(tb testing.TB, agent *aster.Agent, now time.Time) int64 {
	tb.Helper()
	signed, err := agent.Sign("", now)
	require.NoError(tb, err)
	values, err := url.ParseQuery(signed.Params)
	require.NoError(tb, err)
	nonce, err := strconv.ParseInt(values.Get("nonce"), 10, 64)
	require.NoError(tb, err)
	return nonce
}

func TestNoTwoGoroutinesShareANonce(t *testing.T) {
	t.Parallel()
	const goroutines, each = 100, 100
	agent := demoAgent(t, "", 0)
	now := time.UnixMicro(vectorNonce) // one moment for all: the hardest case
	all := make([][]int64, goroutines)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			for range each {
				all[i] = append(all[i], agent.NextNonce(now)) // what Sign takes it from
			}
		})
	}
	wg.Wait()
	for _, own := range all {
		require.True(t, slices.IsSorted(own), "increasing within a goroutine")
	}
	merged := slices.Concat(all...)
	slices.Sort(merged)
	require.Len(t, slices.Compact(merged), goroutines*each, "each once")
	require.Equal(t, int64(vectorNonce), merged[0])
	require.Equal(t, int64(vectorNonce+goroutines*each-1), merged[len(merged)-1], "without a gap")
}

func TestNoncesGrowWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, "", 0)
	last := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMicro(rapid.Int64Range(1, 1<<52).Draw(t, "now"))
		nonce := agent.NextNonce(now)
		if nonce <= last || nonce < now.UnixMicro() {
			t.Fatalf("nonce %d after %d at %d", nonce, last, now.UnixMicro())
		}
		last = nonce
	})
}

func TestSignaturesMadeAtOnceHaveDifferentNonces(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, "", 0)
	texts := make(chan string, 32)
	for range cap(texts) {
		go func() {
			signed, err := agent.Sign("", time.UnixMicro(vectorNonce))
			if err != nil {
				t.Error(err)
			}
			texts <- signed.Params
		}()
	}
	seen := map[string]bool{}
	for range cap(texts) {
		text, signature, _ := strings.Cut(<-texts, "&signature=")
		require.Equal(t, agent.Signature(text), signature)
		require.False(t, seen[text], text)
		seen[text] = true
	}
}

func TestRewindOnlyFromBeyondTheWindow(t *testing.T) {
	t.Parallel()
	start := time.UnixMicro(vectorNonce)
	for ahead, want := range map[time.Duration]int64{
		0:                                 vectorNonce + 1,
		10 * time.Second:                  start.Add(10*time.Second).UnixMicro() + 1, // may have been accepted
		10*time.Second + time.Microsecond: vectorNonce + 1,
		time.Hour:                         vectorNonce + 1,
	} {
		agent := demoAgent(t, "", 0)
		nonceOf(t, agent, start.Add(ahead))
		agent.Rewind(start)
		require.Equal(t, want, nonceOf(t, agent, start), "ahead by %v", ahead)
	}
}
