package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/pack"
	"github.com/ballast-go/ballast/store/postgres"
	"github.com/ballast-go/ballast/store/storetest"
)

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	p, err := pack.New()
	require.NoError(t, err)
	return p.Pack(text)
}

// Somebody changes r2 behind the store's back: reading says so, and the links
// around it are read nevertheless.
func TestReadingSaysWhatIsDamaged(t *testing.T) {
	t.Parallel()
	other, err := record("other", "a").Canonical()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		sql  string
		args []any
		in   []string // what says so
	}{
		"the body is cut":         {"UPDATE decision_records SET body = substr(body, 1, 20) WHERE decision_id = $id", nil, []string{"record", "link"}},
		"the body is another's":   {"UPDATE decision_records SET body = $1 WHERE decision_id = $id", []any{packed(t, other.Body)}, []string{"record"}},
		"the digest is another":   {"UPDATE decisions SET record_hash = sha256('x') WHERE id = $id", nil, []string{"record"}},
		"the digest is short":     {"UPDATE decisions SET record_hash = 'x' WHERE id = $id", nil, []string{"record", "link"}},
		"a link is short":         {"UPDATE decisions SET link_hash = 'x' WHERE id = $id", nil, []string{"link"}},
		"the record is gone":      {"DELETE FROM decision_records WHERE decision_id = $id", nil, []string{"link"}},
		"candles are gone":        {"UPDATE decision_records SET series = ARRAY[sha256('x')] WHERE decision_id = $id", nil, []string{"record", "link"}},
		"candles are not read":    {"UPDATE record_series SET body = $1 WHERE hash = (SELECT series[1] FROM decision_records WHERE decision_id = $id)", []any{packed(t, []byte("[]"))}, []string{"record", "link"}},
		"refusals are no refusal": {"UPDATE decisions SET errors = '{}' WHERE id = $id", nil, []string{"link"}},
		"validity was changed":    {"UPDATE decisions SET is_valid = NOT is_valid WHERE id = $id", nil, []string{"link"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for _, id := range []string{"r1", "r2", "r3"} {
				r := record(id, "a")
				if id == "r2" { // with candles of its own
					asset := r.Input.Market.Assets["BTCUSDT"]
					asset.Series = map[marketdata.Interval]marketdata.Series{"1h": asset.Series["1h"].Tail(1)}
					r.Input.Market.Assets["BTCUSDT"] = asset
				}
				require.NoError(t, s.Append(t.Context(), r))
			}
			change(t, s, c.sql, c.args)
			_, err := s.Record(t.Context(), "r2")
			requireDamage(t, err, c.in, "record")
			var seen []int64
			for l, err := range s.Links(t.Context(), "a", 0) {
				seen = append(seen, l.Link.Seq)
				require.Equal(t, fmt.Sprint("r", l.Link.Seq), l.Row.ID)
				if l.Link.Seq == 2 {
					requireDamage(t, err, c.in, "link")
				} else {
					require.NoError(t, err)
				}
			}
			require.Equal(t, []int64{1, 2, 3}, seen)
			page, err := s.Page(t.Context(), store.Query{})
			require.NoError(t, err)
			require.Len(t, page.Entries, 3)
		})
	}
}

func change(t *testing.T, s *postgres.Store, sql string, args []any) {
	t.Helper()
	id := scan[int64](t, s, "SELECT id FROM decisions WHERE uid = 'r2'")
	exec(t, s, replaceID(sql, id), args...)
}

func replaceID(sql string, id int64) string {
	return strings.Replace(sql, "$id", strconv.FormatInt(id, 10), 1)
}

func requireDamage(t *testing.T, err error, in []string, where string) {
	t.Helper()
	if slices.Contains(in, where) {
		require.ErrorIs(t, err, store.ErrCorrupt)
		return
	}
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound, "the record is gone")
	}
}

func TestRecord_OfANewerVersionIsNotDamage(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, s.Append(t.Context(), record("r1", "a")))
	body := []byte(`{"series":{},"record":{"schema":99}}`)
	digest := decision.Canonical{Body: body}.Digest()
	exec(t, s, "UPDATE decision_records SET body = $1", packed(t, body))
	exec(t, s, "UPDATE decisions SET record_hash = $1", digest[:])
	_, err := s.Record(t.Context(), "r1")
	require.ErrorIs(t, err, decision.ErrSchema)
	require.NotErrorIs(t, err, store.ErrCorrupt)
	for _, err := range s.Records(t.Context(), store.Filter{}) {
		require.ErrorIs(t, err, decision.ErrSchema)
	}
}

// A converted single-asset system has decisions without records, links, models
// and strategies.
func TestLegacyRowsAreHistoryOnly(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, err := s.AddAccount(t.Context(), store.DefaultAccount)
	require.NoError(t, err)
	exec(t, s, `INSERT INTO decisions (id, uid, account_id, timestamp, source, portfolio_rationale, total_allocation_usd, portfolio_risk_level)
		SELECT 7, 'legacy-7', id, $1, 'legacy', 'because', 10.50, 'low' FROM accounts`, storetest.Start().Add(-time.Hour))
	exec(t, s, `INSERT INTO asset_decisions (decision_id, asset, action, allocation_usd, rationale, confidence, risk_level) VALUES (7, 'BTCUSDT', 'buy', 10.50, 'because', 66.6, 'low')`)
	exec(t, s, "UPDATE accounts SET decisions = 1")
	require.NoError(t, s.Append(t.Context(), record("r1", store.DefaultAccount)))

	page, err := s.Page(t.Context(), store.Query{Count: true})
	require.NoError(t, err)
	require.EqualValues(t, 2, page.Total)
	old := page.Entries[1]
	require.Equal(t, "legacy-7", old.ID)
	require.Equal(t, store.SourceLegacy, old.Source)
	require.Equal(t, store.Link{}, old.Link)
	require.Equal(t, "10.5", old.Decision.Decisions[0].AllocationUSD.String())
	require.True(t, old.IsValid())

	_, err = s.Record(t.Context(), "legacy-7")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, s.Append(t.Context(), record("legacy-7", store.DefaultAccount)), store.ErrConflict)
	n := 0
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		require.Equal(t, "r1", r.Result.ID)
		n++
	}
	require.Equal(t, 1, n)
	m, err := s.DecisionMetrics(t.Context(), "", store.Span{})
	require.NoError(t, err)
	require.EqualValues(t, 2, m.TotalDecisions)
	require.Equal(t, "1600", m.AvgGenerationTimeMS.Decimal.String(), "of those that were timed")
	require.NoError(t, s.AddOutcome(t.Context(), store.Outcome{DecisionID: "legacy-7", Key: "k", Asset: "BTCUSDT", PnLUSD: decimalOf("1.25"), ClosedAt: storetest.Start()}))
	p, err := s.StrategyPerformance(t.Context(), "", "", store.Span{})
	require.NoError(t, err)
	require.EqualValues(t, 1, p.TotalTrades, "legacy decisions name no strategy")
	require.Equal(t, "1", p.AvgTradeDurationHours.Decimal.String())
}

func TestReadingGivesConnectionsBack(t *testing.T) {
	t.Parallel()
	s, err := postgres.Open(t.Context(), database(t), postgres.Config{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	for i := range 70 { // more than two batches
		r := record(fmt.Sprintf("r%02d", i), "a")
		r.Result.At = r.Result.At.Add(time.Duration(i/2) * time.Second)
		require.NoError(t, s.Append(t.Context(), r))
	}
	ids := map[string]bool{}
	for r, err := range s.Records(t.Context(), store.Filter{}) {
		require.NoError(t, err)
		require.False(t, ids[r.Result.ID])
		ids[r.Result.ID] = true
	}
	require.Len(t, ids, 70)
	for _, err := range s.Records(t.Context(), store.Filter{Limit: 40}) {
		require.NoError(t, err)
		break
	}
	for _, err := range s.Links(t.Context(), "a", 3) {
		require.NoError(t, err)
		require.Zero(t, s.Pool().Stat().AcquiredConns(), "while iterating")
		break
	}
	require.Zero(t, s.Pool().Stat().AcquiredConns())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range s.Records(ctx, store.Filter{}) {
		if n++; n == 32 {
			cancel()
		}
		if n == 33 {
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	require.Equal(t, 33, n)
	requireChain(t, s, "a", 70)
}
