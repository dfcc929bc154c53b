package decision_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
)

func TestPositionDerivesItsNumbers(t *testing.T) {
	t.Parallel()
	p := dt.Position("BTCUSDT", decision.Long, "0.3")
	p.MarkPrice, p.Leverage = dt.D("110"), dt.D("7")
	require.Equal(t, "33", p.NotionalUSD().String())
	require.Equal(t, "4.71428572", p.MarginUSD().String(), "rounded up")
	require.Equal(t, "3", p.UnrealizedPnLUSD().String())
	p.Side = decision.Short
	require.Equal(t, "-3", p.UnrealizedPnLUSD().String())
}

func TestAccountSumsItsPositions(t *testing.T) {
	t.Parallel()
	a := dt.Account()
	long, short := dt.Position("BTCUSDT", decision.Long, "10"), dt.Position("ETHUSDT", decision.Short, "10")
	long.MarkPrice, short.MarkPrice = dt.D("90"), dt.D("95")
	a.Positions = []decision.Position{long, short}
	require.Equal(t, "925", a.MarginUSD().String())
	require.Equal(t, "-50", a.UnrealizedPnLUSD().String())
	require.Equal(t, "9950", a.EquityUSD().String())
	_, ok := a.Position("SOLUSDT")
	require.False(t, ok)
}

func TestReadAccount(t *testing.T) {
	t.Parallel()
	text := `{"account_id":"main","balance_usd":"10000.50","available_usd":9000,"leverage":2,"max_position_size_usd":5000,
		"maker_fee_bps":0.5,"taker_fee_bps":4,"positions":[{"symbol":"BTCUSDT","side":"long","quantity":0.05,"entry_price":60000,
		"mark_price":61000,"leverage":2,"sl_price":58000}],"realized_pnl_today_usd":-12.5,"last_entry_at":{"BTCUSDT":"2025-10-10T20:00:00Z"},"halted":false}`
	a, err := decision.ReadAccount(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, "10000.5", a.BalanceUSD.String())
	require.False(t, a.EquityAtMidnightUSD.Valid, "absent means unknown")
	require.Equal(t, "3050", a.Positions[0].NotionalUSD().String())
	require.True(t, a.Positions[0].SLPrice.Valid)
	require.False(t, a.Positions[0].TPPrice.Valid)

	b, err := json.Marshal(a)
	require.NoError(t, err)
	again, err := decision.ReadAccount(strings.NewReader(string(b)))
	require.NoError(t, err)
	c, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(b), string(c))
}

func TestReadAccountNamesEveryProblem(t *testing.T) {
	t.Parallel()
	text := `{"account_id":"","balance_usd":1,"available_usd":-1,"leverage":21,"max_position_size_usd":0,"maker_fee_bps":0,"taker_fee_bps":0,"realized_pnl_today_usd":0,"halted":false,"positions":[
		{"symbol":"BTCUSDT","side":"both","quantity":0,"entry_price":1,"mark_price":1,"leverage":0.5,"sl_price":-3},
		{"symbol":"BTCUSDT","side":"long","quantity":1,"entry_price":1,"mark_price":1,"leverage":1}]}`
	_, err := decision.ReadAccount(strings.NewReader(text))
	for _, want := range []string{
		"account_id must have 1 to 100 characters, had 0", "available_usd must not be negative, was -1", "leverage must be between 1 and 20, was 21",
		"max_position_size_usd must be positive, was 0", `positions[0]: side must be long or short, was "both"`, "positions[0]: quantity must be positive, was 0",
		"positions[0]: leverage must be at least 1, was 0.5", "positions[0]: sl_price must be positive, was -3", "positions[1]: a second position in",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestReadAccountNamesEveryMissingField(t *testing.T) {
	t.Parallel()
	_, err := decision.ReadAccount(strings.NewReader(`{"account_id":"a","balance_usd":1,"positions":[{"symbol":"BTCUSDT"}],"halted":null}`))
	for _, want := range []string{
		"missing available_usd", "missing leverage", "missing max_position_size_usd", "missing realized_pnl_today_usd", "missing halted",
		"missing positions[0].side", "missing positions[0].quantity", "missing positions[0].mark_price",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "missing balance_usd")
	require.NotContains(t, err.Error(), "tp_price")
}

func TestAccountRefusesNumbersThatNoRecordCouldHold(t *testing.T) {
	t.Parallel()
	a := dt.Account()
	a.BalanceUSD = decimal.New(1, 3_000_000)
	require.ErrorContains(t, a.Validate(), "out of range")
	a = dt.Account()
	p := dt.Position("BTCUSDT", decision.Long, "1")
	p.EntryPrice = decimal.New(1, -61)
	a.Positions = []decision.Position{p, dt.Position("btcusdt", decision.Long, "1")}
	require.ErrorContains(t, a.Validate(), "positions[0]: a number has an exponent or digits out of range")
	require.ErrorContains(t, a.Validate(), `positions[1]: symbol must be in upper case without spaces, was "btcusdt"`)
}

func TestReadAccountIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": ``, "not JSON": `balance: 5`, "unknown field": `{"account_id":"a","margin":5}`, "duplicate": `{"account_id":"a","account_id":"b"}`,
		"case": `{"Account_ID":"a"}`, "NaN": `{"balance_usd":NaN}`, "huge exponent": `{"balance_usd":1e999}`, "trailing": `{"account_id":"a"}{}`,
		"too large": `{"account_id":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.ReadAccount(strings.NewReader(text))
			require.Error(t, err)
		})
	}
}

func FuzzReadAccount(f *testing.F) {
	b, err := json.Marshal(dt.Account())
	require.NoError(f, err)
	f.Add(string(b))
	f.Fuzz(func(t *testing.T, text string) {
		a, err := decision.ReadAccount(strings.NewReader(text))
		if err == nil {
			require.NoError(t, a.Validate())
			_ = a.MarginUSD()
		}
	})
}
