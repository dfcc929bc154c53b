package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/marketdata/aster"
)

const (
	agentKey  = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1" // printed in the venue's documentation
	agentUser = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
	apiKey    = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83" // the same
	apiSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
)

func TestWithoutSettingsAsterIsTheMainnetWithoutKeys(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{"ASTERDEX_NETWORK": " "}, nil)
	require.NoError(t, err)
	require.Equal(t, config.Aster{Network: aster.Mainnet(), Workers: 4, MaxConcurrent: 10}, c.Aster)
	require.False(t, c.Aster.Signs())
	signer, err := c.Aster.Signer()
	require.NoError(t, err)
	require.Nil(t, signer)
}

func TestEveryVariableOfAsterIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Read(map[string]string{
		"ASTERDEX_NETWORK": "testnet", "ASTERDEX_BASE_URL": "http://127.0.0.1:9/", "ASTERDEX_WS_URL": "ws://[::1]:8",
		"ASTERDEX_SIGNER_KEY": agentKey, "ASTERDEX_USER": agentUser, "WORKER_THREADS": "64", "MAX_CONCURRENT_REQUESTS": "200",
	}, nil)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Equal(t, aster.Network{Name: "127.0.0.1:9", REST: "http://127.0.0.1:9", MarketStream: "ws://[::1]:8", UserStream: "ws://[::1]:8", ChainID: 714}, c.Aster.Network)
	require.Equal(t, 64, c.Aster.Workers)
	require.Equal(t, 200, c.Aster.MaxConcurrent)
	require.True(t, c.Aster.Signs())
	signer, err := c.Aster.Signer()
	require.NoError(t, err)
	require.Equal(t, aster.APIV3, signer.API())
	_, err = aster.New(aster.Config{Network: c.Aster.Network, Signer: signer})
	require.NoError(t, err, "the agent is for the chain of the network")

	c, err = config.Read(map[string]string{"ASTERDEX_API_KEY": apiKey, "ASTERDEX_API_SECRET": apiSecret}, nil)
	require.NoError(t, err)
	require.True(t, c.Aster.Signs())
	signer, err = c.Aster.Signer()
	require.NoError(t, err)
	require.Equal(t, aster.APIV1, signer.API())

	c, err = config.Read(map[string]string{"ASTERDEX_API_KEY": apiKey, "ASTERDEX_API_SECRET": apiSecret, "ASTERDEX_SIGNER_KEY": agentKey}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ASTERDEX_API_KEY is not used: ASTERDEX_SIGNER_KEY signs"}, c.Warnings)
	signer, err = c.Aster.Signer()
	require.NoError(t, err)
	require.Equal(t, aster.APIV3, signer.API())
}

func TestEachProblemOfAsterNamesVariableRuleAndValue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		env     map[string]string
		problem string
	}{
		{"network", map[string]string{"ASTERDEX_NETWORK": "Mainnet"}, `ASTERDEX_NETWORK must be mainnet or testnet, was "Mainnet"`},
		{"http", map[string]string{"ASTERDEX_BASE_URL": "http://fapi.asterdex.com"}, `ASTERDEX_BASE_URL must have the scheme https unless its host is loopback, was "http://fapi.asterdex.com"`},
		{"password", map[string]string{"ASTERDEX_BASE_URL": "https://me:pw@example.org"}, `ASTERDEX_BASE_URL must not hold a user, a query or a fragment, was "https://…@example.org"`},
		{"query", map[string]string{"ASTERDEX_WS_URL": "wss://example.org/?token=pw"}, `ASTERDEX_WS_URL must not hold a user, a query or a fragment, was "wss://example.org/…"`},
		{"no address", map[string]string{"ASTERDEX_WS_URL": "example"}, `ASTERDEX_WS_URL must be an address like wss://host, was "example"`},
		{"no secret", map[string]string{"ASTERDEX_API_KEY": apiKey}, "ASTERDEX_API_KEY needs ASTERDEX_API_SECRET: set both or none"},
		{"no key", map[string]string{"ASTERDEX_API_SECRET": apiSecret}, "ASTERDEX_API_SECRET needs ASTERDEX_API_KEY: set both or none"},
		{"spaces", map[string]string{"ASTERDEX_API_KEY": apiKey, "ASTERDEX_API_SECRET": "a b"}, "ASTERDEX_API_SECRET must be printable ASCII without spaces"},
		{"short key", map[string]string{"ASTERDEX_SIGNER_KEY": agentKey[:60]}, "ASTERDEX_SIGNER_KEY must be 64 hexadecimal digits"},
		{"mistyped", map[string]string{"ASTERDEX_SIGNER_KEY": agentKey, "ASTERDEX_USER": strings.Replace(agentUser, "D", "d", 1)}, "ASTERDEX_USER " + strings.Replace(agentUser, "D", "d", 1) + " is mistyped: its checksum does not match"},
		{"user alone", map[string]string{"ASTERDEX_USER": agentUser}, "ASTERDEX_USER needs ASTERDEX_SIGNER_KEY, the key of its agent wallet"},
		{
			"the main wallet's key",
			map[string]string{"ASTERDEX_SIGNER_KEY": agentKey, "ASTERDEX_USER": "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"},
			"ASTERDEX_SIGNER_KEY must be the agent's and is the one of ASTERDEX_USER, the main wallet",
		},
		{"workers", map[string]string{"WORKER_THREADS": "65"}, "WORKER_THREADS must be between 1 and 64, was 65"},
		{"requests", map[string]string{"MAX_CONCURRENT_REQUESTS": "0"}, "MAX_CONCURRENT_REQUESTS must be between 1 and 200, was 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Read(tc.env, nil)
			require.EqualError(t, err, tc.problem)
		})
	}
}

func TestNoProblemOfAsterShowsAKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"k e y of mine", "0x" + strings.Repeat("zz", 32), strings.Repeat("f", 64), strings.Repeat("0123456789", 500)} {
		_, err := config.Read(map[string]string{"ASTERDEX_API_KEY": bad, "ASTERDEX_API_SECRET": bad, "ASTERDEX_SIGNER_KEY": bad}, nil)
		require.Error(t, err)
		require.NotContains(t, err.Error(), bad[2:10])
	}
	c, err := config.Read(map[string]string{"ASTERDEX_NETWORK": "x", "ASTERDEX_BASE_URL": "x", "ASTERDEX_API_KEY": apiKey, "WORKER_THREADS": "x"}, nil)
	require.Len(t, strings.Split(err.Error(), "\n"), 4, "all at once")
	require.NotContains(t, err.Error(), apiKey)
	require.Equal(t, aster.Mainnet(), c.Aster.Network)
}
