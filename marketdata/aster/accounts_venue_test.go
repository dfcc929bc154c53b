package aster_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

// TestAccountsAgreeWithTheFakeExchange trades at an exchange that was written
// by another reading of the venue's documents, by both interfaces.
func TestAccountsAgreeWithTheFakeExchange(t *testing.T) {
	t.Parallel()
	agent, old := demoAgent(t, "", 0), demoHMAC(t)
	for name, signer := range map[string]aster.Signer{"V3": agent, "V1": old} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ex, err := astertest.New(astertest.Config{Seed: 3, StreamStep: time.Minute, Accounts: []astertest.Account{{
				Wallet: demoUser, Deposit: d("1000"), Agents: []astertest.Agent{{Address: agent.Address()}}, Keys: []astertest.Key{{Key: hmacKey, Secret: hmacSecret}},
			}}})
			require.NoError(t, err)
			t.Cleanup(ex.Close)
			client, err := aster.New(aster.Config{Network: aster.Network(ex.Network()), Now: ex.Now, Signer: signer})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			accounts, err := aster.NewAccounts(client, aster.AccountConfig{ID: "main", Symbols: []string{"BTCUSDT", "ETHUSDT"}, MaxPositionSizeUSD: d("5000")})
			require.NoError(t, err)
			do := func(path, params string) {
				t.Helper()
				call := aster.Call{Method: http.MethodPost, Path: path, Signed: true, Write: true}
				for pair := range strings.SplitSeq(params, "&") {
					name, value, _ := strings.Cut(pair, "=")
					call.Params = append(call.Params, [2]string{name, value})
				}
				require.NoError(t, client.Do(t.Context(), call, nil))
			}
			do("/leverage", "symbol=BTCUSDT&leverage=5")
			do("/leverage", "symbol=ETHUSDT&leverage=5")
			do("/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.020")
			entered := ex.Now()
			stop := ex.Price("BTCUSDT").Mul(d("0.5")).Round(0)
			do("/order", "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&closePosition=true&stopPrice="+stop.String())
			ex.Advance(9 * time.Hour) // over a funding, short of a day
			do("/order", "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.005&reduceOnly=true")

			state, err := accounts.State(t.Context())
			require.NoError(t, err)
			a, held := state.Account, ex.Holdings(demoUser)
			requireDecimal(t, held.Wallet.String(), a.BalanceUSD)
			requireDecimal(t, held.Wallet.Sub(d("1000")).String(), a.RealizedPnLTodayUSD)
			requireDecimal(t, "1", a.MakerFeeBps)
			requireDecimal(t, "3.5", a.TakerFeeBps)
			requireDecimal(t, "5", a.Leverage)
			require.Len(t, a.Positions, 1)
			p := a.Positions[0]
			require.Equal(t, decision.Long, p.Side)
			requireDecimal(t, "0.015", p.Quantity)
			requireDecimal(t, stop.String(), p.SLPrice.Decimal)
			require.False(t, p.TPPrice.Valid)
			require.Equal(t, entered, p.OpenedAt)
			require.Equal(t, entered, a.LastEntryAt["BTCUSDT"])
			require.NotContains(t, a.LastEntryAt, "ETHUSDT")

			do("/order", "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.015&reduceOnly=true")
			flat, err := accounts.Account(t.Context())
			require.NoError(t, err)
			require.Empty(t, flat.Positions)
			require.Equal(t, entered, flat.LastEntryAt["BTCUSDT"], "a cooldown outlives the position")
			cancel := aster.Call{Method: http.MethodDelete, Path: "/allOpenOrders", Signed: true, Write: true, Params: [][2]string{{"symbol", "BTCUSDT"}}}
			require.NoError(t, client.Do(t.Context(), cancel, nil))
			require.NoError(t, ex.SetHedgeMode(demoUser, true))
			_, err = accounts.Account(t.Context())
			require.ErrorIs(t, err, aster.ErrHedgeMode)
		})
	}
}
