package astertest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/astertest"
)

const vectorTail = "nonce=1748310859508867&signer=0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"

type vector struct {
	name, text, signature string
	chain                 int64
}

func vectors() []vector {
	order := "symbol=ASTERUSDT&type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=0.5&nonce=1748310859508867"
	return []vector{
		{"A", order + "&signer=" + agentOwner, "0xd82a6784f5eff00b95ecb88145cf7a5fa6803ea6f67e0217262073da628750a742bb3ba555af418320e55029afe358957808d4f810d73ea663d9c91852cd6d941c", 1666},
		{"A on the testnet", order + "&signer=" + agentOwner, "0x798abbc1eb6244bdf530e3890383494679aecf574a0d65cd79ed48b151df2e182cafc9a2b055701c9c0dbc091898f6c3eae29307ca554f3ab97c8b860de35bef1c", 714},
		{"B", order + "&user=" + wallet + "&signer=" + agentOwner, "0x0a56c5923ebf3524475c5f631940ec4c0e41dbd300ad28198d1915d8f3ca49ce26fd1aeb8b0c3079133595da0de38322ae7e860e0c76d032c4a491d27c1430b01c", 1666},
		{"C", vectorTail, "0xcd0ea4d53d67b3aa39bb62a85fbd4b819f83f745a6eb30c6dfd31991b7b9f00a359d9be3656c8c0860e71e2416f0c06b89d7f64e291f0d7ebe71f7fb76a144c11b", 1666},
		{"D", "nonce=1748310859508867&price=0.5&quantity=20&side=BUY&signer=" + agentOwner + "&symbol=ASTERUSDT&timeInForce=GTC&type=LIMIT", "0xcb797524bc07185300e55a416ad25d2dcb443d96571c5ca0200cb65811442a635871064ba611451f0623e99df7573ce6cd204ffcc5fb21ec20e693245cbe74c31c", 1666},
		{"E", "", "0xb7fe1961a997fb3fab846eadbfb0cbf0297029df88d0b5f5f1f738f10f8bbd337a5baeda44397cb37248146bec810048988a5597bb841de18d298dbc1b8994201b", 1666},
		{"F", "a=%2B%26%3D&b=hello+world&nonce=1&signer=0xAb", "0x041736d12da8ea395589cd92dd31f8483e53fbcc89f553cfdbd905478bc2eed74118d5b5646af7a77585285893cea6cb4fa00482903e299363cb1ff235ad041c1b", 1666},
	}
}

func TestVectorsRecoverTheSigner(t *testing.T) {
	t.Parallel()
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for _, given := range []string{v.signature, strings.TrimPrefix(v.signature, "0x")} {
				address, err := astertest.RecoverSigner(v.text, given, v.chain)
				require.NoError(t, err)
				require.Equal(t, strings.ToLower(agentOwner), address)
			}
			raw, err := hex.DecodeString(v.signature[2:])
			require.NoError(t, err)
			for bit := range 8 * len(raw) {
				flipped := append([]byte{}, raw...)
				flipped[bit/8] ^= 1 << (bit % 8)
				address, err := astertest.RecoverSigner(v.text, hex.EncodeToString(flipped), v.chain)
				require.False(t, err == nil && address == strings.ToLower(agentOwner), "bit %d of the signature", bit)
			}
			for bit := 0; bit < 8*len(v.text); bit += 7 { // in each byte another one
				flipped := []byte(v.text)
				flipped[bit/8] ^= 1 << (bit % 8)
				address, err := astertest.RecoverSigner(string(flipped), v.signature, v.chain)
				require.False(t, err == nil && address == strings.ToLower(agentOwner), "bit %d of the text", bit)
			}
		})
	}
}

// TestVectorsAreAcceptedAsRequests sends those that are requests of the venue.
func TestVectorsAreAcceptedAsRequests(t *testing.T) {
	t.Parallel()
	aster := []marketdata.SimAsset{{
		Symbol: "ASTERUSDT", Price: d("0.6"), TickSize: d("0.0001"), LotSize: d("1"), MinNotionalUSD: d("5"), DailyVolume: d("1000000"),
		Regime: marketdata.RegimeRange,
	}}
	for _, v := range vectors() {
		if !strings.Contains(v.text, "nonce=1748310859508867") {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			tr := start(t, astertest.Config{Start: time.UnixMicro(1748310859508867), ChainID: v.chain, Assets: aster})
			method, path := http.MethodPost, "/fapi/v3/order"
			if v.text == vectorTail {
				method, path = http.MethodPost, "/fapi/v3/noop"
			}
			wrong, err := tr.send(method, path, "", v.text+"&signature="+vectors()[6].signature, nil)
			require.NoError(t, err)
			require.Equal(t, -1022, wrong.code(), "%s", wrong.body)
			r, err := tr.send(method, path, "", v.text+"&signature="+v.signature, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, r.status, "%s", r.body)
			again, err := tr.send(method, path, "", v.text+"&signature="+v.signature, nil)
			require.NoError(t, err)
			require.Equal(t, -4225, again.code(), "a nonce is good once")
		})
	}
}

func TestASignatureForAnotherChainIsRefused(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	tr.chain = 714
	require.Equal(t, -1022, tr.call(http.MethodGet, "/fapi/v3/balance", "").code())
}

func TestNonces(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	base := tr.ex.Now().UnixMicro()
	send := func(nonce int64) int {
		text := "nonce=" + strconv.FormatInt(nonce, 10) + "&signer=" + agentOwner
		r, err := tr.send(http.MethodGet, "/fapi/v3/balance", text+"&signature="+signature(text, tr.chain), "", nil)
		require.NoError(t, err)
		return r.code()
	}
	require.Zero(t, send(base-10_000_000), "the edge of the window")
	require.Zero(t, send(base+10_000_000))
	require.Equal(t, -4225, send(base-10_000_001))
	require.Equal(t, -4225, send(base+10_000_001))
	require.Zero(t, send(base+100), "out of order")
	require.Equal(t, -4225, send(base+100), "used twice")
	for i := range int64(100) {
		require.Zero(t, send(base+200+i))
	}
	require.Equal(t, -4225, send(base+150), "below a hundred newer ones")
	require.Zero(t, send(base+300))
}

func TestWhoMaySignForV3(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 10, 1, 12, 0, 30, 0, time.UTC)
	for name, c := range map[string]struct {
		change             func(*astertest.Account)
		params             string
		read, write, event int
	}{
		"approved":          {nil, "", 0, 0, 0},
		"main wallet named": {nil, "user=" + wallet, 0, 0, 0},
		"other wallet":      {nil, "user=" + agentOwner, -2015, -2015, -2015},
		"unknown agent":     {func(a *astertest.Account) { a.Agents = nil }, "", -2015, -2015, -2015},
		"expired":           {func(a *astertest.Account) { a.Agents[0].Expires = now }, "", -2015, -2015, -2015},
		"read only":         {func(a *astertest.Account) { a.Agents[0].ReadOnly = true }, "", 0, -2015, 0},
		"other address": {func(a *astertest.Account) {
			a.Agents[0].IPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		}, "", -1011, -1011, -1011},
		"this address": {func(a *astertest.Account) {
			a.Agents[0].IPs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}, "", 0, 0, 0},
		"nothing deposited": {func(a *astertest.Account) { a.Deposit = d("0") }, "", -5050, -5050, -5050},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := start(t, astertest.Config{Start: now, Accounts: account(c.change)})
			require.Equal(t, c.read, tr.call(http.MethodGet, "/fapi/v3/positionRisk", c.params).code())
			order := "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001"
			if c.params != "" {
				order += "&" + c.params
			}
			require.Equal(t, c.write, tr.call(http.MethodPost, "/fapi/v3/order", order).code())
			require.Equal(t, c.event, tr.call(http.MethodPost, "/fapi/v3/listenKey", c.params).code())
		})
	}
}

func TestMissingSignatureParts(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{})
	full := tr.sign("")
	for _, query := range []string{"", "nonce=1", "signer=" + agentOwner, strings.Split(full, "&signature")[0]} {
		require.Equal(t, -1102, tr.get("/fapi/v3/balance", query).code(), query)
	}
	require.Equal(t, -1022, tr.get("/fapi/v3/balance", full+"&x=1").code(), "the signature comes last")
}

const (
	hmacKey    = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
	hmacSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
)

func withKey(a *astertest.Account) { a.Keys = []astertest.Key{{Key: hmacKey, Secret: hmacSecret}} }

func keyHeader(key string) http.Header { return http.Header{"X-Mbx-Apikey": {key}} }

func TestHMACVectors(t *testing.T) {
	t.Parallel()
	head := "symbol=BTCUSDT&side=BUY&type=LIMIT"
	tail := "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943"
	for name, v := range map[string]struct{ query, body, signature string }{
		"body":       {"", head + "&" + strings.Replace(tail, "&recv", "&timeInForce=GTC&recv", 1), "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"},
		"sorted":     {"", "price=9000&quantity=1&recvWindow=5000&side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp=1591702613943&type=LIMIT", "bbc3fe12e7e25ba765b12ace72d12b6af72db08b44f42882ef9a39e09802d801"},
		"query+body": {head + "&timeInForce=GTC", tail, "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cheap := []marketdata.SimAsset{{
				Symbol: "BTCUSDT", Price: d("9000"), TickSize: d("1"), LotSize: d("0.001"), MinNotionalUSD: d("5"), DailyVolume: d("1000"),
			}}
			tr := start(t, astertest.Config{
				Start: time.UnixMilli(1591702613943), Assets: cheap,
				Accounts: account(func(a *astertest.Account) { withKey(a); a.Deposit = d("1000000") }),
			})
			digit := byte('0')
			if v.signature[10] == digit {
				digit = '1'
			}
			wrong := v.signature[:10] + string(digit) + v.signature[11:]
			r, err := tr.send(http.MethodPost, "/fapi/v1/order", v.query, v.body+"&signature="+wrong, keyHeader(hmacKey))
			require.NoError(t, err)
			require.Equal(t, -1022, r.code(), "%s", r.body)
			r, err = tr.send(http.MethodPost, "/fapi/v1/order", v.query, v.body+"&signature="+strings.ToUpper(v.signature), keyHeader(hmacKey))
			require.NoError(t, err)
			require.NotContains(t, []int{-1022, -2014, -2015, -1021}, r.code(), "%s", r.body)
		})
	}
}

func TestV1KeysAndTimes(t *testing.T) {
	t.Parallel()
	tr := start(t, astertest.Config{Accounts: account(withKey)})
	now := tr.ex.Now().UnixMilli()
	ask := func(key string, timestamp int64, extra string) int {
		text := fmt.Sprintf("timestamp=%d%s", timestamp, extra)
		mac := hmac.New(sha256.New, []byte(hmacSecret))
		mac.Write([]byte(text))
		r, err := tr.send(http.MethodGet, "/fapi/v2/balance", text+"&signature="+hex.EncodeToString(mac.Sum(nil)), "", keyHeader(key))
		require.NoError(t, err)
		return r.code()
	}
	require.Zero(t, ask(hmacKey, now, ""))
	require.Zero(t, ask(hmacKey, now-5000, ""), "the default window")
	require.Equal(t, -1021, ask(hmacKey, now-5001, ""))
	require.Zero(t, ask(hmacKey, now-60_000, "&recvWindow=60000"))
	require.Equal(t, -1130, ask(hmacKey, now, "&recvWindow=60001"))
	require.Zero(t, ask(hmacKey, now+999, ""))
	require.Equal(t, -1021, ask(hmacKey, now+1000, ""))
	require.Equal(t, -2015, ask("unknown", now, ""))
	require.Equal(t, -2014, tr.get("/fapi/v2/balance", "").code())
	require.Equal(t, -2015, tr.call(http.MethodGet, "/fapi/v2/balance", "").code(), "an agent on V1")

	r, err := tr.send(http.MethodPost, "/fapi/v1/listenKey", "", "", keyHeader(hmacKey))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.status, "a listen key needs the header alone: %s", r.body)
}
