package aster_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata/aster"
)

// ledger is an account at the bazaar: what each path says. A path with a
// symbol, "/userTrades BTCUSDT", goes before the path alone.
type ledger struct {
	*bazaar
	mu     sync.Mutex
	says   map[string]string
	before func(path string, q url.Values) // called before each answer
}

func holding(symbol, amount, leverage string, isolated bool) string {
	return fmt.Sprintf(`{"symbol":%q,"initialMargin":"0","positionSide":"BOTH","positionAmt":%q,"leverage":%q,"isolated":%t}`, symbol, amount, leverage, isolated)
}

func risk(symbol, amount, entry, mark, leverage, mode string) string {
	return fmt.Sprintf(`{"symbol":%q,"positionAmt":%q,"entryPrice":%q,"markPrice":%q,"unRealizedProfit":"1.5","liquidationPrice":"0","leverage":%q,"maxNotionalValue":"1","marginType":%q,"isolatedMargin":"1","isAutoAddMargin":"false","positionSide":"BOTH","updateTime":1}`,
		symbol, amount, entry, mark, leverage, mode)
}

func openOrder(id int, symbol, side, kind, stop, quantity string, reduce, closes bool) string {
	return fmt.Sprintf(`{"avgPrice":"0","clientOrderId":"c","orderId":%d,"symbol":%q,"side":%q,"positionSide":"BOTH","type":%q,"status":"NEW","price":"0","stopPrice":%q,"origQty":%q,"executedQty":"0","reduceOnly":%t,"closePosition":%t,"time":1}`,
		id, symbol, side, kind, stop, quantity, reduce, closes)
}

func trade(id int, side, quantity string, at time.Time) string {
	return fmt.Sprintf(`{"buyer":false,"commission":"-0.1","commissionAsset":"USDT","id":%d,"maker":false,"orderId":1,"price":"100.0","qty":%q,"quoteQty":"1","realizedPnl":"0","side":%q,"positionSide":"BOTH","symbol":"BTCUSDT","time":%d}`,
		id, quantity, side, at.UnixMilli())
}

func income(id int, kind, amount, asset string, at time.Time) string {
	return fmt.Sprintf(`{"symbol":"BTCUSDT","incomeType":%q,"income":%q,"asset":%q,"info":"","time":%d,"tranId":"%d","tradeId":""}`, kind, amount, asset, at.UnixMilli(), id)
}

func listOf(parts ...string) string { return "[" + strings.Join(parts, ",") + "]" }

func accountBody(assets []string, positions ...string) string {
	return fmt.Sprintf(`{"feeTier":0,"canTrade":true,"totalWalletBalance":"1","assets":%s,"positions":%s}`, listOf(assets...), listOf(positions...))
}

const (
	wallet = `{"asset":"USDT","walletBalance":"1000.50","availableBalance":"800.25","marginAvailable":true}`
	dust   = `{"asset":"BNB","walletBalance":"0.00000000","availableBalance":"0"}`
)

// newLedger holds a long BTCUSDT position with a stop and a target, and
// nothing in ETHUSDT.
func newLedger() *ledger {
	l := &ledger{bazaar: newBazaar("BTCUSDT", "ETHUSDT"), says: map[string]string{
		"/accountWithJoinMargin":  accountBody([]string{dust, wallet}, holding("BTCUSDT", "0.500", "10", true), holding("ETHUSDT", "0.000", "10", true)),
		"/positionRisk":           listOf(risk("BTCUSDT", "0.500", "1000.0", "1100.5", "10", "isolated"), risk("ETHUSDT", "0.000", "0.0", "50.0", "10", "isolated")),
		"/positionSide/dual":      `{"dualSidePosition":false}`,
		"/multiAssetsMargin":      `{"multiAssetsMargin":"false"}`,
		"/commissionRate BTCUSDT": `{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004"}`,
		"/commissionRate ETHUSDT": `{"symbol":"ETHUSDT","makerCommissionRate":"0.0001","takerCommissionRate":"0.00045"}`,
		"/openOrders": listOf(openOrder(1, "BTCUSDT", "SELL", "STOP_MARKET", "950.0", "0", false, true),
			openOrder(2, "BTCUSDT", "SELL", "TAKE_PROFIT_MARKET", "1300.0", "0.5", true, false)),
		"/income": listOf(income(1, "REALIZED_PNL", "12.50", "USDT", bazaarNow.Add(-3*time.Hour)), income(1, "COMMISSION", "-0.75", "USDT", bazaarNow.Add(-3*time.Hour)),
			income(2, "FUNDING_FEE", "-0.25", "USDT", bazaarNow.Add(-2*time.Hour)), income(3, "TRANSFER", "500", "USDT", bazaarNow.Add(-time.Hour))),
		"/userTrades":         `[]`,
		"/userTrades BTCUSDT": listOf(trade(7, "BUY", "0.300", bazaarNow.Add(-5*time.Hour)), trade(8, "BUY", "0.300", bazaarNow.Add(-4*time.Hour)), trade(9, "SELL", "0.100", bazaarNow.Add(-3*time.Hour))),
	}}
	l.twist = l.answer
	return l
}

func (l *ledger) answer(path string, q url.Values) (reply, bool) {
	if l.before != nil {
		l.before(path, q)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	body, found := l.says[path+" "+q.Get("symbol")]
	if !found {
		body, found = l.says[path]
	}
	return reply{body: body}, found
}

func (l *ledger) say(path, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.says[path] = body
}

func (l *ledger) accounts(tb testing.TB, change func(*aster.AccountConfig)) *aster.Accounts {
	tb.Helper()
	cfg := aster.AccountConfig{ID: "main", Symbols: pair, MaxPositionSizeUSD: d("5000")}
	if change != nil {
		change(&cfg)
	}
	accounts, err := aster.NewAccounts(l.visit(tb, aster.Config{Signer: demoAgent(tb, "", 0)}), cfg)
	require.NoError(tb, err)
	return accounts
}

func TestAccountIsWhatTheVenueSays(t *testing.T) {
	t.Parallel()
	l := newLedger()
	accounts := l.accounts(t, nil)
	state, err := accounts.State(t.Context())
	require.NoError(t, err)
	a := state.Account
	require.NoError(t, a.Validate())
	require.Equal(t, bazaarNow, state.At)
	require.Equal(t, "main", a.ID)
	requireDecimal(t, "1000.5", a.BalanceUSD)
	requireDecimal(t, "800.25", a.AvailableUSD)
	requireDecimal(t, "10", a.Leverage) // the venue's
	requireDecimal(t, "5000", a.MaxPositionSizeUSD)
	requireDecimal(t, "2", a.MakerFeeBps)
	requireDecimal(t, "4.5", a.TakerFeeBps)
	requireDecimal(t, "11.5", a.RealizedPnLTodayUSD)
	require.False(t, a.EquityAtMidnightUSD.Valid)
	require.False(t, a.Halted)
	require.Equal(t, decision.MarginIsolated, a.MarginMode)
	require.Equal(t, map[string]time.Time{"BTCUSDT": bazaarNow.Add(-4 * time.Hour)}, a.LastEntryAt)
	require.Len(t, a.Positions, 1)
	p := a.Positions[0]
	require.Equal(t, decision.Long, p.Side)
	requireDecimal(t, "0.5", p.Quantity)
	requireDecimal(t, "1000", p.EntryPrice)
	requireDecimal(t, "1100.5", p.MarkPrice)
	requireDecimal(t, "10", p.Leverage)
	requireDecimal(t, "950", p.SLPrice.Decimal)
	requireDecimal(t, "1300", p.TPPrice.Decimal)
	require.Equal(t, bazaarNow.Add(-5*time.Hour), p.OpenedAt)
	require.Equal(t, decision.MarginIsolated, p.MarginMode)
	require.Equal(t, []string{"today's income that is not of trading is not counted: TRANSFER"}, state.Notes)

	again, err := accounts.Account(t.Context())
	require.NoError(t, err)
	require.Equal(t, a, again)
	require.Equal(t, 1, l.count("/positionSide/dual"), "remembered")
	require.Equal(t, 2, l.count("/commissionRate"), "remembered")
	require.Equal(t, 1, l.count("/exchangeInfo"), "remembered")
	require.Equal(t, 2, l.count("/openOrders"), "of held symbols alone")
	require.Contains(t, strings.Join(l.asked, " "), fmt.Sprintf("startTime=%d", time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC).UnixMilli()))
}

func TestAShortPosition(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/accountWithJoinMargin", accountBody([]string{wallet}, holding("BTCUSDT", "-0.500", "5", false)))
	l.say("/positionRisk", listOf(risk("BTCUSDT", "-0.500", "1000.0", "1100.5", "5", "cross"), risk("ETHUSDT", "0", "0", "0", "5", "isolated")))
	l.say("/openOrders", listOf(openOrder(1, "BTCUSDT", "BUY", "STOP_MARKET", "1400", "0.5", true, false), openOrder(2, "BTCUSDT", "BUY", "STOP_MARKET", "1300", "0", false, true),
		openOrder(3, "BTCUSDT", "BUY", "TAKE_PROFIT_MARKET", "800", "0.2", true, false), openOrder(4, "BTCUSDT", "BUY", "TAKE_PROFIT_MARKET", "900", "0.2", true, false)))
	l.say("/userTrades BTCUSDT", listOf(trade(1, "BUY", "0.2", bazaarNow.Add(-9*time.Hour)), trade(2, "SELL", "0.7", bazaarNow.Add(-8*time.Hour))))
	a, err := l.accounts(t, nil).Account(t.Context())
	require.NoError(t, err)
	p := a.Positions[0]
	require.Equal(t, decision.Short, p.Side)
	requireDecimal(t, "0.5", p.Quantity)
	requireDecimal(t, "1300", p.SLPrice.Decimal) // the nearest
	requireDecimal(t, "900", p.TPPrice.Decimal)
	require.Equal(t, decision.MarginCross, p.MarginMode)
	require.Equal(t, bazaarNow.Add(-8*time.Hour), p.OpenedAt, "the trade that turned it")
	require.Empty(t, a.MarginMode, "the symbols differ, so it is unknown")
}

func TestStopsThatCount(t *testing.T) {
	t.Parallel()
	stop := func(id int, price, quantity string) string {
		return openOrder(id, "BTCUSDT", "SELL", "STOP_MARKET", price, quantity, true, false)
	}
	for name, tc := range map[string]struct {
		orders []string
		want   string // empty: none
		note   string
	}{
		"none":                      {nil, "", ""},
		"the nearest of two":        {[]string{stop(1, "900", "0.5"), stop(2, "950", "0.5")}, "950", ""},
		"two halves":                {[]string{stop(1, "950", "0.25"), stop(2, "900", "0.25")}, "900", ""},
		"a half":                    {[]string{stop(1, "950", "0.25")}, "", "stops of BTCUSDT close 0.25 of 0.5"},
		"a half, then all":          {[]string{stop(1, "950", "0.25"), openOrder(2, "BTCUSDT", "SELL", "STOP_MARKET", "800", "0", false, true)}, "800", ""},
		"one that does not reduce":  {[]string{openOrder(1, "BTCUSDT", "SELL", "STOP_MARKET", "950", "0.5", false, false)}, "", ""},
		"one of the position's own": {[]string{openOrder(1, "BTCUSDT", "BUY", "STOP_MARKET", "1200", "0.5", true, false)}, "", ""},
		"a limit behind a trigger":  {[]string{openOrder(1, "BTCUSDT", "SELL", "STOP", "950", "0.5", true, false)}, "", ""},
		"one partly filled":         {[]string{strings.Replace(stop(1, "950", "0.5"), `"executedQty":"0"`, `"executedQty":"0.1"`, 1)}, "", "stops of BTCUSDT close 0.4 of 0.5"},
		"another symbol's":          {[]string{openOrder(1, "ETHUSDT", "SELL", "STOP_MARKET", "950", "0", false, true)}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.say("/openOrders", listOf(tc.orders...))
			l.say("/income", "[]")
			state, err := l.accounts(t, nil).State(t.Context())
			require.NoError(t, err)
			sl := state.Account.Positions[0].SLPrice
			require.Equal(t, tc.want != "", sl.Valid)
			if sl.Valid {
				requireDecimal(t, tc.want, sl.Decimal)
			}
			require.Equal(t, tc.note != "", len(state.Notes) > 0, "%v", state.Notes)
			if tc.note != "" {
				require.Contains(t, state.Notes[0], tc.note)
			}
		})
	}
}

func TestEntriesAreFoundInTrades(t *testing.T) {
	t.Parallel()
	ago := func(hours int) time.Time { return bazaarNow.Add(-time.Duration(hours) * time.Hour) }
	for name, tc := range map[string]struct {
		held         string // of BTCUSDT
		trades       []string
		last, opened time.Time
	}{
		"no trades":                  {"0.5", nil, time.Time{}, time.Time{}},
		"opened at once":             {"0.5", []string{trade(1, "BUY", "0.5", ago(3))}, ago(3), ago(3)},
		"added to":                   {"0.5", []string{trade(1, "BUY", "0.2", ago(3)), trade(2, "BUY", "0.3", ago(2))}, ago(2), ago(3)},
		"reduced since":              {"0.5", []string{trade(1, "BUY", "0.9", ago(3)), trade(2, "SELL", "0.4", ago(2))}, ago(3), ago(3)},
		"turned":                     {"0.5", []string{trade(1, "SELL", "1", ago(3)), trade(2, "BUY", "1.5", ago(2))}, ago(2), ago(2)},
		"opened before what is read": {"0.5", []string{trade(2, "BUY", "0.1", ago(2))}, ago(2), time.Time{}},
		"closed":                     {"0", []string{trade(1, "BUY", "1", ago(3)), trade(2, "SELL", "1", ago(2))}, ago(3), time.Time{}},
		"short, closed":              {"0", []string{trade(1, "SELL", "1", ago(4)), trade(2, "BUY", "0.5", ago(3)), trade(3, "BUY", "0.5", ago(2))}, ago(4), time.Time{}},
		"fills of one moment":        {"0.5", []string{trade(2, "BUY", "0.3", ago(2)), trade(1, "SELL", "0.2", ago(2)), trade(3, "BUY", "0.4", ago(2))}, ago(2), ago(2)},
		"hedge mode until then":      {"0.5", []string{trade(1, "BUY", "0.2", ago(4)), strings.Replace(trade(2, "BUY", "0.2", ago(3)), "BOTH", "LONG", 1), trade(3, "BUY", "0.1", ago(2))}, ago(2), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.say("/accountWithJoinMargin", accountBody([]string{wallet}, holding("BTCUSDT", tc.held, "10", true)))
			l.say("/positionRisk", listOf(risk("BTCUSDT", tc.held, "1000", "1100", "10", "isolated"), risk("ETHUSDT", "0", "0", "0", "10", "isolated")))
			l.say("/userTrades BTCUSDT", listOf(tc.trades...))
			a, err := l.accounts(t, nil).Account(t.Context())
			require.NoError(t, err)
			last, found := a.LastEntryAt["BTCUSDT"]
			require.Equal(t, !tc.last.IsZero(), found)
			require.Equal(t, tc.last, last)
			if tc.held != "0" {
				require.Equal(t, tc.opened, a.Positions[0].OpenedAt)
			}
		})
	}
}

func TestLeverageOfNewPositions(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/income", "[]")
	l.say("/positionRisk", listOf(risk("BTCUSDT", "0.500", "1000.0", "1100.5", "10", "isolated"), risk("ETHUSDT", "0", "0", "0", "20", "isolated")))
	_, err := l.accounts(t, nil).Account(t.Context())
	require.ErrorIs(t, err, aster.ErrInconsistentAccount)
	require.ErrorContains(t, err, "leverage is 10 for BTCUSDT and 20 for ETHUSDT: set AccountConfig.Leverage")

	state, err := l.accounts(t, func(c *aster.AccountConfig) { c.Leverage = d("5") }).State(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "5", state.Account.Leverage)
	require.Equal(t, []string{"leverage of BTCUSDT is 10 at the venue, decisions assume 5", "leverage of ETHUSDT is 20 at the venue, decisions assume 5"}, state.Notes)

	l.say("/positionRisk", listOf(risk("BTCUSDT", "0.500", "1000.0", "1100.5", "10", "isolated")))
	_, err = l.accounts(t, nil).Account(t.Context())
	require.ErrorContains(t, err, "the leverage of ETHUSDT is not listed")
	a, err := l.accounts(t, func(c *aster.AccountConfig) { c.Leverage = d("5") }).Account(t.Context())
	require.NoError(t, err)
	require.Empty(t, a.MarginMode, "that of ETHUSDT is unknown")
}

func TestAnAccountThatMayNotTradeIsHalted(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/accountWithJoinMargin", strings.Replace(l.says["/accountWithJoinMargin"], `"canTrade":true`, `"canTrade":false`, 1))
	state, err := l.accounts(t, nil).State(t.Context())
	require.NoError(t, err)
	require.True(t, state.Account.Halted)
	require.Contains(t, state.Notes, "the venue does not let this account trade")
}

func TestOtherAssetsAreNamed(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/accountWithJoinMargin", strings.Replace(l.says["/accountWithJoinMargin"], "0.00000000", "0.00000001", 1))
	state, err := l.accounts(t, nil).State(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "1000.5", state.Account.BalanceUSD)
	require.Contains(t, state.Notes, "balances that are not in USDT are not counted: BNB")
}

func TestNothingPaidInAnotherAssetIsNoMatter(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/income", listOf(income(1, "COMMISSION", "0.00000000", "BNB", bazaarNow), income(2, "REALIZED_PNL", "3", "USDT", bazaarNow)))
	a, err := l.accounts(t, nil).Account(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "3", a.RealizedPnLTodayUSD)
}

func TestManyOpenPositionsAskForAllOrdersAtOnce(t *testing.T) {
	t.Parallel()
	l := newLedger()
	var held, risks []string
	for n := range 40 {
		s := fmt.Sprintf("S%02dUSDT", n)
		l.symbols = append(l.symbols, s)
		held, risks = append(held, holding(s, "1", "10", true)), append(risks, risk(s, "1", "10", "11", "10", "isolated"))
	}
	risks = append(risks, risk("BTCUSDT", "0", "0", "0", "10", "isolated"), risk("ETHUSDT", "0", "0", "0", "10", "isolated"))
	l.say("/accountWithJoinMargin", accountBody([]string{wallet}, held...))
	l.say("/positionRisk", listOf(risks...))
	l.say("/openOrders", listOf(openOrder(1, "S07USDT", "SELL", "STOP_MARKET", "9", "1", true, false)))
	l.say("/userTrades BTCUSDT", "[]")
	a, err := l.accounts(t, nil).Account(t.Context())
	require.NoError(t, err)
	require.Len(t, a.Positions, 40)
	requireDecimal(t, "9", a.Positions[7].SLPrice.Decimal)
	require.Equal(t, 1, l.count("/openOrders"))
}

func TestAccountConfigIsChecked(t *testing.T) {
	t.Parallel()
	client := newLedger().visit(t, aster.Config{})
	_, err := aster.NewAccounts(client, aster.AccountConfig{Symbols: []string{"", "A", "A"}, Leverage: d("21"), MaxPositionSizeUSD: decimal.Zero})
	for _, says := range []string{
		"ID must have 1 to 100 bytes", "Symbols[0] must have 1 to 40", "Symbols[2] must be there once, A was twice", "Leverage must be 0 or between 1 and 20, was 21",
		"MaxPositionSizeUSD must be positive", "the client must have a Signer",
	} {
		require.ErrorContains(t, err, says)
	}
	_, err = aster.NewAccounts(client, aster.AccountConfig{})
	require.ErrorContains(t, err, "Symbols must be between 1 and 50, was 0")
}
