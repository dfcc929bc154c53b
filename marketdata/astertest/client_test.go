package astertest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/secret"
)

// TestTheLibrarysClientUnderstandsTheExchange reads the same account through
// both generations of the interface.
func TestTheLibrarysClientUnderstandsTheExchange(t *testing.T) {
	t.Parallel()
	for _, api := range []aster.API{aster.APIV3, aster.APIV1} {
		t.Run(string(api), func(t *testing.T) {
			t.Parallel()
			tr := start(t, astertest.Config{Accounts: account(withKey)})
			tr.order(btc + "side=SELL&type=MARKET&quantity=0.02")
			tr.order(btc + "side=BUY&type=STOP_MARKET&closePosition=true&stopPrice=" + tr.ex.Price("BTCUSDT").Mul(d("1.1")).Floor().String())
			var signer aster.Signer
			var err error
			if api == aster.APIV3 {
				signer, err = aster.NewAgent(aster.AgentConfig{Key: secret.New(agentKey), User: wallet})
			} else {
				signer, err = aster.NewHMAC(aster.HMACConfig{Key: secret.New(hmacKey), Secret: secret.New(hmacSecret)})
			}
			require.NoError(t, err)
			client, err := aster.New(aster.Config{Network: aster.Network(tr.ex.Network()), Signer: signer, Now: tr.ex.Now, HTTP: &http.Client{Transport: &http.Transport{}}})
			require.NoError(t, err)
			defer client.Close()
			source, err := aster.NewSource(client, aster.SourceConfig{})
			require.NoError(t, err)
			snap, err := source.Snapshot(t.Context(), marketdata.Query{
				Symbols: []string{"BTCUSDT", "DOGEUSDT", "NOPEUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval15m, marketdata.Interval4h}, Candles: 50,
			})
			require.NoError(t, err)
			require.Len(t, snap.Assets, 2)
			require.ErrorIs(t, snap.Failures["NOPEUSDT"], marketdata.ErrUnknownSymbol)
			asset := snap.Assets["BTCUSDT"]
			require.True(t, asset.Quote.Last.Equal(tr.ex.Price("BTCUSDT")))
			require.Equal(t, 50, asset.Series[marketdata.Interval4h].Len())
			require.Equal(t, marketdata.Interval15m.LastClose(tr.ex.Now()), asset.Series[marketdata.Interval15m].CloseTime())
			require.Equal(t, 8*time.Hour, asset.Quote.FundingInterval)
			require.True(t, asset.Instrument.TickSize.Decimal.Equal(d("0.1")))

			balances, err := client.Balances(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, balances)
			_, err = client.AccountInfo(t.Context())
			require.NoError(t, err)
			positions, err := client.Positions(t.Context(), "BTCUSDT")
			require.NoError(t, err)
			require.Len(t, positions, 1)
			orders, err := client.OpenOrders(t.Context(), "")
			require.NoError(t, err)
			require.Len(t, orders, 1)
			income, err := client.Income(t.Context(), aster.Page{})
			require.NoError(t, err)
			require.Len(t, income, 2, "the deposit and the fee")
			hedge, err := client.PositionMode(t.Context())
			require.NoError(t, err)
			require.False(t, hedge)
		})
	}
}
