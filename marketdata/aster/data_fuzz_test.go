package aster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

// requireBounded finds numbers whose printing or comparing could take minutes.
func requireBounded(t *testing.T, values ...decimal.Decimal) {
	t.Helper()
	for _, v := range values {
		require.True(t, jsonx.InRange(v), "exponent %d", v.Exponent())
	}
}

func FuzzKlines(f *testing.F) {
	venue := newBazaar("BTCUSDT")
	for _, rows := range [][]string{rowsOf(venue, 3, 2, 1, 0), rowsOf(venue, 3, 1), rowsOf(venue, 1, 1), rowsOf(venue, 0, 1), rowsOf(venue, -1), nil} {
		f.Add([]byte(listOf(rows...)))
	}
	f.Add([]byte(`[[1499040000000,"0.1","1e60","1e-60","1","NaN",1499644799999,"2"]]`))
	f.Add([]byte(`{"code":-1121,"msg":"Invalid symbol."}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, interval := range []marketdata.Interval{marketdata.Interval1h, marketdata.Interval1w} {
			candles, err := aster.ClosedKlines(body, interval, bazaarNow)
			if err != nil {
				require.Empty(t, candles)
				continue
			}
			_, err = marketdata.NewSeries(interval, candles)
			require.NoError(t, err)
			require.LessOrEqual(t, len(candles), marketdata.MaxCandles)
			for _, c := range candles {
				require.False(t, c.OpenTime.Add(interval.Duration()).After(bazaarNow), "open candle %v", c)
			}
		}
	})
}

func FuzzTicker(f *testing.F) {
	venue := newBazaar(pair...)
	f.Add([]byte(venue.reply("/fapi/v3/ticker/24hr", nil).body))
	f.Add([]byte(venue.reply("/fapi/v3/premiumIndex", nil).body))
	f.Add([]byte(`{"symbol":"B","lastPrice":"1e60","priceChangePercent":"1","highPrice":"1","lowPrice":"1","volume":"0","quoteVolume":"0","closeTime":9}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		tickers, err := aster.DecodeTickers(body)
		if err == nil {
			for _, k := range tickers {
				requireBounded(t, k.Last, k.ChangePercent, k.High, k.Low, k.Volume, k.QuoteVolume)
				require.True(t, k.Last.IsPositive())
				require.False(t, k.At.IsZero())
				require.NotEmpty(t, k.Symbol)
			}
		}
		premiums, err := aster.DecodePremiums(body)
		if err == nil {
			for _, p := range premiums {
				requireBounded(t, p.Mark, p.FundingRate)
				require.True(t, p.Mark.IsPositive())
				require.True(t, p.FundingRate.Abs().LessThan(decimal.NewFromInt(1)))
			}
		}
	})
}

func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"lastUpdateId":7,"T":1,"bids":[["4.0","1"],["3.9","1"]],"asks":[["4.1","1"],["4.2","1"]]}`))
	f.Add([]byte(`{"lastUpdateId":7,"T":1,"bids":[["4.2","1"]],"asks":[["4.1","1"]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		book, err := aster.DecodeBook(body)
		if err != nil || len(book.Bids) == 0 || len(book.Asks) == 0 {
			return
		}
		require.True(t, book.Bids[0].Price.LessThan(book.Asks[0].Price))
		requireBounded(t, book.Bids[0].Price, book.Asks[0].Quantity)
	})
}

func FuzzExchangeInfo(f *testing.F) {
	f.Add([]byte(newBazaar(pair...).info()))
	f.Add([]byte(`{"symbols":[` + strings.Replace(listing("BTCUSDT"), `"0.1"`, `"1e60"`, 2) + `]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := aster.DecodeExchangeInfo(body)
		if err != nil {
			return
		}
		require.NotEmpty(t, info.Names())
		for _, name := range info.Names() {
			s, err := info.Symbol(name)
			require.NoError(t, err)
			require.LessOrEqual(t, len(s.Name), 40)
			in := s.Instrument()
			for _, limit := range []decimal.NullDecimal{in.TickSize, in.LotSize, in.MinQuantity, in.MinNotionalUSD, s.MultiplierUp} {
				requireBounded(t, limit.Decimal)
				require.True(t, !limit.Valid || limit.Decimal.IsPositive(), "%s: %s", name, limit.Decimal)
			}
		}
	})
}

func FuzzPositions(f *testing.F) {
	l := newLedger()
	f.Add([]byte(l.says["/positionRisk"]))
	f.Add([]byte(l.says["/accountWithJoinMargin"]))
	f.Fuzz(func(t *testing.T, body []byte) {
		positions, err := aster.DecodePositions(body)
		if err != nil {
			return
		}
		for _, p := range positions {
			requireBounded(t, p.Amount, p.EntryPrice, p.MarkPrice, p.Leverage, p.UnrealizedProfit)
			require.True(t, p.Amount.IsZero() || p.EntryPrice.IsPositive() && p.MarkPrice.IsPositive())
			require.True(t, p.Leverage.IsPositive())
			require.Contains(t, []string{"BOTH", "LONG", "SHORT"}, p.PositionSide)
		}
	})
}

func FuzzAccount(f *testing.F) {
	l := newLedger()
	f.Add([]byte(l.says["/accountWithJoinMargin"]))
	f.Add([]byte(`{"canTrade":"true","assets":[` + wallet + `],"positions":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := aster.DecodeAccount(body)
		if err != nil {
			return
		}
		require.NotEmpty(t, info.Balances)
		for _, b := range info.Balances {
			requireBounded(t, b.Wallet, b.Available)
			require.NotEmpty(t, b.Asset)
		}
	})
}

func FuzzIncome(f *testing.F) {
	f.Add([]byte(newLedger().says["/income"]))
	f.Add([]byte(listOf(strings.Replace(income(7, "COMMISSION", "-1", "USDT", time.UnixMilli(5)), `"7"`, `7`, 1))))
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := aster.DecodeIncome(body)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(entries), 10_000)
		for _, i := range entries {
			requireBounded(t, i.Amount)
			require.NotEmpty(t, i.ID)
			require.NotEmpty(t, i.Type)
		}
	})
}

func FuzzBrackets(f *testing.F) {
	f.Add([]byte(newBazaar(pair...).reply("/fapi/v3/leverageBracket", nil).body))
	f.Fuzz(func(t *testing.T, body []byte) {
		tables, err := aster.DecodeBrackets(body)
		if err != nil {
			return
		}
		for _, brackets := range tables {
			upTo := decimal.Zero
			for _, b := range brackets {
				require.True(t, b.UpToUSD.Decimal.GreaterThan(upTo))
				require.True(t, b.MaxLeverage.IsPositive() && b.MaintenancePercent.IsPositive())
				upTo = b.UpToUSD.Decimal
			}
		}
	})
}

// FuzzAmount compares the short way with the one for all decimals.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"0", "-0", "1.50", "-0.00000001", ".5", "5.", "1e3", "999999999999999999", "9999999999999999999", "1.23456789012345678", "-", "", "1..2", "00012.30", "+1", "12345678901234567.8", "123456789012345678.9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document, err := jsonx.Marshal(text)
		if err != nil {
			return // not UTF-8
		}
		got, err := aster.ReadAmount(document)
		want, wantErr := jsonx.ParseDecimal(text)
		require.Equal(t, wantErr == nil, err == nil, "%q: %v, %v", text, err, wantErr)
		require.True(t, want.Equal(got))
		require.Equal(t, want.Exponent(), got.Exponent(), "%q", text)
	})
}
