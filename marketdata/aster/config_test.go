package aster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

func TestNetworksAreTheVenues(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]aster.Network{
		"mainnet": {"mainnet", "https://fapi.asterdex.com", "wss://fstream.asterdex.com", "wss://fstream.asterdex.com", 1666},
		"testnet": {"testnet", "https://fapi.asterdex-testnet.com", "wss://fstream5.asterdex-testnet.com", "wss://fstream.asterdex-testnet.com", 714},
	} {
		got, err := aster.ParseNetwork(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"", "Mainnet", "mainnet ", strings.Repeat("x", 1000)} {
		_, err := aster.ParseNetwork(name)
		require.ErrorContains(t, err, "must be mainnet or testnet")
		require.Less(t, len(err.Error()), 120)
	}
}

func TestConfigNamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := aster.New(aster.Config{
		Network:       aster.Network{REST: "http://fapi.asterdex.com", MarketStream: "wss://u:hunter2@host", UserStream: "wss://host/", ChainID: -1},
		MaxConcurrent: 201, Workers: -1, WeightPerMinute: 49, Timeout: time.Hour, Attempts: 11, Signer: foreign{},
		Breaker: aster.BreakerConfig{FailureThreshold: -1, RecoveryTimeout: -1},
	})
	for _, want := range []string{
		"Network.Name must be set", "Network.REST must have the scheme https", "Network.MarketStream must not hold a user", "Network.UserStream must not end in a slash",
		"Network.ChainID must be positive, was -1", "MaxConcurrent must be between 1 and 200, was 201", "Workers must be between 1 and 64, was -1",
		"WeightPerMinute must be between 50 and 100000, was 49", "Timeout must be between 10ms and 5m0s, was 1h0m0s", "Attempts must be between 1 and 10, was 11",
		"Breaker.FailureThreshold must be between 1 and 1000, was -1", "Breaker.RecoveryTimeout must be between 1ms and 24h0m0s, was -1ns", `Signer.API must be v1 or v3, was "v2"`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "hunter2")
	require.True(t, strings.HasPrefix(err.Error(), "aster: "))
}

func TestNetworkAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                      "must be an address",
		"host":                  "must be an address",
		"https:host":            "must be an address",
		"https://host\n":        "must be an address",
		"wss://host":            "scheme https",
		"http://10.0.0.1":       "scheme https",
		"https://host?":         "query",
		"https://host#":         "fragment",
		"https://host/api/":     "slash",
		"https://host":          "",
		"https://host/api":      "",
		"http://127.0.0.1:8080": "",
		"http://localhost:8080": "",
	} {
		network := aster.Mainnet()
		network.REST = address
		client, err := aster.New(aster.Config{Network: network})
		if want != "" {
			require.ErrorContains(t, err, want, address)
			continue
		}
		require.NoError(t, err, address)
		client.Close()
	}
}

func TestAnAgentOfAnotherNetworkIsRefused(t *testing.T) {
	t.Parallel()
	_, err := aster.New(aster.Config{Network: aster.Testnet(), Signer: demoAgent(t, "", 1666)})
	require.ErrorContains(t, err, "Signer is an agent for chain id 1666 and must be for 714, that of Network testnet")
	_, err = aster.New(aster.Config{Network: aster.Testnet(), Signer: demoAgent(t, "", 714)})
	require.NoError(t, err)
}

func TestTheZeroConfigIsMainnetAndPublic(t *testing.T) {
	t.Parallel()
	client, err := aster.New(aster.Config{})
	require.NoError(t, err)
	defer client.Close()
	got := client.Usage()
	require.Equal(t, 2400, got.Limit)
	require.Equal(t, "closed", got.Circuit)
	require.Zero(t, got.UsedWeight)
	require.Equal(t, time.UTC, got.Minute.Location())
}

type foreign struct{}

func (foreign) API() aster.API { return "v2" }

func (foreign) Sign(string, time.Time) (aster.Signed, error) { return aster.Signed{}, errReset }

type broken struct{ foreign }

func (broken) API() aster.API { return aster.APIV3 }

func TestASignerThatFailsIsTheError(t *testing.T) {
	t.Parallel()
	venue := &scripted{}
	err := connect(t, venue, aster.Config{Signer: broken{}}).Do(t.Context(), order, nil)
	_ = requireFailure(t, err, aster.KindAuth)
	require.ErrorIs(t, err, errReset)
	require.NotErrorIs(t, err, aster.ErrUnknownOutcome)
	require.Empty(t, venue.seen())
}
