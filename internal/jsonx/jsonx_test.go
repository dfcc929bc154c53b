package jsonx_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
)

type sample struct {
	Price    decimal.Decimal     `json:"price"`
	Stop     decimal.NullDecimal `json:"stop"`
	Wait     time.Duration       `json:"wait_ns"`
	Counts   map[string]int      `json:"counts"`
	Comments []string            `json:"comments"`
}

func TestMarshalKeepsEveryDigitAndSortsKeys(t *testing.T) {
	t.Parallel()
	got, err := jsonx.Marshal(sample{
		Price: decimal.RequireFromString("0.000012345678901234567890"),
		Wait:  1500 * time.Millisecond, Counts: map[string]int{"b": 2, "a": 1},
	})
	require.NoError(t, err)
	require.Equal(t, `{"price":0.00001234567890123456789,"stop":null,"wait_ns":1500000000,"counts":{"a":1,"b":2},"comments":[]}`, string(got))

	var back sample
	require.NoError(t, jsonx.Unmarshal(got, &back))
	again, err := jsonx.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
}

func TestUnmarshalIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown member":   `{"price":1,"leverage":50}`,
		"duplicate member": `{"price":1,"price":2}`,
		"case variant":     `{"Price":1}`,
		"trailing data":    `{"price":1} {}`,
		"null price":       `{"price":null}`,
		"boolean price":    `{"price":true}`,
		"huge exponent":    `{"price":1e400}`,
		"tiny exponent":    `{"price":1e-400}`,
		"huge optional":    `{"stop":1e400}`,
		"boolean optional": `{"stop":false}`,
		"locale":           `{"price":"1,000"}`,
		"hexadecimal":      `{"price":"0x64"}`,
		"blank":            `{"price":""}`,
		"not a number":     `{"price":"NaN"}`,
		"invalid UTF-8":    "{\"comments\":[\"\xff\"]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s sample
			require.Error(t, jsonx.Unmarshal([]byte(text), &s))
		})
	}
}

func TestUnmarshalAcceptsNumericStrings(t *testing.T) {
	t.Parallel()
	var s sample
	require.NoError(t, jsonx.Unmarshal([]byte(`{"price":"1.50","stop":"2"}`), &s))
	require.Equal(t, "1.5", s.Price.String())
	require.True(t, s.Stop.Valid)
	require.Equal(t, "2", s.Stop.Decimal.String())
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"1", "-0.5", "1e30", "1e31", "+", ".", "1_000", "٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := jsonx.ParseDecimal(text)
		if err != nil {
			require.ErrorIs(t, err, jsonx.ErrDecimal)
			return
		}
		require.LessOrEqual(t, len(d.String()), 130)
		again, err := jsonx.ParseDecimal(d.String())
		if err == nil {
			require.True(t, d.Equal(again))
		}
	})
}

func TestIsNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0": true, "-6.00": true, "1e5": true, "": false, " 1": false, "1 ": false, "01": false, "1,000": false, "0x10": false, "NaN": false, `"1"`: false, "-": false, "1 2": false,
	} {
		require.Equal(t, want, jsonx.IsNumber(text), text)
	}
}

func TestErrorsSayWhereInTheDocument(t *testing.T) {
	t.Parallel()
	type outer struct {
		List []sample `json:"list"`
	}
	for text, want := range map[string]string{
		`{"list":[{"price":1},{"leverage":5}]}`: "list.1.leverage: unknown member",
		`{"list":[{"price":true}]}`:             "list.0.price: jsonx: not a decimal: a JSON true",
		`{"list":5}`:                            "list: a JSON number does not belong here",
		`{"list":[`:                             "not valid JSON at byte 9: unexpected EOF",
		`[]`:                                    "the document: a JSON array does not belong here",
	} {
		require.EqualError(t, jsonx.Unmarshal([]byte(text), &outer{}), want, text)
	}
	var s sample
	require.ErrorIs(t, jsonx.Unmarshal([]byte(`{"price":"x"}`), &s), jsonx.ErrDecimal)
}
