package astertest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/secret"
)

// A host starts an exchange, points its client at it, places an order whose
// answer is lost, and finds that it was placed all the same. The key is any
// number: an agent of the fake protects nothing.
func Example() {
	const wallet = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
	agent, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(strings.Repeat("2a", 32))})
	if err != nil {
		panic(err)
	}
	ex, err := astertest.New(astertest.Config{Accounts: []astertest.Account{{
		Wallet: wallet, Deposit: decimal.NewFromInt(1000), Agents: []astertest.Agent{{Address: agent.Address()}},
	}}})
	if err != nil {
		panic(err)
	}
	defer ex.Close()

	// What the host's client is made of.
	client, err := aster.New(aster.Config{Network: aster.Network(ex.Network()), Signer: agent, Now: ex.Now})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ex.Fault(astertest.Fault{Kind: astertest.Lost, Path: "/order", Times: 1})
	signed, err := agent.Sign("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&newClientOrderId=entry", ex.Now())
	if err != nil {
		panic(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ex.Network().REST+"/fapi/v3/order", strings.NewReader(signed.Params))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	fmt.Println("the client sees", resp.Status)

	ex.Advance(8 * time.Hour) // funding is paid on the way
	for symbol, amount := range ex.Holdings(wallet).Positions {
		fmt.Println("the account holds", amount, symbol)
	}
	for _, r := range ex.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, "signed:", r.Signed)
	}
	// Output:
	// the client sees 503 Service Unavailable
	// the account holds 0.01 BTCUSDT
	// POST /fapi/v3/order 503 signed: true
}
