package astertest_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

const (
	wallet     = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
	agentKey   = "4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1" // the venue's public demo key
	agentOwner = "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"
)

func d(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func account(change func(*astertest.Account)) []astertest.Account {
	a := astertest.Account{Wallet: wallet, Deposit: d("10000"), Agents: []astertest.Agent{{Address: agentOwner}}}
	if change != nil {
		change(&a)
	}
	return []astertest.Account{a}
}

// trader is a client of the exchange that signs with the demo agent.
type trader struct {
	t      testing.TB
	ex     *astertest.Exchange
	chain  int64
	nonce  atomic.Int64
	client *http.Client
}

func start(tb testing.TB, cfg astertest.Config) *trader {
	tb.Helper()
	if cfg.Accounts == nil {
		cfg.Accounts = account(nil)
	}
	ex, err := astertest.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(ex.Close)
	tr := &trader{t: tb, ex: ex, chain: ex.Network().ChainID, client: &http.Client{Transport: &http.Transport{}}}
	tb.Cleanup(tr.client.CloseIdleConnections)
	return tr
}

// hours is an exchange whose BTCUSDT runs through candles "open,high,low,close"
// from 2025-10-01 00:00 UTC on; the clock starts where the first has closed.
func hours(tb testing.TB, cfg astertest.Config, candles ...string) *trader {
	tb.Helper()
	first := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
	var file strings.Builder
	file.WriteString("open_time_ms,open,high,low,close,volume,quote_volume\n")
	for i, c := range candles {
		fmt.Fprintf(&file, "%d,%s,100,10000000\n", first.Add(time.Duration(i)*time.Hour).UnixMilli(), c)
	}
	cfg.FS = fstest.MapFS{"BTCUSDT.csv": {Data: []byte(file.String())}}
	cfg.Start = first.Add(time.Hour)
	return start(tb, cfg)
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) code() int {
	var e struct {
		Code json.Number `json:"code"`
	}
	if json.Unmarshal(r.body, &e) != nil {
		return 0
	}
	n, _ := strconv.Atoi(e.Code.String())
	return n
}

func (tr *trader) send(method, path, query, body string, header http.Header) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	address := tr.ex.Network().REST + path
	if query != "" {
		address += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	require.NoError(tr.t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := tr.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, text}, err
}

// get is a public request that must be answered.
func (tr *trader) get(path, query string) reply {
	tr.t.Helper()
	r, err := tr.send(http.MethodGet, path, query, "", nil)
	require.NoError(tr.t, err)
	return r
}

func (tr *trader) sign(params string) string {
	nonce := max(tr.ex.Now().UnixMicro(), tr.nonce.Load()+1)
	tr.nonce.Store(nonce)
	if params != "" {
		params += "&"
	}
	text := params + "nonce=" + strconv.FormatInt(nonce, 10) + "&signer=" + agentOwner
	return text + "&signature=" + signature(text, tr.chain)
}

// try is a signed request.
func (tr *trader) try(method, path, params string) (reply, error) {
	text := tr.sign(params)
	if method == http.MethodGet {
		return tr.send(method, path, text, "", nil)
	}
	return tr.send(method, path, "", text, nil)
}

// call is a signed request that must be answered.
func (tr *trader) call(method, path, params string) reply {
	tr.t.Helper()
	r, err := tr.try(method, path, params)
	require.NoError(tr.t, err)
	return r
}

// do is a signed request that must succeed.
func (tr *trader) do(method, path, params string) map[string]any {
	tr.t.Helper()
	r := tr.call(method, path, params)
	require.Equal(tr.t, http.StatusOK, r.status, "%s", r.body)
	var out map[string]any
	require.NoError(tr.t, json.Unmarshal(r.body, &out), "%s", r.body)
	return out
}

func (tr *trader) order(params string) map[string]any {
	tr.t.Helper()
	return tr.do(http.MethodPost, "/fapi/v3/order", params+"&newOrderRespType=RESULT")
}

// query is what the exchange says of an order, by its client id.
func (tr *trader) query(id string) map[string]any {
	tr.t.Helper()
	return tr.do(http.MethodGet, "/fapi/v3/order", "symbol=BTCUSDT&origClientOrderId="+id)
}

func (tr *trader) rows(path, params string) []map[string]any {
	tr.t.Helper()
	r := tr.call(http.MethodGet, path, params)
	require.Equal(tr.t, http.StatusOK, r.status, "%s", r.body)
	var out []map[string]any
	require.NoError(tr.t, json.Unmarshal(r.body, &out), "%s", r.body)
	return out
}

func (tr *trader) holdings() astertest.Holdings { return tr.ex.Holdings(wallet) }

func form(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
	}
	return strings.Join(out, "&")
}

// signature signs as an agent wallet does.
func signature(text string, chain int64) string {
	raw, _ := hex.DecodeString(agentKey)
	compact := ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(raw), typedDigest(text, chain), false)
	return "0x" + hex.EncodeToString(append(compact[1:], compact[0]))
}

func typedDigest(text string, chain int64) []byte {
	sum := func(parts ...[]byte) []byte {
		h := sha3.NewLegacyKeccak256()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	domain := sum(
		sum([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")),
		sum([]byte("AsterSignTransaction")), sum([]byte("1")), decimal.NewFromInt(chain).BigInt().FillBytes(make([]byte, 32)), make([]byte, 32),
	)
	return sum([]byte{0x19, 1}, domain, sum(sum([]byte("Message(string msg)")), sum([]byte(text))))
}
