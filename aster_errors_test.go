package ballast_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/astertest"
	"github.com/ballast-go/ballast/store/memory"
)

var venueSymbols = []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"}

// venueFailure is a way in which a host cannot get what it wants, and the one
// error that it gets then.
type venueFailure struct {
	name     string
	setup    func(testing.TB, *venueSetup)
	wrong    func(*venue)
	asks     string // who is refused: client, source, accounts
	symbol   string // default venueSymbols[0]
	kind     aster.Kind
	code     int
	is       []error
	says     string // what to do
	wait     time.Duration
	again    bool // nobody has to do anything
	byPerson bool
}

func venueFailures() []venueFailure {
	always := func(f astertest.Fault) func(*venue) { return func(v *venue) { v.exchange.Fault(f) } }
	signs := func(change func(*astertest.Account)) func(testing.TB, *venueSetup) {
		return func(_ testing.TB, s *venueSetup) { s.exchange.Accounts = venueAccount(change) }
	}
	otherKey := strings.Replace(venueKey, "4fd0", "5fd0", 1)
	return []venueFailure{
		{
			name: "wrong key", asks: "client accounts", kind: aster.KindAuth, code: -2015, says: "and what it may do from which address", byPerson: true,
			setup: func(tb testing.TB, s *venueSetup) {
				tb.Helper()
				s.client.Signer = demoAgent(tb, otherKey)
			},
		},
		{
			name: "wrong key of V1", asks: "client accounts", kind: aster.KindAuth, code: -2015, says: "and what it may do from which address", byPerson: true,
			setup: func(tb testing.TB, s *venueSetup) {
				tb.Helper()
				s.client.Signer = demoHMAC(tb, venueSecret)
				s.exchange.Accounts = venueAccount(func(a *astertest.Account) { a.Keys[0].Key = "another key" })
			},
		},
		{
			name: "wrong secret", asks: "client accounts", kind: aster.KindAuth, code: -1022, says: "check that key, network and interface belong together", byPerson: true,
			setup: func(tb testing.TB, s *venueSetup) {
				tb.Helper()
				s.client.Signer = demoHMAC(tb, strings.Repeat("0", 64))
			},
		},
		{
			name: "agent of another network", asks: "client accounts", kind: aster.KindAuth, code: -1022, says: "check that key, network and interface belong together", byPerson: true,
			setup: func(_ testing.TB, s *venueSetup) { s.exchange.ChainID, s.client.Network.ChainID = 714, 1666 },
		},
		{
			name: "missing permission", asks: "client accounts", kind: aster.KindPermission, code: -1011, says: "check the key's permissions and list of addresses", byPerson: true,
			setup: signs(func(a *astertest.Account) { a.Agents[0].IPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }),
		},
		{
			name: "deposit gate", asks: "client accounts", kind: aster.KindDeposit, code: -5050, says: "the main wallet must make a deposit", byPerson: true,
			setup: signs(func(a *astertest.Account) { a.Deposit = decimal.Zero }),
		},
		{
			name: "IP ban", asks: "client source accounts", kind: aster.KindBanned, code: -1003, is: []error{aster.ErrBanned}, says: "the venue bans addresses", again: true,
			wrong: always(astertest.Fault{Kind: astertest.Banned, Delay: 10 * time.Minute, Times: 1}), wait: 10 * time.Minute,
		},
		{
			name: "clock that cannot be put right", asks: "client accounts", kind: aster.KindClock, code: -1021, says: "the time of this machine and the venue's differ", again: true,
			wrong: func(v *venue) {
				for _, path := range []string{"account", "commissionRate", "positionSide", "multiAssets", "balance"} {
					v.exchange.Fault(astertest.Fault{Kind: astertest.Refused, Code: -1021, Path: path, Message: "Timestamp for this request is outside of the recvWindow."})
				}
			},
		},
		{
			name: "unknown symbol", asks: "client source accounts", symbol: "NOPEUSDT", kind: aster.KindUnknownSymbol, code: -1121,
			is: []error{aster.ErrUnknownSymbol, marketdata.ErrUnknownSymbol}, says: "take symbols from exchange information",
		},
		{
			name: "no network", asks: "client source accounts", kind: aster.KindNetwork, says: "check the connection and the network's address", again: true,
			wrong: func(v *venue) { v.exchange.Close() },
		},
	}
}

func TestEachReasonForNoDataIsOneClearError(t *testing.T) {
	t.Parallel()
	for _, f := range venueFailures() {
		for _, asks := range strings.Fields(f.asks) {
			t.Run(f.name+"/"+asks, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(venueBegin())) // virtual
					f.play(t, asks)
				})
			})
		}
	}
}

func (f venueFailure) play(t *testing.T, asks string) {
	t.Helper()
	setup := venueSetup{bubble: true, sign: asks != "source"}
	if f.setup != nil {
		f.setup(t, &setup)
	}
	v := openVenue(t, setup)
	if f.wrong != nil {
		f.wrong(v)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := f.ask(ctx, t, v, asks)
	require.Error(t, err)
	var failure *aster.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 1, countErrors(err), "one error, not several: %v", err)
	require.Equal(t, f.kind, failure.Kind, "%v", err)
	require.Equal(t, f.again, failure.Retryable())
	require.Equal(t, f.byPerson, failure.Blocked())
	require.Contains(t, err.Error(), f.says)
	require.Equal(t, 1, strings.Count(err.Error(), f.says), "said once: %v", err)
	if asks != "source" || f.kind != aster.KindUnknownSymbol { // a source has looked at the list and does not ask
		require.Equal(t, f.code, failure.Code, "%v", err)
	}
	for _, target := range f.is {
		require.ErrorIs(t, err, target)
	}
	if f.wait > 0 {
		require.InDelta(t, f.wait, failure.RetryAfter(), float64(5*time.Second))
	}
	for _, hidden := range []string{venueKey, venueAPIKey, venueSecret, "signature=", "http://"} {
		require.NotContains(t, err.Error(), hidden)
	}
}

func (f venueFailure) ask(ctx context.Context, t *testing.T, v *venue, asks string) error {
	t.Helper()
	symbol := f.symbol
	if symbol == "" {
		symbol = venueSymbols[0]
	}
	switch asks {
	case "source":
		snap, err := v.source(t, aster.SourceConfig{}).Snapshot(ctx, marketdata.Query{Symbols: []string{symbol}, Intervals: []marketdata.Interval{marketdata.Interval1h}})
		require.NoError(t, err)
		require.Contains(t, snap.Failures, symbol)
		return snap.Failures[symbol]
	case "accounts":
		_, err := v.accounts(t, symbol).Account(ctx)
		return err
	}
	if f.symbol != "" {
		_, err := v.client.Premium(ctx, f.symbol)
		return err
	}
	_, err := v.client.Balances(ctx)
	return err
}

// countErrors counts the failures of the client in a tree of errors.
func countErrors(err error) (n int) {
	if err == nil {
		return 0
	}
	if _, ok := err.(*aster.Error); ok { //nolint:errorlint // each level is looked at
		n++
	}
	switch wrapped := err.(type) { //nolint:errorlint // the same
	case interface{ Unwrap() error }:
		n += countErrors(wrapped.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range wrapped.Unwrap() {
			n += countErrors(one)
		}
	}
	return n
}

func TestAClockThatIsAMinuteOffIsPutRight(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		for name, signer := range map[string]aster.Signer{"agent": demoAgent(t, venueKey), "hmac": demoHMAC(t, venueSecret)} {
			t.Run(name+off.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(venueBegin())) // virtual
					v := openVenue(t, venueSetup{bubble: true, client: aster.Config{
						Signer: signer, Now: func() time.Time { return time.Now().Add(off) },
					}})
					_, err := v.accounts(t, venueSymbols...).Account(t.Context())
					require.NoError(t, err)
					require.InDelta(t, -off, v.client.Usage().ServerOffset, float64(10*time.Millisecond))
					v.exchange.Fault(astertest.Fault{Kind: astertest.Skewed, Delay: -off / 2}) // the venue changes its mind
					_, err = v.client.Balances(t.Context())
					require.NoError(t, err, "measured again, once")
				})
			})
		}
	}
}

// decideAt lets an engine decide on what the source says.
func decideAt(t *testing.T, source marketdata.Source, symbols []string) (decision.Result, error) {
	t.Helper()
	engine, err := decision.New(decision.Config{Market: source, Scorer: fallback.New(fallback.Config{}), Store: memory.New()})
	require.NoError(t, err)
	balance := decimal.NewFromInt(10_000)
	res, err := engine.Decide(t.Context(), decision.Request{
		Account: decision.Account{ID: "venue", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
		Symbols: symbols,
	})
	require.NoError(t, errors.Join(engine.Close(t.Context())))
	return res, err
}

func TestWithoutDataDecideNamesEveryAsset(t *testing.T) {
	t.Parallel()
	for _, f := range venueFailures() {
		if !strings.Contains(f.asks, "source") {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(venueBegin())) // virtual
				v := openVenue(t, venueSetup{bubble: true})
				symbols := venueSymbols
				if f.symbol != "" {
					symbols = []string{f.symbol}
				}
				if f.wrong != nil {
					f.wrong(v)
				}
				_, err := decideAt(t, v.source(t, aster.SourceConfig{}), symbols)
				require.ErrorIs(t, err, decision.ErrNoMarket)
				require.ErrorContains(t, err, "Insufficient market data")
				for _, symbol := range symbols {
					require.ErrorContains(t, err, symbol)
				}
				var failure *aster.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, f.kind, failure.Kind)
			})
		})
	}
}

func TestAnAssetWithoutDataDoesNotKeepTheOthersFromBeingDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(venueBegin())) // virtual
		v := openVenue(t, venueSetup{bubble: true})
		require.NoError(t, v.exchange.Delist(venueSymbols[1]))
		asked := append([]string{"NOPEUSDT"}, venueSymbols...)
		res, err := decideAt(t, v.source(t, aster.SourceConfig{}), asked)
		require.NoError(t, err)
		actions := map[string]decision.AssetDecision{}
		for _, d := range res.Decision.Decisions {
			actions[d.Asset] = d
		}
		require.Len(t, actions, len(asked))
		said := strings.Join(res.Degraded, "\n")
		for symbol, why := range map[string]string{"NOPEUSDT": "is not listed: take symbols from exchange information", venueSymbols[1]: "status SETTLING"} {
			require.Equal(t, decision.ActionHold, actions[symbol].Action)
			require.Contains(t, actions[symbol].Rationale, "no market data")
			require.Contains(t, said, "Insufficient market data: "+symbol+": ")
			require.Contains(t, said, why)
		}
		for _, symbol := range []string{venueSymbols[0], venueSymbols[2]} {
			require.Contains(t, actions[symbol].Rationale, "risk score", "decided")
		}
	})
}
