package spool_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store/spool"
)

func TestATornEndIsCutOffAtEveryByte(t *testing.T) {
	t.Parallel()
	whole := append(spool.Frame([]byte("first")), spool.Frame([]byte("second"))...)
	last := spool.Frame(bytes.Repeat([]byte("third "), 5))
	for cut := range last {
		path := filepath.Join(t.TempDir(), "spool")
		require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole), last[:cut]...), 0o600))
		frames, size, err := spool.OpenJournal(path)
		require.NoError(t, err, cut)
		require.Equal(t, 2, frames)
		require.Equal(t, int64(len(whole)), size)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, size, info.Size())
	}
}

func TestAnEndOfZeroesIsCutOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	require.NoError(t, os.WriteFile(path, append(spool.Frame([]byte("first")), make([]byte, 4096)...), 0o600))
	frames, _, err := spool.OpenJournal(path)
	require.NoError(t, err)
	require.Equal(t, 1, frames)
}

func TestADamagedMiddleIsNoTornEnd(t *testing.T) {
	t.Parallel()
	first, rest := spool.Frame([]byte("first")), spool.Frame([]byte("second"))
	for i := range first {
		path := filepath.Join(t.TempDir(), "spool")
		damaged := bytes.Clone(first)
		damaged[i] ^= 1
		before := append(damaged, rest...)
		require.NoError(t, os.WriteFile(path, before, 0o600))
		_, err := spool.Open(spool.Config{Store: newShaky(), Path: path})
		require.ErrorIs(t, err, spool.ErrCorrupt, "byte %d", i)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after, "nothing of a damaged journal is thrown away")
	}
}

func FuzzOpenJournal(f *testing.F) {
	f.Add(spool.Frame([]byte("record")))
	f.Add(append(spool.Frame(nil), "BSP1\xff\xff\xff\xff"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "spool")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		frames, size, err := spool.OpenJournal(path)
		if err != nil {
			require.ErrorIs(t, err, spool.ErrCorrupt)
			return
		}
		again, sizeAgain, err := spool.OpenJournal(path)
		require.NoError(t, err)
		require.Equal(t, frames, again)
		require.Equal(t, size, sizeAgain)
	})
}

var errNoSpace = errors.New("no space left on device")

// failing is a file whose calls fail by choice; writes stop half-way.
type failing struct {
	spool.File
	write, truncate bool
}

func (f *failing) WriteAt(p []byte, at int64) (int, error) {
	if !f.write {
		return f.File.WriteAt(p, at)
	}
	n, err := f.File.WriteAt(p[:len(p)/2], at)
	return n, errors.Join(err, errNoSpace)
}

func (f *failing) Truncate(size int64) error {
	if f.truncate {
		return errNoSpace
	}
	return f.File.Truncate(size)
}

func TestAFullDiskLeavesNoHalfRecord(t *testing.T) {
	t.Parallel()
	to := newShaky()
	to.set(errDown)
	s := open(t, spool.Config{Store: to})
	disk := &failing{}
	spool.Through(s, func(f spool.File) spool.File { disk.File = f; return disk })
	require.NoError(t, s.Append(t.Context(), record(1)))
	disk.write = true
	err := s.Append(t.Context(), record(2))
	require.ErrorIs(t, err, errNoSpace)
	disk.write = false
	require.NoError(t, s.Append(t.Context(), record(3)), "there is space again")
	to.set(nil)
	_, err = s.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"r01", "r03"}, to.taken())

	to.set(errDown)
	disk.write, disk.truncate = true, true
	require.ErrorIs(t, s.Append(t.Context(), record(4)), errNoSpace)
	disk.write, disk.truncate = false, false
	require.ErrorContains(t, s.Append(t.Context(), record(5)), "may hold a part of a record", "until it is opened anew")
}

// TestNoRecordNoRisk asks for an entry while neither the store nor the journal
// takes records, and once more when the journal does.
func TestNoRecordNoRisk(t *testing.T) {
	t.Parallel()
	to := newShaky()
	to.set(errDown)
	s := open(t, spool.Config{Store: to, MaxBytes: 100})
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	clock := func() time.Time { return now }
	market, err := marketdata.NewSim(marketdata.SimConfig{Now: clock})
	require.NoError(t, err)
	enter := decision.ScorerFunc(func(_ context.Context, in decision.Input) (decision.Proposal, error) { return entryOf(in), nil })
	decide := func(records decision.Store) (decision.Result, error) {
		engine, err := decision.New(decision.Config{Market: market, Scorer: enter, Store: records, Now: clock})
		require.NoError(t, err)
		return engine.Decide(t.Context(), decision.Request{Symbols: []string{"BTCUSDT"}, Account: decision.Account{
			ID: "acct-1", BalanceUSD: decimal.NewFromInt(10_000), AvailableUSD: decimal.NewFromInt(10_000),
			Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: decimal.NewFromInt(5_000),
		}})
	}
	res, err := decide(s)
	require.ErrorIs(t, err, decision.ErrUnrecorded)
	require.ErrorIs(t, err, spool.ErrFull)
	require.Equal(t, decision.ActionHold, res.Decision.Decisions[0].Action)
	require.NotEmpty(t, res.Refused)

	res, err = decide(open(t, spool.Config{Store: to}))
	require.NoError(t, err)
	require.Equal(t, decision.ActionBuy, res.Decision.Decisions[0].Action, "the journal is a record: %v", res.Refused)
}

// entryOf is a modest long with a stop.
func entryOf(in decision.Input) decision.Proposal {
	price := in.Market.Assets["BTCUSDT"].Quote.Last
	at := func(factor string) decimal.NullDecimal {
		return decimal.NewNullDecimal(price.Mul(decimal.RequireFromString(factor)).Round(1))
	}
	amount := decimal.NewFromInt(500)
	return decision.Proposal{Decision: decision.Decision{
		PortfolioRationale: "one entry", TotalAllocationUSD: amount, PortfolioRiskLevel: decision.RiskLow,
		Decisions: []decision.AssetDecision{{
			Asset: "BTCUSDT", Action: decision.ActionBuy, AllocationUSD: amount, SLPrice: at("0.96"), TPPrice: at("1.1"),
			ExitPlan: "stop or target", Rationale: "test", Confidence: decimal.NewFromInt(80), RiskLevel: decision.RiskLow,
		}},
	}}
}
