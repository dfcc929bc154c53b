package columns_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
	"github.com/ballast-go/ballast/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a row with something in every column.
func sample(t require.TestingT) store.Row {
	r := storetest.Sample("id \\ \x00", storetest.Start())
	r.Input.Account.ID, r.Input.Strategy.ID = "50%\x00", "a\\b"
	r.Result.Decision.Decisions[0].Asset = "BTC\x00"
	r.Result.Refused[0].Asset, r.Result.Refused[0].Was.Asset = "BTC\x00", "BTC\x00"
	r.Result.Refused = append(r.Result.Refused, decision.Refusal{Asset: "GONE", Was: decision.AssetDecision{Asset: "GONE", Rationale: "never \x00 asked"}})
	r.Result.Tried = []llm.Attempt{
		{Model: "m\x001", Endpoint: "e", Kind: llm.KindTimeout, Took: 1500*time.Microsecond + 7},
		{Model: "m2", Took: time.Second, Usage: llm.Usage{PromptTokens: 7, ReasoningTokens: 3, CostUSD: decimal.NewNullDecimal(decimal.RequireFromString("0.000000000000000001"))}},
	}
	row, err := store.Project(r)
	require.NoError(t, err)
	return row
}

func TestDecodeIsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	want := sample(t)
	d, assets, calls, err := columns.Encode(want)
	require.NoError(t, err)
	got, err := columns.Decode(d, assets, calls)
	require.NoError(t, err)
	requireEqual(t, want, got)
	require.Equal(t, "BTC\x00", got.Decision.Decisions[0].Asset)
	require.Equal(t, "BTC\x00", got.Refused[0].Was.Asset)
	require.Equal(t, "never \uFFFD asked", got.Refused[1].Was.Rationale)
	require.Equal(t, 1500*time.Microsecond, got.Calls[0].Took)
	require.Zero(t, got.Calls[1].Usage.ReasoningTokens)
}

func TestEncodeWritesWhatSQLReads(t *testing.T) {
	t.Parallel()
	d, assets, calls, err := columns.Encode(sample(t))
	require.NoError(t, err)
	require.Equal(t, `id \\ \0`, d.UID)
	require.Equal(t, `50%\0`, d.Account)
	require.Equal(t, `a\\b`, d.Strategy)
	require.False(t, d.IsValid)
	require.Equal(t, "1600", d.GenerationTimeMS.Decimal.String())
	require.Equal(t, `["model"]`, string(d.Degraded))
	require.NotContains(t, string(d.Errors), `\u0000`, "which PostgreSQL does not take")
	require.Equal(t, `BTC\0`, assets[0].Asset)
	require.True(t, assets[0].Refused)
	require.NotEmpty(t, assets[0].Refusal)
	require.Nil(t, assets[0].OrderAdjustment)
	require.False(t, assets[1].Refused)
	require.Nil(t, assets[1].Refusal)
	require.NotEmpty(t, assets[1].PositionAdjustment)
	require.Equal(t, 1, assets[1].Position)
	require.Equal(t, []int{1, 2}, []int{calls[0].Attempt, calls[1].Attempt})
	require.Equal(t, "1.5", calls[0].LatencyMS.String())

	d, assets, calls, err = columns.Encode(store.Row{Source: "hold"})
	require.NoError(t, err)
	require.True(t, d.IsValid)
	require.Empty(t, assets)
	require.Empty(t, calls)
	for _, array := range [][]byte{d.Errors, d.Warnings, d.Degraded} {
		require.Equal(t, "[]", string(array))
	}
	require.True(t, d.GenerationTimeMS.Valid)
}

func TestDecodeReadsALegacyRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.FixedZone("CET", 3600))
	row, err := columns.Decode(columns.Decision{
		UID: "legacy-7", Account: "default", At: at, Source: store.SourceLegacy, IsValid: true,
		PortfolioRationale: "because", TotalAllocationUSD: decimal.NewFromInt(10), PortfolioRiskLevel: "low",
	}, []columns.Asset{{Asset: "BTCUSDT", Action: "buy", AllocationUSD: decimal.NewFromInt(10), Rationale: "because", RiskLevel: "low"}}, nil)
	require.NoError(t, err)
	require.Equal(t, store.Row{
		ID: "legacy-7", AccountID: "default", At: at.UTC(), Source: store.SourceLegacy,
		Decision: decision.Decision{
			Decisions:          []decision.AssetDecision{{Asset: "BTCUSDT", Action: decision.ActionBuy, AllocationUSD: decimal.NewFromInt(10), Rationale: "because", RiskLevel: decision.RiskLow}},
			PortfolioRationale: "because", TotalAllocationUSD: decimal.NewFromInt(10), PortfolioRiskLevel: decision.RiskLow, Timestamp: at.UTC(),
		},
	}, row)
	d, _, _, err := columns.Encode(row)
	require.NoError(t, err)
	require.False(t, d.GenerationTimeMS.Valid, "nobody measured it")
}

func TestDecodeReportsWhatNoEncodeWrote(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(d *columns.Decision, assets []columns.Asset, calls []columns.Call){
		"errors: ":         func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) { d.Errors = []byte("{}") },
		"warnings: ":       func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) { d.Warnings = []byte(`[{"rul`) },
		"degraded: ":       func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) { d.Degraded = []byte("[1]") },
		"is_valid is true": func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) { d.IsValid = true },
		"generation_time_ms": func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) {
			d.GenerationTimeMS.Decimal = decimal.New(1, -4)
		},
		"is no time": func(d *columns.Decision, _ []columns.Asset, _ []columns.Call) {
			d.GenerationTimeMS.Decimal = decimal.New(1, 1_000_000_000)
		},
		"position_adjustment:": func(_ *columns.Decision, a []columns.Asset, _ []columns.Call) { a[1].PositionAdjustment = []byte("[]") },
		"order_adjustment:": func(_ *columns.Decision, a []columns.Asset, _ []columns.Call) {
			a[1].OrderAdjustment = []byte(`{"x":1}`)
		},
		"refusal:":             func(_ *columns.Decision, a []columns.Asset, _ []columns.Call) { a[0].Refusal = []byte("1") },
		"refused false":        func(_ *columns.Decision, a []columns.Asset, _ []columns.Call) { a[0].Refused = false },
		"0 refusals of its":    func(_ *columns.Decision, a []columns.Asset, _ []columns.Call) { a[0].Refusal = nil },
		"latency_ms of call 2": func(_ *columns.Decision, _ []columns.Asset, c []columns.Call) { c[1].LatencyMS = decimal.New(1, -9) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, assets, calls, err := columns.Encode(sample(t))
			require.NoError(t, err)
			spoil(&d, assets, calls)
			row, err := columns.Decode(d, assets, calls)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, name)
			require.Equal(t, "id \\ \x00", row.ID, "with what could be read")
			require.Len(t, row.Decision.Decisions, 2)
		})
	}
}

func TestAnyRowComesBack(t *testing.T) {
	t.Parallel()
	text := rapid.String()
	money := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-18, 6).Draw(t, "exponent"))
	})
	rapid.Check(t, func(t *rapid.T) {
		r := storetest.Sample(text.Draw(t, "id"), time.UnixMicro(rapid.Int64Range(-1<<50, 1<<50).Draw(t, "at")))
		r.Input.Account.ID, r.Input.Strategy.ID, r.Result.Reason = text.Draw(t, "account"), text.Draw(t, "strategy"), text.Draw(t, "reason")
		r.Result.Took = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "took"))
		r.Result.Refused = nil
		for i := range r.Result.Decision.Decisions {
			d := &r.Result.Decision.Decisions[i]
			d.Asset, d.Rationale, d.AllocationUSD = text.Draw(t, "asset"), text.Draw(t, "rationale"), money.Draw(t, "allocation")
			for range rapid.IntRange(0, 2).Draw(t, "refusals") {
				r.Result.Refused = append(r.Result.Refused, decision.Refusal{Asset: d.Asset, Was: *d})
			}
		}
		want, err := store.Project(r)
		require.NoError(t, err)
		d, assets, calls, err := columns.Encode(want)
		require.NoError(t, err)
		got, err := columns.Decode(d, assets, calls)
		require.NoError(t, err)
		requireEqual(t, want, got)
	})
}

func TestTimesAsTextAreOrderedLikeTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) time.Time {
			return time.UnixMicro(rapid.Int64Range(-62135596800_000_000, 253402300799_999_999).Draw(t, name)).UTC()
		}
		a, b := draw("a"), draw("b")
		require.Equal(t, a.Before(b), columns.FormatTime(a) < columns.FormatTime(b))
		back, err := columns.ParseTime(columns.FormatTime(a.Add(999)))
		require.NoError(t, err)
		require.Equal(t, a, back)
	})
	for _, text := range []string{"", "now", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.0000001Z", "2026-01-02T03:04:05,000000Z"} {
		_, err := columns.ParseTime(text)
		require.ErrorIs(t, err, store.ErrCorrupt, text)
	}
}

func FuzzDecode(f *testing.F) {
	d, assets, _, err := columns.Encode(sample(f))
	require.NoError(f, err)
	f.Add(d.Errors, d.Warnings, d.Degraded, assets[0].Refusal, assets[1].PositionAdjustment, int64(1), int32(-3))
	f.Fuzz(func(t *testing.T, refusals, warnings, degraded, refusal, adjustment []byte, coefficient int64, exponent int32) {
		row, err := columns.Decode(columns.Decision{
			Errors: refusals, Warnings: warnings, Degraded: degraded, GenerationTimeMS: decimal.NewNullDecimal(decimal.New(coefficient, exponent)),
		}, []columns.Asset{{Asset: "A", Refusal: refusal, Refused: refusal != nil, PositionAdjustment: adjustment}}, nil)
		if err != nil {
			require.ErrorIs(t, err, store.ErrCorrupt)
			return
		}
		again, assets, _, err := columns.Encode(row)
		require.NoError(t, err)
		back, err := columns.Decode(again, assets, nil)
		require.NoError(t, err)
		requireEqual(t, row, back)
	})
}

// requireEqual compares what JSON says of both.
func requireEqual(t require.TestingT, want, got store.Row) {
	a, err := jsonx.Marshal(want)
	require.NoError(t, err)
	b, err := jsonx.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
}
