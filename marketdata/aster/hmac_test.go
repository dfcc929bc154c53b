package aster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

func TestHMACSignsEveryVector(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"1 printed in the documentation": {
			"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
			"3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
		},
		"2 order of url.Values": {
			"price=9000&quantity=1&recvWindow=5000&side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp=1591702613943&type=LIMIT",
			"bbc3fe12e7e25ba765b12ace72d12b6af72db08b44f42882ef9a39e09802d801",
		},
		"3 query and body": {
			"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
			"30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
		},
	} {
		require.Equal(t, tc.want, demoHMAC(t).Signature(tc.text), name)
	}
}

func TestHMACSignMakesTheFirstVectorFromItsParameters(t *testing.T) {
	t.Parallel()
	signer := demoHMAC(t)
	require.Equal(t, aster.APIV1, signer.API())
	got, err := signer.Sign("symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC", time.UnixMilli(1591702613943))
	require.NoError(t, err)
	require.Equal(t, "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"+
		"&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9", got.Params)
	require.Equal(t, hmacKey, got.Header.Get("X-MBX-APIKEY"))

	got, err = signer.Sign("", time.UnixMilli(7))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got.Params, "recvWindow=5000&timestamp=7&signature="), got.Params)
}

func TestHMACConfigNamesEveryProblem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  aster.HMACConfig
		want []string
	}{
		"nothing":     {aster.HMACConfig{}, []string{"Key must be set", "Secret must be set"}},
		"long window": {aster.HMACConfig{RecvWindow: time.Minute + 1}, []string{"RecvWindow must be between 1ms and 1m0s, was 1m0.000000001s", "whole milliseconds"}},
		"negative":    {aster.HMACConfig{RecvWindow: -time.Second}, []string{"was -1s"}},
		"spaces":      {aster.HMACConfig{Key: secret.New("hunter 2"), Secret: secret.New("hunter\n2")}, []string{"Key must be printable", "Secret must be printable"}},
	} {
		_, err := aster.NewHMAC(tc.cfg)
		for _, want := range tc.want {
			require.ErrorContains(t, err, want, name)
		}
		require.NotContains(t, err.Error(), "hunter")
	}
	signer, err := aster.NewHMAC(aster.HMACConfig{Key: secret.New("k"), Secret: secret.New("s"), RecvWindow: time.Minute})
	require.NoError(t, err)
	got, err := signer.Sign("a=1", time.UnixMilli(1))
	require.NoError(t, err)
	require.Contains(t, got.Params, "a=1&recvWindow=60000&timestamp=1&signature=")
}
