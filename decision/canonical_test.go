package decision_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// withoutSeries is MarshalJSON of the record without candles.
func withoutSeries(t require.TestingT, r decision.Record) []byte {
	r.Input.Market.Assets = maps.Clone(r.Input.Market.Assets)
	for symbol, a := range r.Input.Market.Assets {
		a.Series = nil
		r.Input.Market.Assets[symbol] = a
	}
	data, err := r.MarshalJSON()
	require.NoError(t, err)
	return data
}

// Whatever a record holds, it is read back from its canonical encoding so that
// it encodes to the same bytes, and these are those of MarshalJSON.
func TestCanonicalRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRecord(t, rt)
		c, err := r.Canonical()
		require.NoError(rt, err)
		require.True(rt, bytes.HasSuffix(c.Body, append([]byte(`,"record":`), append(withoutSeries(rt, r), '}')...)))
		read, err := c.Record()
		require.NoError(rt, err)
		again, err := read.Canonical()
		require.NoError(rt, err)
		requireSame(rt, c.Body, again.Body)
		require.Len(rt, again.Series, len(c.Series))
		inline, err := r.MarshalJSON()
		require.NoError(rt, err)
		var whole decision.Record
		require.NoError(rt, whole.UnmarshalJSON(inline))
		again, err = whole.Canonical()
		require.NoError(rt, err)
		requireSame(rt, c.Body, again.Body) // by way of the JSON with candles, as exports have it
	})
}

// requireSame shows where two bodies differ, of which each fills a screen.
func requireSame(t require.TestingT, want, got []byte) {
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	clip := func(b []byte) string { return string(b[max(at-60, 0):min(at+60, len(b))]) }
	require.Equal(t, clip(want), clip(got))
	require.Len(t, got, len(want))
}

func TestCanonicalBytes(t *testing.T) {
	t.Parallel()
	r := decision.Record{Schema: 1}
	r.Input.Account.BalanceUSD = decimal.RequireFromString("-12345678901234567890.123456789012345678000")
	r.Input.Account.AvailableUSD = decimal.New(15, 3)
	r.Input.At = time.Date(2026, 1, 2, 3, 4, 5, 60, time.FixedZone("", -9000))
	r.Result.At = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r.Result.Took = 1500 * time.Millisecond
	r.Result.Reason = "\x00\b\t\n\f\r\x1f\"\\/<>&\x7f\u2028é\U0001F600"
	r.Input.Account.LastEntryAt = map[string]time.Time{"Z": {}, "a": {}, "\uffff": {}, "\U0001F600": {}, "": {}}
	r.Input.Indicators = map[string]map[marketdata.Interval]indicator.Set{"A": {"1h": {
		Interval: "1h", RSI14: indicator.Line{math.NaN(), 0, 1, 0.1, 0.0001, 0.000015, 999999.5, 1e6, 123456789, 1e100},
	}}}
	c, err := r.Canonical()
	require.NoError(t, err)
	for _, want := range []string{
		`"rsi_14":[null,0,1,0.1,0.0001,1.5e-05,999999.5,1e+06,1.23456789e+08,1e+100],`,
		`{"series":{},"record":{"schema":1,"input":{"at":"2026-01-02T03:04:05.00000006-02:30","symbols":[],`,
		`"balance_usd":-12345678901234567890.123456789012345678,`, `"available_usd":15000,`,
		`"at":"2026-01-02T03:04:05Z"`, `"took_ns":1500000000`,
		`"reason":"\u0000\b\t\n\f\r\u001f\"\\/<>&` + "\x7f\u2028é\U0001F600\"",
		`"last_entry_at":{"":"0001-01-01T00:00:00Z","Z":"0001-01-01T00:00:00Z","a":"0001-01-01T00:00:00Z","` + "\uffff" + `":"0001-01-01T00:00:00Z","` + "\U0001F600" + `":`,
	} {
		require.Contains(t, string(c.Body), want)
	}
	digest := sha256.Sum256(c.Body)
	require.Equal(t, digest, c.Digest())
	text, err := r.Digest()
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(digest[:]), text)
}

func TestCanonicalSeriesStandOnceByTheirDigest(t *testing.T) {
	t.Parallel()
	r := recorded(t, 2)
	c, err := r.Canonical()
	require.NoError(t, err)
	require.Len(t, c.Series, 2, "two assets have the same candles")
	require.NotContains(t, string(c.Body), `"candles"`)
	digests := make([]string, len(c.Series))
	for i, s := range c.Series {
		data, err := s.MarshalJSON()
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, sum, s.Digest())
		digests[i] = hex.EncodeToString(sum[:])
	}
	require.True(t, slices.IsSorted(digests))
	one, four := r.Input.Market.Assets["A00USDT"].Series[marketdata.Interval1h].Digest(), r.Input.Market.Assets["A00USDT"].Series[marketdata.Interval4h].Digest()
	require.True(t, strings.HasPrefix(string(c.Body), fmt.Sprintf(`{"series":{"A00USDT":{"1h":"%x","4h":"%x"},"A01USDT":{`, one, four)))
	require.NotEmpty(t, r.Input.Market.Assets["A00USDT"].Series, "the record keeps its own")
}

func TestCanonicalIsTheSameForNilAndEmpty(t *testing.T) {
	t.Parallel()
	empty := decision.Record{Schema: 1, Responses: []llm.Response{}, Normalised: []string{}}
	empty.Input.Symbols, empty.Input.Market.Notes = []string{}, []string{}
	empty.Input.Market.Assets = map[string]marketdata.Asset{}
	empty.Result.Refused, empty.Result.Tried = []decision.Refusal{}, []llm.Attempt{}
	want, err := decision.Record{Schema: 1}.Digest()
	require.NoError(t, err)
	got, err := empty.Digest()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestCanonicalRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*decision.Record){
		"a text that is not UTF-8": func(r *decision.Record) { r.Result.Reason = "\xff" },
		"a key that is not UTF-8":  func(r *decision.Record) { r.Input.Account.LastEntryAt = map[string]time.Time{"\xff": {}} },
		"a symbol that is not UTF-8": func(r *decision.Record) {
			r.Input.Market.Assets = map[string]marketdata.Asset{"\xff": {Series: map[marketdata.Interval]marketdata.Series{"1h": {}}}}
		},
		"the year 10000": func(r *decision.Record) { r.Result.At = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := decision.Record{Schema: 1}
			change(&r)
			_, err := r.Canonical()
			require.ErrorContains(t, err, "decision: record: ")
			_, err = r.Digest()
			require.Error(t, err)
		})
	}
}

func TestCanonicalReadsNoOtherSchema(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{
		"newer":            `{"schema":2,"input":{}}`,
		"newer and unlike": `{"schema":2,"anything":[1,2,3]}`,
		"zero":             `{"schema":0}`,
		"negative":         `{"schema":-1}`,
		"a fraction":       `{"schema":1.0}`,
		"a text":           `{"schema":"1"}`,
		"huge":             `{"schema":99999999999999999999999999}`,
		"missing":          `{}`,
		"not first":        `{"input":{},"schema":1}`,
		"no object":        `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.Canonical{Body: []byte(`{"series":{},"record":` + record + `}`)}.Record()
			require.ErrorIs(t, err, decision.ErrSchema)
			var r decision.Record
			require.ErrorIs(t, r.UnmarshalJSON([]byte(record)), decision.ErrSchema)
		})
	}
}

func TestCanonicalRefusesHostileBodies(t *testing.T) {
	t.Parallel()
	r := recorded(t, 1)
	c, err := r.Canonical()
	require.NoError(t, err)
	body := string(c.Body)
	digest := hex.EncodeToString(func() []byte { d := c.Series[0].Digest(); return d[:] }())
	_, record, _ := strings.Cut(body, `,"record":`)
	for name, one := range map[string]struct {
		body, want string
		series     []marketdata.Series
	}{
		"nothing":              {"", "unexpected EOF", nil},
		"no JSON":              {"x", "not valid JSON", nil},
		"cut":                  {body[:len(body)/2], "not valid JSON", c.Series},
		"more":                 {body + "{}", "not valid JSON", c.Series},
		"an unknown member":    {`{"extra":1,` + body[1:], "unknown member", c.Series},
		"the series twice":     {`{"series":{},` + body[1:], "duplicate", c.Series},
		"no record":            {`{"series":{}}`, "ends too early", nil},
		"an unknown field":     {strings.Replace(body, `"symbols":`, `"symbol":`, 1), "unknown member", c.Series},
		"no candles":           {body, "are missing or were changed", nil},
		"other candles":        {body, "are missing or were changed", []marketdata.Series{c.Series[0], c.Series[0].Tail(10)}},
		"a changed digest":     {strings.Replace(body, digest, strings.Repeat("0", 64), 1), "are missing or were changed", c.Series},
		"candles for nobody":   {`{"series":{"X":{}},"record":` + record, "no place", c.Series},
		"a digest of a number": {`{"series":{"X":{"1h":1}},"record":` + record, "series.X", c.Series},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.Canonical{Body: []byte(one.body), Series: one.series}.Record()
			require.ErrorContains(t, err, one.want)
			require.LessOrEqual(t, len(err.Error()), 400)
		})
	}
}

// A series that is written otherwise is the same series, so its digest is that
// of the canonical notation.
func TestSeriesOfAnotherNotationHasTheSameDigest(t *testing.T) {
	t.Parallel()
	plain := `{"interval":"1h","candles":[[0,1.5,2,1,1.25,100,125]]}`
	var want, got marketdata.Series
	require.NoError(t, want.UnmarshalJSON([]byte(plain)))
	require.NoError(t, got.UnmarshalJSON([]byte(` { "candles" : [[ 0, 1.50, 2.0, 1, 125e-2, 1e2, 125 ]], "interval":"1h" } `)))
	data, err := got.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, plain, string(data))
	require.Equal(t, want.Digest(), got.Digest())
	sum := sha256.Sum256([]byte(plain))
	require.Equal(t, sum, want.Digest())
}

// The members of a record are part of its format. One that is new may be added
// when it is left out while it has no value, so that older records keep their
// bytes; anything else is a new RecordSchema, with a reader for this one.
func TestMembersOfARecordAreThoseOfItsSchema(t *testing.T) {
	t.Parallel()
	got := strings.Join(members(reflect.TypeFor[decision.Record](), "", nil), "\n") + "\n"
	file := fmt.Sprintf("testdata/record_members_%d.txt", decision.RecordSchema)
	if *promptUpdate {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func FuzzCanonicalRecord(f *testing.F) {
	r := recorded(f, 1)
	c, err := r.Canonical()
	require.NoError(f, err)
	f.Add(c.Body)
	f.Add([]byte(`{"series":{},"record":{"schema":1}}`))
	f.Add([]byte(`{"series":{"A":{"1h":""}},"record":{"schema":1,"input":{"market":{"assets":{"A":{}}},"account":{"balance_usd":1e60}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		read, err := decision.Canonical{Body: body, Series: c.Series}.Record()
		if err != nil {
			return
		}
		first, err := read.Canonical()
		require.NoError(t, err)
		if read.Input.Interval == "" || read.Input.LongInterval == "" {
			return // which no record has that an engine made, and none can that is read twice
		}
		read, err = first.Record()
		require.NoError(t, err)
		again, err := read.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(first.Body), string(again.Body))
	})
}
