package astertest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

// ledger adds up an account's history as the interface tells it.
type ledger struct {
	income map[string]decimal.Decimal // by type
	total  decimal.Decimal
	cash   decimal.Decimal // sold − bought, of all trades
}

func (tr *trader) ledger(symbols ...string) ledger {
	tr.t.Helper()
	out := ledger{income: map[string]decimal.Decimal{}}
	rows := tr.rows("/fapi/v3/income", "limit=1000&startTime=0")
	require.Less(tr.t, len(rows), 1000)
	for _, r := range rows {
		amount := d(r["income"].(string))
		kind := r["incomeType"].(string)
		out.income[kind] = out.income[kind].Add(amount)
		out.total = out.total.Add(amount)
	}
	for _, s := range symbols {
		for _, r := range tr.rows("/fapi/v3/userTrades", "limit=1000&fromId=0&symbol="+s) {
			notional := d(r["price"].(string)).Mul(d(r["qty"].(string)))
			if r["side"] == "BUY" {
				notional = notional.Neg()
			}
			out.cash = out.cash.Add(notional)
		}
	}
	return out
}

// TestMoneyIsConserved trades at random and checks, once everything is closed,
// that the wallet is the deposit, what was sold less what was bought, and what
// was charged and paid: nothing is made and nothing is lost.
func TestMoneyIsConserved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		symbols := []string{"BTCUSDT", "DOGEUSDT"}
		sizes := map[string][]string{"BTCUSDT": {"0.001", "0.013", "0.1"}, "DOGEUSDT": {"77", "1000", "40001"}}
		tr := start(t, astertest.Config{
			Seed: rapid.Uint64().Draw(rt, "seed"), WeightLimit: 1_000_000, OrderLimit: 1_000_000,
			Accounts: account(func(a *astertest.Account) {
				a.Deposit = decimal.NewFromInt(int64(rapid.IntRange(100, 20_000).Draw(rt, "deposit")))
			}),
		})
		defer tr.ex.Close()
		for _, s := range symbols {
			if rapid.Bool().Draw(rt, "isolated") {
				tr.do(http.MethodPost, "/fapi/v3/marginType", "symbol="+s+"&marginType=ISOLATED")
			}
			tr.do(http.MethodPost, "/fapi/v3/leverage", fmt.Sprintf("symbol=%s&leverage=%d", s, rapid.IntRange(1, 50).Draw(rt, "leverage")))
		}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			symbol := rapid.SampledFrom(symbols).Draw(rt, "symbol")
			last := tr.ex.Price(symbol)
			tick := map[string]decimal.Decimal{"BTCUSDT": d("0.1"), "DOGEUSDT": d("0.00001")}[symbol]
			price := last.Mul(decimal.New(int64(rapid.IntRange(9_800, 10_200).Draw(rt, "basis points")), -4)).Div(tick).Floor().Mul(tick)
			params := form("symbol", symbol, "side", rapid.SampledFrom([]string{"BUY", "SELL"}).Draw(rt, "side"), "quantity", rapid.SampledFrom(sizes[symbol]).Draw(rt, "quantity"))
			switch rapid.SampledFrom([]string{"MARKET", "LIMIT", "STOP_MARKET", "TAKE_PROFIT"}).Draw(rt, "type") {
			case "MARKET":
				params += "&type=MARKET"
			case "LIMIT":
				params += "&type=LIMIT&timeInForce=GTC&price=" + price.String()
			case "STOP_MARKET":
				params += "&type=STOP_MARKET&stopPrice=" + price.String()
			case "TAKE_PROFIT":
				params += "&type=TAKE_PROFIT&stopPrice=" + price.String() + "&price=" + last.String()
			}
			tr.call(http.MethodPost, "/fapi/v3/order", params) // a refusal is fine
			tr.ex.Advance(time.Duration(rapid.IntRange(0, 2500).Draw(rt, "seconds")) * time.Second)
			h := tr.holdings()
			require.True(rt, h.Wallet.Equal(tr.ledger().total), "wallet %s, ledger %s", h.Wallet, tr.ledger().total)
		}
		for _, s := range symbols {
			tr.do(http.MethodDelete, "/fapi/v3/allOpenOrders", "symbol="+s)
			if held := tr.holdings().Positions[s]; !held.IsZero() {
				side := "SELL"
				if held.IsNegative() {
					side = "BUY"
				}
				tr.order("symbol=" + s + "&side=" + side + "&type=MARKET&reduceOnly=true&quantity=" + held.Abs().String())
			}
		}
		h, l := tr.holdings(), tr.ledger(symbols...)
		require.Empty(rt, h.Positions)
		require.True(rt, h.Unrealised.IsZero())
		require.True(rt, l.cash.Equal(l.income["REALIZED_PNL"]), "cash %s, realised %s", l.cash, l.income["REALIZED_PNL"])
		want := l.income["TRANSFER"].Add(l.cash).Add(l.income["COMMISSION"]).Add(l.income["FUNDING_FEE"]).Add(l.income["INSURANCE_CLEAR"])
		require.True(rt, h.Wallet.Equal(want), "wallet %s, want %s", h.Wallet, want)
		require.False(rt, h.Wallet.IsNegative())
	})
}

func TestFundingIsPaidEvery8Hours(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.NoFees = true })})
	tr.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1")
	tr.ex.Advance(time.Date(2025, 10, 1, 15, 59, 59, 0, time.UTC).Sub(tr.ex.Now()))
	require.Empty(t, tr.rows("/fapi/v3/income", "incomeType=FUNDING_FEE"))
	tr.ex.Advance(time.Second)
	rows := tr.rows("/fapi/v3/income", "incomeType=FUNDING_FEE")
	require.Len(t, rows, 1)
	premium := decoded(t, tr.get("/fapi/v3/premiumIndex", "symbol=BTCUSDT")).(map[string]any)
	rate := decoded(t, tr.get("/fapi/v3/fundingRate", "symbol=BTCUSDT&limit=1")).([]any)[0].(map[string]any)["fundingRate"].(string)
	want := d("0.1").Mul(d(premium["markPrice"].(string))).Mul(d(rate)).Round(8) // a short is paid
	require.Equal(t, want.StringFixed(8), rows[0]["income"])
	tr.ex.Advance(24 * time.Hour)
	require.Len(t, tr.rows("/fapi/v3/income", "incomeType=FUNDING_FEE"), 4)
}

func TestAnIsolatedPositionLosesItsMarginAndNoMore(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"BUY", "SELL"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.NoFees = true })})
			tr.do(http.MethodPost, "/fapi/v3/marginType", "symbol=BTCUSDT&marginType=ISOLATED")
			tr.do(http.MethodPost, "/fapi/v3/leverage", "symbol=BTCUSDT&leverage=20")
			tr.order(btc + "type=MARKET&quantity=0.1&side=" + side)
			row := tr.rows("/fapi/v3/positionRisk", "symbol=BTCUSDT")[0]
			require.Equal(t, "isolated", row["marginType"])
			liquidation := d(row["liquidationPrice"].(string))
			// 500 of margin, 1 % of maintenance: (100,000.1×0.1 − 500.0005)/(0.1×0.99), and for the short (10,000 + 500)/(0.1×1.01)
			want := map[string]string{"BUY": "95959.69191919", "SELL": "103960.3960396"}[side]
			require.True(t, liquidation.Sub(d(want)).Abs().LessThan(d("0.001")), "was %s", liquidation)
			tr.ex.Advance(2 * time.Hour)
			h := tr.holdings()
			require.Empty(t, h.Positions)
			lost := d("10000").Sub(h.Wallet)
			require.True(t, lost.LessThanOrEqual(d("500.001")) && lost.GreaterThan(d("490")), "lost %s", lost)
			last := tr.rows("/fapi/v3/allOrders", "symbol=BTCUSDT&orderId=1")
			require.Contains(t, last[len(last)-1]["clientOrderId"], "autoclose-")
			require.Len(t, tr.rows("/fapi/v3/income", "incomeType=INSURANCE_CLEAR"), 1)
		})
	}
}

func TestACrossAccountIsLiquidatedWhenItsEquityIsGone(t *testing.T) {
	t.Parallel()
	tr := calm(t, astertest.Config{Accounts: account(func(a *astertest.Account) { a.Deposit = d("600") })})
	tr.order(btc + "side=BUY&type=MARKET&quantity=0.1")
	tr.order(btc + "side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.1&price=109999&reduceOnly=true&newClientOrderId=out")
	row := tr.rows("/fapi/v3/positionRisk", "symbol=BTCUSDT")[0]
	require.Equal(t, "cross", row["marginType"])
	price := d(row["liquidationPrice"].(string))
	require.True(t, price.GreaterThan(d("90000")) && price.LessThan(d("99000")), "was %s", price)
	tr.ex.Advance(time.Hour)
	require.NotEmpty(t, tr.holdings().Positions, "99,000 is not low enough")
	tr.ex.Advance(time.Hour)
	h := tr.holdings()
	require.Empty(t, h.Positions)
	require.False(t, h.Wallet.IsNegative())
	require.True(t, h.Wallet.LessThan(d("110")), "was %s", h.Wallet)
	require.Equal(t, "CANCELED", tr.query("out")["status"])
}
