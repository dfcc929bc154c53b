package aster_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

// TestInconsistentAccountsAreErrors changes one part of a good account.
func TestInconsistentAccountsAreErrors(t *testing.T) {
	t.Parallel()
	const account, risks, orders, journal, trades = "/accountWithJoinMargin", "/positionRisk", "/openOrders", "/income", "/userTrades BTCUSDT"
	bad := aster.ErrInconsistentAccount
	for name, tc := range map[string]struct {
		path, from, to string
		is             error // nil: an *aster.Error, the answer cannot be read
		says           string
	}{
		"hedge mode":                       {"/positionSide/dual", `false`, `true`, aster.ErrHedgeMode, "set position mode to one-way"},
		"hedge mode as a string":           {"/positionSide/dual", `false`, `"true"`, aster.ErrHedgeMode, "one-way"},
		"no position mode":                 {"/positionSide/dual", `dualSidePosition`, `x`, nil, "dualSidePosition is missing"},
		"position mode as a number":        {"/positionSide/dual", `false`, `0`, nil, "must be true or false"},
		"multi-assets mode":                {"/multiAssetsMargin", `"false"`, `true`, aster.ErrMultiAssets, "single-asset mode"},
		"no multi-assets mode":             {"/multiAssetsMargin", `multiAssetsMargin`, `x`, nil, "multiAssetsMargin is missing"},
		"hedge mode by the account":        {account, `"positionSide":"BOTH"`, `"positionSide":"LONG"`, aster.ErrHedgeMode, "BTCUSDT has a LONG position"},
		"hedge mode by the positions":      {risks, `"positionSide":"BOTH"`, `"positionSide":"SHORT"`, aster.ErrHedgeMode, "BTCUSDT has a SHORT position"},
		"no side":                          {risks, `"positionSide":"BOTH"`, `"positionSide":""`, nil, "positionSide must be BOTH"},
		"a symbol twice in the account":    {account, `"ETHUSDT"`, `"BTCUSDT"`, bad, "BTCUSDT is listed twice"},
		"a symbol twice in the positions":  {risks, `"ETHUSDT"`, `"BTCUSDT"`, bad, "BTCUSDT is listed twice"},
		"a position in an unknown symbol":  {account, `"BTCUSDT"`, `"NOPEUSDT"`, bad, "NOPEUSDT"},
		"no USDT":                          {account, `"asset":"USDT"`, `"asset":"USD1"`, bad, "no balance of USDT (other assets with a balance: USD1)"},
		"USDT twice":                       {account, `"asset":"BNB"`, `"asset":"USDT"`, bad, "USDT is listed twice"},
		"a negative wallet":                {account, `"1000.50"`, `"-0.01"`, bad, "must not be negative, were -0.01"},
		"a negative rest":                  {account, `"800.25"`, `"-800.25"`, bad, "-800.25 available"},
		"a wallet that is no number":       {account, `"1000.50"`, `"NaN"`, nil, "not a decimal"},
		"a wallet as a number":             {account, `"1000.50"`, `1000.50`, nil, "must be a string"},
		"no wallet":                        {account, `"walletBalance":"1000.50"`, `"x":"1"`, nil, "one of balance and walletBalance"},
		"two wallets":                      {account, `"walletBalance":"1000.50"`, `"walletBalance":"1","balance":"1"`, nil, "one of balance and walletBalance"},
		"no available balance":             {account, `"availableBalance":"800.25"`, `"x":"1"`, nil, "availableBalance is missing"},
		"no assets":                        {account, `"assets"`, `"stuff"`, nil, "assets is missing"},
		"no positions":                     {account, `"positions"`, `"stuff"`, nil, "positions is missing"},
		"no permission":                    {account, `"canTrade"`, `"mayTrade"`, nil, "canTrade is missing"},
		"no amount":                        {account, `"positionAmt"`, `"amount"`, nil, "positionAmt is missing"},
		"leverage as a number":             {risks, `"leverage":"10"`, `"leverage":10`, nil, "must be a string"},
		"leverage of zero":                 {risks, `"leverage":"10"`, `"leverage":"0"`, nil, "leverage must be between 1 and 1000"},
		"leverage that no engine allows":   {"", `"leverage":"10"`, `"leverage":"125"`, bad, "leverage must be between 1 and 20, was 125"},
		"an entry price of zero":           {risks, `"1000.0"`, `"0.0"`, nil, "must have an entry and a mark price"},
		"a mark price of zero":             {risks, `"1100.5"`, `"0"`, nil, "must have an entry and a mark price"},
		"a negative entry price":           {risks, `"1000.0"`, `"-1000.0"`, nil, "entryPrice of BTCUSDT must not be negative"},
		"no mark price":                    {risks, `"markPrice"`, `"mark"`, nil, "markPrice is missing"},
		"an unknown margin type":           {risks, `"isolated"`, `"crossed"`, nil, "marginType must be isolated or cross"},
		"amounts that differ":              {risks, `"0.500"`, `"0.501"`, bad, "positions changed while they were read"},
		"sides that differ":                {risks, `"0.500"`, `"-0.500"`, bad, "positions changed while they were read"},
		"margin types that differ":         {risks, `"marginType":"isolated"`, `"marginType":"cross"`, bad, "positions changed while they were read"},
		"leverage that differs":            {risks, `"leverage":"10"`, `"leverage":"11"`, bad, "positions changed while they were read"},
		"a position that is gone":          {risks, `"0.500"`, `"0"`, bad, "1 positions became 0"},
		"a position that was not there":    {risks, `"0.000","entryPrice":"0.0"`, `"1","entryPrice":"1"`, bad, "positions changed"},
		"a stop without a price":           {orders, `"950.0"`, `"0"`, bad, "order 1 must have a stop price"},
		"an order filled beyond":           {orders, `"origQty":"0.5","executedQty":"0"`, `"origQty":"0.5","executedQty":"1"`, nil, "order 2 must not be filled beyond"},
		"a stop with nothing left":         {orders, `"TAKE_PROFIT_MARKET"`, `"STOP_MARKET","x":"`, nil, "cannot be read"},
		"an order of no side":              {orders, `"SELL"`, `"HOLD"`, nil, "side must be BUY or SELL"},
		"an order that may reduce":         {orders, `"reduceOnly":false`, `"reduceOnly":null`, nil, "must be true or false"},
		"a negative stop price":            {orders, `"950.0"`, `"-950"`, nil, "must not be negative"},
		"income as a number":               {journal, `"12.50"`, `12.50`, nil, "must be a string"},
		"income without an id":             {journal, `"tranId"`, `"x"`, nil, "tranId is missing"},
		"income of yesterday":              {journal, strconv.FormatInt(bazaarNow.Add(-2*time.Hour).UnixMilli(), 10), strconv.FormatInt(bazaarNow.Add(-11*time.Hour).UnixMilli(), 10), bad, "asked for entries since 2026-03-04T00:00:00Z, got one of 2026-03-03T23:20:30Z"},
		"a commission in another asset":    {journal, `"asset":"USDT"`, `"asset":"BNB"`, bad, "an entry of type REALIZED_PNL is in BNB"},
		"one id with two amounts":          {journal, `"incomeType":"COMMISSION"`, `"incomeType":"REALIZED_PNL"`, bad, "two entries 1 of type REALIZED_PNL differ"},
		"a trade of another symbol":        {trades, `"symbol":"BTCUSDT"`, `"symbol":"ETHUSDT"`, bad, "asked for trades in BTCUSDT, got one in ETHUSDT"},
		"a trade of nothing":               {trades, `"qty":"0.300"`, `"qty":"0"`, nil, "price and qty must be positive"},
		"a trade without an id":            {trades, `"id":7`, `"id":0`, nil, "id is missing"},
		"a trade of last month":            {trades, strconv.FormatInt(bazaarNow.Add(-5*time.Hour).UnixMilli(), 10), `1000`, bad, "asked for entries since"},
		"a fee beyond all":                 {"/commissionRate BTCUSDT", `"0.0004"`, `"0.4"`, nil, "rates must be within 0.05"},
		"a fee of another symbol":          {"/commissionRate BTCUSDT", `"BTCUSDT"`, `"X"`, nil, `"BTCUSDT" is not listed`},
		"a taker that is paid":             {"/commissionRate BTCUSDT", `"0.0004"`, `"-0.0004"`, nil, "taker's not negative"},
		"a position quoted in other money": {"/exchangeInfo", `"quoteAsset":"USDT"`, `"quoteAsset":"USD1"`, bad, "is in USD1 and USDT, and only USDT is counted"},
		"a position margined in others":    {"/exchangeInfo", `"marginAsset":"USDT"`, `"marginAsset":"ASTER"`, bad, "is in USDT and ASTER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.say("/exchangeInfo", l.info())
			paths := []string{tc.path}
			if tc.path == "" {
				paths = []string{account, risks}
			}
			for _, path := range paths {
				require.Contains(t, l.says[path], tc.from)
				changes := 1
				if tc.path == "" {
					changes = -1
				}
				l.say(path, strings.Replace(l.says[path], tc.from, tc.to, changes))
			}
			got, err := l.accounts(t, nil).State(t.Context())
			require.ErrorContains(t, err, tc.says)
			require.Empty(t, got, "no part of it is given")
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
				return
			}
			requireKind(t, err, aster.KindServer)
		})
	}
}

func TestAccountErrorsAreTyped(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   aster.Kind
		says   string
	}{
		"deposit gate":       {400, `{"code":-5050,"msg":"This function can only be used after deposit"}`, aster.KindDeposit, "must make a deposit"},
		"wrong signature":    {400, `{"code":-1022,"msg":"Signature for this request is not valid."}`, aster.KindAuth, "key, network and interface"},
		"missing permission": {401, `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`, aster.KindAuth, "key"},
		"route":              {403, `{"code":-1011,"msg":"This IP cannot access this route."}`, aster.KindPermission, "list of addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.twist = func(path string, q url.Values) (reply, bool) {
				if path == "/accountWithJoinMargin" {
					return reply{status: tc.status, body: tc.body}, true
				}
				return l.answer(path, q)
			}
			_, err := l.accounts(t, nil).Account(t.Context())
			requireKind(t, err, tc.kind)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

// TestAPositionThatChangesMeanwhileIsReadAgain lets a fill fall between the two
// lists of positions.
func TestAPositionThatChangesMeanwhileIsReadAgain(t *testing.T) {
	t.Parallel()
	l := newLedger()
	newer := strings.Replace(l.says["/accountWithJoinMargin"], `"0.500"`, `"0.750"`, 1)
	l.say("/positionRisk", strings.Replace(l.says["/positionRisk"], `"0.500"`, `"0.750"`, 1))
	l.before = func(path string, _ url.Values) {
		if path == "/positionRisk" {
			l.say("/accountWithJoinMargin", newer)
		}
	}
	a, err := l.accounts(t, nil).Account(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "0.75", a.Positions[0].Quantity)
	require.Equal(t, 2, l.count("/accountWithJoinMargin"))
}

func TestAnAccountThatNeverRestsIsAnError(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/positionRisk", strings.Replace(l.says["/positionRisk"], `"0.500"`, `"0.750"`, 1))
	_, err := l.accounts(t, nil).Account(t.Context())
	require.ErrorIs(t, err, aster.ErrInconsistentAccount)
	require.Equal(t, 3, l.count("/positionRisk"))
}

func TestHedgeModeIsNotRemembered(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.say("/positionSide/dual", `{"dualSidePosition":true}`)
	accounts := l.accounts(t, nil)
	_, err := accounts.Account(t.Context())
	require.ErrorIs(t, err, aster.ErrHedgeMode)
	l.say("/positionSide/dual", `{"dualSidePosition":false}`)
	_, err = accounts.Account(t.Context())
	require.NoError(t, err, "as soon as it is changed at the venue")
}

// journal answers pages of income as the venue does: ascending from startTime,
// at most limit.
func journal(l *ledger, entries []string, at []time.Time) {
	l.twist = func(path string, q url.Values) (reply, bool) {
		if path != "/income" {
			return l.answer(path, q)
		}
		from, _ := strconv.ParseInt(q.Get("startTime"), 10, 64)
		limit, _ := strconv.Atoi(q.Get("limit"))
		var page []string
		for n, e := range entries {
			if at[n].UnixMilli() >= from && len(page) < limit {
				page = append(page, e)
			}
		}
		return reply{body: listOf(page...)}, true
	}
}

func TestIncomeIsReadPageByPage(t *testing.T) {
	t.Parallel()
	l := newLedger()
	midnight := bazaarNow.Truncate(24 * time.Hour)
	var entries []string
	var at []time.Time
	for n := range 2500 { // ten to a moment, so that pages end within one
		when := midnight.Add(time.Duration(n/10) * time.Second)
		entries, at = append(entries, income(n, "REALIZED_PNL", "0.01", "USDT", when)), append(at, when)
	}
	journal(l, entries, at)
	a, err := l.accounts(t, nil).Account(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "25", a.RealizedPnLTodayUSD)
	require.Equal(t, 3, l.count("/income"))
}

func TestIncomeThatCannotBePagedIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		count int
		step  time.Duration
		says  string
	}{
		"all of one moment": {1500, 0, "all of one moment"},
		"newest first":      {1500, -time.Second, "out of order"},
		"too many":          {10_500, time.Second, "more than 10000 entries"},
		"two swapped":       {1500, 2 * time.Second, "out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			begin := bazaarNow.Truncate(24 * time.Hour)
			if tc.step < 0 {
				begin = bazaarNow
			}
			var entries []string
			var at []time.Time
			for n := range tc.count {
				when := begin.Add(time.Duration(n) * tc.step)
				entries, at = append(entries, income(n, "REALIZED_PNL", "0.01", "USDT", when)), append(at, when)
			}
			if name == "two swapped" {
				entries[10], entries[20] = entries[20], entries[10]
			}
			journal(l, entries, at)
			_, err := l.accounts(t, nil).Account(t.Context())
			require.ErrorIs(t, err, aster.ErrInconsistentAccount)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func TestPagesAreChecked(t *testing.T) {
	t.Parallel()
	l := newLedger()
	client := l.visit(t, aster.Config{Signer: demoHMAC(t)})
	for name, page := range map[string]aster.Page{
		"Limit must be between 1 and 1000, was 1001": {Limit: 1001},
		"Limit must be between 1 and 1000, was -1":   {Limit: -1},
		"To must not be before From":                 {From: bazaarNow, To: bazaarNow.Add(-time.Second)},
	} {
		_, err := client.Income(t.Context(), page)
		require.ErrorContains(t, err, name)
		_, err = client.UserTrades(t.Context(), "BTCUSDT", page)
		require.ErrorContains(t, err, name)
	}
	_, err := client.UserTrades(t.Context(), "", aster.Page{})
	require.Error(t, err)
	require.Empty(t, l.asked)
	_, err = client.Income(t.Context(), aster.Page{From: bazaarNow.Add(-time.Hour), To: bazaarNow})
	require.NoError(t, err)
	require.Contains(t, strings.Join(l.asked, " "), fmt.Sprintf("endTime=%d&limit=1000", bazaarNow.UnixMilli()))
}

func TestKeysOfOldUseTheirOwnPaths(t *testing.T) {
	t.Parallel()
	venue := &scripted{answer: func(_ int, r received) reply {
		if r.path == "/fapi/v4/account" {
			return reply{body: accountBody([]string{wallet})}
		}
		return reply{body: `[]`}
	}}
	client := connect(t, venue, aster.Config{Signer: demoHMAC(t)})
	info, err := client.AccountInfo(t.Context())
	require.NoError(t, err)
	requireDecimal(t, "1000.5", info.Balances[0].Wallet)
	_, err = client.Balances(t.Context())
	require.NoError(t, err)
	_, err = client.Positions(t.Context(), "BTCUSDT")
	require.NoError(t, err)
	_, err = client.OpenOrders(t.Context(), "")
	require.NoError(t, err)
	var paths []string
	for _, r := range venue.seen() {
		paths = append(paths, r.path)
	}
	require.Equal(t, []string{"/fapi/v4/account", "/fapi/v2/balance", "/fapi/v2/positionRisk", "/fapi/v1/openOrders"}, paths)
	require.Equal(t, 1+5+5+5+40, client.Usage().UsedWeight)
}

func TestBalancesAndPositions(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, `[{"accountAlias":"SgsR","asset":"USDT","balance":"122607.35","crossUnPnl":"0","availableBalance":"23.7","updateTime":1}]`)
	balances, err := client.Balances(t.Context())
	require.NoError(t, err)
	require.Equal(t, "USDT", balances[0].Asset)
	requireDecimal(t, "122607.35", balances[0].Wallet)
	requireDecimal(t, "23.7", balances[0].Available)

	long := strings.Replace(risk("BTCUSDT", "20.000", "6563.6", "6679.5", "10", "isolated"), `"BOTH"`, `"LONG"`, 1)
	client, _ = answering(t, listOf(strings.Replace(long, `"liquidationPrice":"0"`, `"liquidationPrice":"5930.78"`, 1), strings.ReplaceAll(long, "LONG", "SHORT")))
	positions, err := client.Positions(t.Context(), "BTCUSDT")
	require.NoError(t, err)
	require.Len(t, positions, 2, "hedge mode is an error of Accounts, not of the list")
	requireDecimal(t, "5930.78", positions[0].Liquidation.Decimal)
	require.False(t, positions[1].Liquidation.Valid, "0 is none")
	require.Equal(t, time.UnixMilli(1).UTC(), positions[0].UpdatedAt)
}

func TestBracketsThatCannotBeUsedAreLeftOut(t *testing.T) {
	t.Parallel()
	good := `{"symbol":"BTCUSDT","brackets":[{"initialLeverage":50,"notionalCap":50000,"notionalFloor":10000,"maintMarginRatio":0.01,"cum":35},{"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0}]}`
	for name, pair := range map[string][2]string{
		"as it is":          {`x`, `x`},
		"a hole":            {`"notionalFloor":10000`, `"notionalFloor":20000`},
		"cap below floor":   {`"notionalCap":50000`, `"notionalCap":9000`},
		"no ratio":          {`"maintMarginRatio":0.01`, `"x":1`},
		"ratio of a whole":  {`0.01`, `1.5`},
		"leverage of none":  {`75`, `0`},
		"negative cum":      {`"cum":35`, `"cum":-35`},
		"no brackets":       {`"brackets"`, `"steps"`},
		"not from nothing":  {`"notionalFloor":0`, `"notionalFloor":5`},
		"a ratio in quotes": {`0.0065`, `"0.0065"`},
	} {
		client, _ := answering(t, "["+strings.Replace(good, pair[0], pair[1], 1)+`,{"symbol":"ETHUSDT","brackets":[{"initialLeverage":75,"notionalCap":1,"notionalFloor":0,"maintMarginRatio":0.5,"cum":0}]}]`)
		got, err := client.Brackets(t.Context(), "")
		require.NoError(t, err)
		require.Contains(t, got, "ETHUSDT", name)
		if usable := name == "as it is" || name == "a ratio in quotes"; !usable {
			require.NotContains(t, got, "BTCUSDT", name)
			continue
		}
		require.Len(t, got["BTCUSDT"], 2)
		requireDecimal(t, "75", got["BTCUSDT"][0].MaxLeverage) // sorted by notional
		requireDecimal(t, "0.65", got["BTCUSDT"][0].MaintenancePercent)
	}
}
