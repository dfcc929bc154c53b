package aster_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

func TestDecodeIsExactAndKnowsCase(t *testing.T) {
	t.Parallel()
	var out struct {
		E     string              `json:"e"`
		BigE  int64               `json:"E"`
		Price decimal.Decimal     `json:"p"`
		Rate  decimal.Decimal     `json:"r"`
		None  decimal.NullDecimal `json:"n"`
		Some  decimal.NullDecimal `json:"s"`
	}
	require.NoError(t, aster.Decode([]byte(`{"E":9223372036854775807,"e":"kline","new":{"x":[1]},"p":"0.10000000000000000000000001","r":0.1,"n":null,"s":"2"}`), &out))
	require.Equal(t, "kline", out.E)
	require.Equal(t, int64(9223372036854775807), out.BigE)
	require.Equal(t, "0.10000000000000000000000001", out.Price.String())
	require.Equal(t, "0.1", out.Rate.String())
	require.False(t, out.None.Valid)
	require.Equal(t, "2", out.Some.Decimal.String())
}

func TestDecodeRefusesWhatIsNotPromised(t *testing.T) {
	t.Parallel()
	type shape struct {
		P decimal.Decimal   `json:"p"`
		N int64             `json:"n"`
		L []decimal.Decimal `json:"l"`
	}
	for document, want := range map[string]string{
		``:                           "not one valid JSON document",
		`{"p":"1"`:                   "not one valid JSON document",
		`{"p":"1"} {}`:               "not one valid JSON document",
		`{"p":"1","p":"2"}`:          "",
		`{"x":1,"x":2}`:              "",
		"{\"p\":\"\xff\"}":           "",
		`{"p":true}`:                 "at /p: ",
		`{"p":null}`:                 "at /p: ",
		`{"p":"NaN"}`:                "at /p: ",
		`{"p":"1e999999999"}`:        "at /p: ",
		`{"l":["1",""]}`:             "at /l/1: ",
		`{"n":1.5}`:                  "at /n: ",
		`{"n":"1"}`:                  "at /n: a JSON value of another kind than promised",
		`{"n":92233720368547758080}`: "at /n: ",
		`[]`:                         "a JSON value of another kind than promised",
	} {
		var out shape
		err := aster.Decode([]byte(document), &out)
		require.Error(t, err, document)
		require.ErrorContains(t, err, want, document)
	}
}

func TestEveryDocumentedCodeHasItsKind(t *testing.T) {
	t.Parallel()
	for kind, codes := range map[aster.Kind][]int{
		aster.KindServer:        {-1000, -1001, -1006, -1007},
		aster.KindRateLimit:     {-1003, -1015},
		aster.KindAuth:          {-1002, -1022, -2014, -2015},
		aster.KindPermission:    {-1011, -4087, -4088},
		aster.KindDeposit:       {-5050},
		aster.KindClock:         {-1021, -4225},
		aster.KindUnknownSymbol: {-1121},
		aster.KindFilter:        {-1111, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4013, -4014, -4016, -4023, -4024, -4164, -4183, -4184},
		aster.KindMargin:        {-2018, -2019, -2023, -2027, -2028, -4050, -4051},
		aster.KindOrder:         {-2010, -2011, -2013, -2020, -2021, -2022, -2024, -2025, -2026, -4045, -4082, -4083, -4118, -4131, -4135, -4142},
		aster.KindInvalid: {
			-1013, -1014, -1016, -1020, -1023, -1100, -1106, -1108, -1112, -1120, -1125, -1127, -1136, -2030, -2031, -4015, -4021, -4028, -4046, -4047,
			-4059, -4060, -4061, -4062, -4067, -4137, -4138, -4140, -4141, -4161, -4165, -4168, -5047, -5053, -5076,
		},
		"": {0, 1, 200, -1, -999, -3000, -6000, -99999},
	} {
		for _, code := range codes {
			require.Equal(t, kind, aster.KindOfCode(code), "code %d", code)
		}
	}
	for status, kind := range map[int]aster.Kind{
		301: aster.KindBlocked, 400: aster.KindInvalid, 401: aster.KindAuth, 403: aster.KindBlocked, 404: aster.KindInvalid, 408: aster.KindServer,
		418: aster.KindBanned, 429: aster.KindRateLimit, 499: aster.KindInvalid, 500: aster.KindServer, 503: aster.KindServer, 599: aster.KindServer,
	} {
		require.Equal(t, kind, aster.KindOfStatus(status), "status %d", status)
	}
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		code int
		text string
	}{
		``:                                     {0, ""},
		`{}`:                                   {0, ""},
		`{"code":-1121,"msg":"Invalid"}`:       {-1121, "Invalid"},
		`{"code":"-1121","msg":"Invalid"}`:     {-1121, "Invalid"},
		`{"code":-1121.0}`:                     {0, ""},
		`{"code":-99999999999999999999}`:       {0, ""},
		`{"code":null,"msg":{"a":1},"data":1}`: {0, ""},
		`{"code":-1,"code":-2}`:                {0, `{"code":-1,"code":-2}`},
		` <html><title>x`:                      {0, "a web page in place of an answer"},
		`upstream error`:                       {0, "upstream error"},
		`[1]`:                                  {0, "[1]"},
	} {
		code, text := aster.ErrorBody([]byte(body))
		require.Equal(t, want.code, code, body)
		require.Equal(t, want.text, text, body)
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add(400, []byte(`{"code":-1121,"msg":"Invalid symbol."}`))
	f.Add(418, []byte(`{"code":"-1003","msg":"banned until 1764000000000"}`))
	f.Add(200, []byte(`{"code":-1007}`))
	f.Add(403, []byte("<html>\xff"))
	f.Add(503, []byte(""))
	f.Add(429, []byte("key "+hmacKey+"\r\n\x00"))
	signer, err := aster.NewHMAC(aster.HMACConfig{Key: secret.New(hmacKey), Secret: secret.New(hmacSecret)})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		status = 200 + (status%400+400)%400
		venue := &scripted{answer: func(int, received) reply { return reply{status: status, body: string(body) + " "} }}
		for _, write := range []bool{false, true} {
			client := connect(t, venue, aster.Config{Signer: signer, Attempts: 1})
			err := client.Do(t.Context(), aster.Call{Method: "POST", Path: "/x", Signed: true, Write: write}, nil)
			if err == nil {
				require.Less(t, status, 300)
				continue
			}
			var failure *aster.Error
			require.ErrorAs(t, err, &failure)
			require.NotEmpty(t, failure.Kind)
			shown := failure.Error()
			require.NotContains(t, shown, hmacKey)
			require.True(t, utf8.ValidString(shown))
			require.False(t, strings.ContainsAny(shown, "\r\n\x00"))
			require.LessOrEqual(t, len(failure.Message), 600)
			require.GreaterOrEqual(t, failure.Wait, failure.Wait*0)
			require.False(t, write && status >= 500 && failure.Kind != aster.KindUnknownOutcome, "%v", err)
			require.False(t, !write && failure.Kind == aster.KindUnknownOutcome, "%v", err)
		}
	})
}
