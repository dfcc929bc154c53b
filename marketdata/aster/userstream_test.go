package aster_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

// The samples of the venue's documentation.
const (
	sampleMarginCall = `{"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16812045","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]}`
	sampleAccount    = `{"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{"m":"ORDER","B":[{"a":"USDT","wb":"122624.12345678","cw":"100.12345678","bc":"50.12345678"}],"P":[{"s":"BTCUSDT","pa":"0","ep":"0.00000","cr":"200","up":"0","mt":"isolated","iw":"0.00000000","ps":"BOTH"},{"s":"BTCUSDT","pa":"20","ep":"6563.66500","cr":"0","up":"2850.21200","mt":"isolated","iw":"13200.70726908","ps":"LONG"}]}}`
	sampleOrder      = `{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{"s":"BTCUSDT","c":"TEST","S":"SELL","o":"TRAILING_STOP_MARKET","f":"GTC","q":"0.001","p":"0","ap":"0","sp":"7103.04","x":"NEW","X":"NEW","i":8886774,"l":"0","z":"0","L":"0","N":"USDT","n":"0","T":1568879465651,"t":0,"b":"0","a":"9.91","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"TRAILING_STOP_MARKET","ps":"LONG","cp":false,"AP":"7476.89","cr":"5.0","rp":"0"}}`
	sampleLeverage   = `{"e":"ACCOUNT_CONFIG_UPDATE","E":1611646737479,"T":1611646737476,"ac":{"s":"BTCUSDT","l":25}}`
	sampleModes      = `{"e":"ACCOUNT_CONFIG_UPDATE","E":1611646737479,"T":1611646737476,"ai":{"j":true,"f":true,"d":true}}`
)

func readEvent(t *testing.T, kind aster.UserEventKind, message string) aster.UserEvent {
	t.Helper()
	event, known, err := aster.ReadUserEvent(string(kind), []byte(message))
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, kind, event.Kind)
	return event
}

func TestUserEventsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	call := readEvent(t, aster.UserEventMarginCall, sampleMarginCall)
	require.Equal(t, time.UnixMilli(1587727187525).UTC(), call.At)
	require.Equal(t, "3.16812045", call.MarginCall.CrossWallet.Decimal.String())
	require.Equal(t, "1.614445", call.MarginCall.Positions[0].Maintenance.String())
	require.False(t, call.MarginCall.Positions[0].Isolated)

	account := readEvent(t, aster.UserEventAccount, sampleAccount).Account
	require.Equal(t, "ORDER", account.Reason)
	require.Equal(t, "122624.12345678", account.Balances[0].Wallet.String())
	require.Len(t, account.Positions, 2)
	require.Equal(t, "6563.665", account.Positions[1].EntryPrice.String())
	require.True(t, account.Positions[1].Isolated)

	order := readEvent(t, aster.UserEventOrder, sampleOrder).Order
	require.Equal(t, int64(8886774), order.ID)
	require.False(t, order.Buy)
	require.Equal(t, "7103.04", order.StopPrice.String())
	require.Equal(t, "0", order.AveragePrice.String(), "ap is not AP")
	require.Equal(t, "USDT", order.CommissionAsset)
	require.False(t, order.Liquidation)
	require.True(t, readEvent(t, aster.UserEventOrder, strings.Replace(sampleOrder, `"TEST"`, `"autoclose-1"`, 1)).Order.Liquidation)

	require.Equal(t, aster.AccountSettings{Symbol: "BTCUSDT", Leverage: 25}, *readEvent(t, aster.UserEventSettings, sampleLeverage).Settings)
	require.Equal(t, aster.AccountSettings{MultiAssets: true}, *readEvent(t, aster.UserEventSettings, sampleModes).Settings)
	_, known, err := aster.ReadUserEvent("announcement", []byte(`{"e":"announcement","en":{}}`))
	require.NoError(t, err)
	require.False(t, known)
}

// Every name of one letter once more in its other case, where it is not a name
// already.
func TestUserEventsTellNamesApartByCase(t *testing.T) {
	t.Parallel()
	for kind, message := range map[aster.UserEventKind]string{
		aster.UserEventMarginCall: sampleMarginCall, aster.UserEventAccount: sampleAccount, aster.UserEventOrder: sampleOrder, aster.UserEventSettings: sampleLeverage,
	} {
		want := readEvent(t, kind, message)
		twisted := message
		for letter := 'a'; letter <= 'z'; letter++ {
			lower, upper := fmt.Sprintf("%q:", string(letter)), fmt.Sprintf("%q:", strings.ToUpper(string(letter)))
			switch {
			case strings.Contains(twisted, lower) && !strings.Contains(twisted, upper):
				twisted = strings.ReplaceAll(twisted, lower, upper+`{"x1":[]},`+lower)
			case strings.Contains(twisted, upper) && !strings.Contains(twisted, lower):
				twisted = strings.ReplaceAll(twisted, upper, lower+`{"x1":[]},`+upper)
			}
		}
		require.NotEqual(t, message, twisted)
		require.Equal(t, want, readEvent(t, kind, twisted))
	}
}

func TestUserEventsThatAreNotWholeAreRefused(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct {
		kind         aster.UserEventKind
		message, cut string
	}{
		{aster.UserEventMarginCall, sampleMarginCall, `"E":1587727187525,`},
		{aster.UserEventMarginCall, sampleMarginCall, `,"mm":"1.614445"`},
		{aster.UserEventAccount, sampleAccount, `"wb":"122624.12345678",`},
		{aster.UserEventAccount, sampleAccount, `"pa":"20",`},
		{aster.UserEventOrder, sampleOrder, `"S":"SELL",`},
		{aster.UserEventOrder, sampleOrder, `"X":"NEW",`},
		{aster.UserEventSettings, sampleLeverage, `"s":"BTCUSDT",`},
		{aster.UserEventSettings, sampleLeverage, `,"ac":{"s":"BTCUSDT","l":25}`},
	} {
		require.Contains(t, broken.message, broken.cut)
		_, known, err := aster.ReadUserEvent(string(broken.kind), []byte(strings.Replace(broken.message, broken.cut, "", 1)))
		require.True(t, known)
		require.Error(t, err, "without %s", broken.cut)
	}
}

// trading is an account with a user stream.
type trading struct {
	t      *testing.T
	ex     *astertest.Exchange
	client *aster.Client
	live   *aster.LiveAccount

	mu     sync.Mutex
	events []aster.UserEvent
}

func openTrading(t *testing.T) *trading {
	t.Helper()
	ex, err := astertest.New(astertest.Config{Accounts: []astertest.Account{{
		Wallet: demoUser, Deposit: decimal.NewFromInt(10_000), Agents: []astertest.Agent{{Address: demoAddr}},
	}}})
	require.NoError(t, err)
	t.Cleanup(ex.Close)
	client, err := aster.New(aster.Config{Network: aster.Network(ex.Network()), Now: ex.Now, Signer: demoAgent(t, "", ex.Network().ChainID)})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	accounts, err := aster.NewAccounts(client, aster.AccountConfig{
		ID: "a", Symbols: []string{"BTCUSDT"}, Leverage: decimal.NewFromInt(5), MaxPositionSizeUSD: decimal.NewFromInt(1000),
	})
	require.NoError(t, err)
	tr := &trading{t: t, ex: ex, client: client}
	tr.live, err = aster.NewLiveAccount(accounts, aster.LiveAccountConfig{OnEvent: func(e aster.UserEvent) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.events = append(tr.events, e)
	}})
	require.NoError(t, err)
	t.Cleanup(tr.live.Close)
	require.NoError(t, tr.live.WaitConnected(within(t, 30*time.Second)))
	return tr
}

func (tr *trading) state() aster.AccountState {
	tr.t.Helper()
	state, err := tr.live.State(within(tr.t, 30*time.Second))
	require.NoError(tr.t, err)
	return state
}

func (tr *trading) call(method, path string, params ...[2]string) {
	tr.t.Helper()
	require.NoError(tr.t, tr.client.Do(within(tr.t, 30*time.Second), aster.Call{Method: method, Path: path, Params: params, Signed: true, Write: true}, nil))
}

func (tr *trading) await(cond func(aster.LiveAccountStats) bool) {
	tr.t.Helper()
	require.NoError(tr.t, tr.live.Await(within(tr.t, 30*time.Second), cond))
}

func TestLiveAccountIsReadAgainWhenAnEventSaysSo(t *testing.T) {
	t.Parallel()
	tr := openTrading(t)
	require.Empty(t, tr.state().Account.Positions)
	first := tr.state()
	require.Equal(t, uint64(1), tr.live.Stats().Readings, "nothing has happened")
	before := tr.live.Stats().Events
	tr.call(http.MethodPost, "/order", [2]string{"symbol", "BTCUSDT"}, [2]string{"side", "BUY"}, [2]string{"type", "MARKET"}, [2]string{"quantity", "0.010"})
	tr.await(func(s aster.LiveAccountStats) bool { return s.Events >= before+3 })
	state := tr.state()
	require.Len(t, state.Account.Positions, 1)
	require.Equal(t, "0.01", state.Account.Positions[0].Quantity.String())
	require.Empty(t, first.Account.Positions, "what was returned stays")
	readings := tr.live.Stats().Readings
	tr.state().Account.Positions[0].Symbol = "CHANGED"
	require.Equal(t, "BTCUSDT", tr.state().Account.Positions[0].Symbol)
	require.Equal(t, readings, tr.live.Stats().Readings)
	tr.ex.Advance(30 * time.Second)
	tr.state()
	require.Equal(t, readings+1, tr.live.Stats().Readings, "old")
	tr.mu.Lock()
	defer tr.mu.Unlock()
	kinds := map[aster.UserEventKind]bool{}
	for _, e := range tr.events {
		kinds[e.Kind] = true
	}
	require.True(t, kinds[aster.UserEventOrder] && kinds[aster.UserEventAccount], "%v", kinds)
}

func TestLiveAccountNeverAnswersFromMemoryWithoutAConnection(t *testing.T) {
	t.Parallel()
	tr := openTrading(t)
	tr.state()
	readings := tr.live.Stats().Readings
	tr.ex.Fault(astertest.Fault{Kind: astertest.StreamDrop, Path: "user", Times: 1})
	tr.call(http.MethodPost, "/leverage", [2]string{"symbol", "BTCUSDT"}, [2]string{"leverage", "7"})
	tr.await(func(s aster.LiveAccountStats) bool { return s.Lost == 1 })
	tr.state()
	require.Greater(t, tr.live.Stats().Readings, readings)
	require.NoError(t, tr.live.WaitConnected(within(t, 30*time.Second)))
	tr.state()
	readings = tr.live.Stats().Readings
	tr.state()
	require.Equal(t, readings, tr.live.Stats().Readings)
}

func TestLiveAccountTakesGarbageForAChange(t *testing.T) {
	t.Parallel()
	tr := openTrading(t)
	tr.state()
	tr.ex.Fault(astertest.Fault{Kind: astertest.StreamGarbage, Path: "user", Times: 1})
	tr.call(http.MethodPost, "/leverage", [2]string{"symbol", "BTCUSDT"}, [2]string{"leverage", "7"})
	tr.await(func(s aster.LiveAccountStats) bool { return s.Malformed == 1 })
	readings := tr.live.Stats().Readings
	tr.state()
	require.Equal(t, readings+1, tr.live.Stats().Readings)
}

func TestLiveAccountGetsAnotherKeyWhenItsOwnHasExpired(t *testing.T) {
	t.Parallel()
	tr := openTrading(t)
	tr.state()
	tr.call(http.MethodDelete, "/listenKey") // another program, for all we know
	tr.ex.Advance(31 * time.Minute)          // the extension that is due then fails with -1125
	require.NoError(t, tr.live.Await(within(t, 30*time.Second), func(s aster.LiveAccountStats) bool { return !s.Connected }))
	require.NoError(t, tr.live.WaitConnected(within(t, 30*time.Second)))
	posts := 0
	for _, r := range tr.ex.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/listenKey") {
			posts++
		}
	}
	require.Equal(t, 2, posts)
	before := tr.live.Stats().Events
	tr.call(http.MethodPost, "/leverage", [2]string{"symbol", "BTCUSDT"}, [2]string{"leverage", "9"})
	tr.await(func(s aster.LiveAccountStats) bool { return s.Events > before })
}

func TestLiveAccountRefusesSettings(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]aster.LiveAccountConfig{"MaxAge": {MaxAge: time.Millisecond}, "Reconnect": {Reconnect: 25 * time.Hour}} {
		_, err := aster.NewLiveAccount(nil, cfg)
		require.ErrorContains(t, err, name)
	}
}
