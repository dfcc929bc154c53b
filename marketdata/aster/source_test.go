package aster_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/marketdata/markettest"
)

func TestSourceConforms(t *testing.T) {
	t.Parallel()
	for name, symbols := range map[string][]string{
		"few":  {"BTCUSDT", "ETHUSDT"},
		"many": {"BTCUSDT", "ETHUSDT", "SOLUSDT", "ASTERUSDT", "DOGEUSDT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			markettest.Run(t, func(t *testing.T) markettest.Harness {
				t.Helper()
				venue := newBazaar(symbols...)
				return markettest.Harness{
					Source: venue.source(t, aster.SourceConfig{}), Symbols: symbols, Unknown: "NOPEUSDT",
					Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}, SetNow: venue.setNow,
					Times: []time.Time{bazaarNow, bazaarNow.Add(time.Hour), bazaarNow.Add(5*time.Hour - 20*time.Minute - 30*time.Second)},
				}
			})
		})
	}
}

func hourly(symbols ...string) marketdata.Query {
	return marketdata.Query{Symbols: symbols, Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}, Candles: 50}
}

func snapshot(tb testing.TB, source *aster.Source, q marketdata.Query) marketdata.Snapshot {
	tb.Helper()
	snap, err := source.Snapshot(tb.Context(), q)
	require.NoError(tb, err)
	return snap
}

var (
	pair  = []string{"BTCUSDT", "ETHUSDT"}
	eight = []string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "ASTERUSDT"}
)

func TestAnAssetIsWhatTheVenueSays(t *testing.T) {
	t.Parallel()
	for name, symbols := range map[string][]string{"one by one": pair, "all at once": eight} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue := newBazaar(symbols...)
			source, err := aster.NewSource(venue.visit(t, aster.Config{Signer: demoAgent(t, "", 0)}), aster.SourceConfig{})
			require.NoError(t, err)
			snap := snapshot(t, source, hourly(symbols...))
			require.Equal(t, bazaarNow, snap.At)
			require.Empty(t, snap.Failures)
			require.Empty(t, snap.Notes)
			a := snap.Assets["BTCUSDT"]
			require.Empty(t, a.Degraded)
			last := venue.price("BTCUSDT", bazaarNow.Unix()/3600)
			require.True(t, last.Equal(a.Quote.Last))
			require.Equal(t, bazaarNow.Add(-2*time.Second), a.Quote.LastAt, "the venue's stamp")
			requireDecimal(t, last.Add(d("0.05")).String(), a.Quote.Mark.Decimal)
			requireDecimal(t, "-1.25", a.Quote.Change24hPercent.Decimal)
			requireDecimal(t, "2000.75", a.Quote.QuoteVolume24h.Decimal)
			requireDecimal(t, "0.000125", a.Quote.FundingRate.Decimal)
			require.Equal(t, 4*time.Hour, a.Quote.FundingInterval)
			requireDecimal(t, "5599.89", a.Quote.OpenInterest.Decimal)
			requireDecimal(t, "0.1", a.Instrument.TickSize.Decimal)
			require.Len(t, a.Instrument.Brackets, 2)
			requireDecimal(t, "50000", a.Instrument.Brackets[1].UpToUSD.Decimal)
			requireDecimal(t, "50", a.Instrument.Brackets[1].MaxLeverage)
			requireDecimal(t, "1", a.Instrument.Brackets[1].MaintenancePercent)
			requireDecimal(t, "35", a.Instrument.Brackets[1].DeductionUSD)
			require.Equal(t, 50, a.Series[marketdata.Interval4h].Len())
			require.Equal(t, tenOClock, a.Series[marketdata.Interval1h].CloseTime())
			require.Equal(t, tenOClock.Add(-2*time.Hour), a.Series[marketdata.Interval4h].CloseTime())
		})
	}
}

// TestOneFaultCostsOneSymbol breaks what belongs to BTCUSDT; ETHUSDT goes on.
func TestOneFaultCostsOneSymbol(t *testing.T) {
	t.Parallel()
	venue := newBazaar(eight...)
	open := rowsOf(venue, 2, 1, 0)
	broken := func(path, body string) func(string, url.Values) (reply, bool) {
		return func(asked string, q url.Values) (reply, bool) {
			return reply{body: body}, asked == path && (q.Get("symbol") == "BTCUSDT" && (q.Get("interval") == "" || q.Get("interval") == "1h"))
		}
	}
	refused := func(path string, status int, body string) func(string, url.Values) (reply, bool) {
		return func(asked string, q url.Values) (reply, bool) {
			return reply{status: status, body: body}, asked == path && q.Get("symbol") == "BTCUSDT"
		}
	}
	relisted := func(from, to string) func(string, url.Values) (reply, bool) {
		return saying("/exchangeInfo", strings.Replace(venue.info(), from, to, 1))
	}
	for name, tc := range map[string]struct {
		twist  func(string, url.Values) (reply, bool)
		reason marketdata.Reason
		says   string
	}{
		"gap":            {broken("/klines", "["+open[0]+","+open[2]+"]"), marketdata.ReasonGap, "1h candles"},
		"duplicate":      {broken("/klines", "["+open[0]+","+open[0]+","+open[1]+"]"), marketdata.ReasonBadCandle, "twice"},
		"future":         {broken("/klines", "["+rowsOf(venue, 1, 0, -1)[2]+"]"), marketdata.ReasonBadCandle, "future"},
		"contradiction":  {broken("/klines", strings.Replace("["+open[0]+"]", `00","`, `00","0.1","0.1","`, 1)), marketdata.ReasonUnavailable, "cannot be read"},
		"not JSON":       {broken("/klines", "<html>"), marketdata.ReasonUnavailable, "1h candles"},
		"delisted since": {refused("/klines", 400, `{"code":-1121,"msg":"Invalid symbol."}`), marketdata.ReasonUnknownSymbol, "unknown_symbol"},
		"server":         {refused("/klines", 400, `{"code":-1130,"msg":"no"}`), marketdata.ReasonUnavailable, "invalid"},
		"settling":       {relisted(`"TRADING"`, `"SETTLING"`), marketdata.ReasonUnavailable, "does not trade: status SETTLING"},
		"a dated future": {relisted(`"PERPETUAL"`, `"CURRENT_QUARTER"`), marketdata.ReasonUnavailable, "CURRENT_QUARTER"},
		"bad listing":    {relisted(`"tickSize":"0.1"`, `"tickSize":0.1`), marketdata.ReasonUnavailable, "must be a string"},
		"not listed":     {relisted(`"symbol":"BTCUSDT"`, `"symbol":"XUSDT"`), marketdata.ReasonUnknownSymbol, "is not listed"},
	} {
		for _, symbols := range [][]string{pair, eight} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				venue := newBazaar(eight...)
				venue.twist = tc.twist
				snap := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly(symbols...))
				require.Len(t, snap.Assets, len(symbols)-1)
				f := snap.Failures["BTCUSDT"]
				require.Equal(t, tc.reason, f.Reason, "%v", f)
				require.Contains(t, f.Detail, tc.says)
				require.Error(t, f.Err)
				if tc.reason == marketdata.ReasonUnknownSymbol {
					require.ErrorIs(t, f, marketdata.ErrUnknownSymbol)
				}
			})
		}
	}
}

func TestUnknownSymbolsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	venue := newBazaar(pair...)
	snap := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly("BTCUSDT", "NOPEUSDT"))
	require.Len(t, snap.Assets, 1)
	require.NotContains(t, strings.Join(venue.asked, " "), "NOPE")
}

// TestWhatADecisionCanDoWithoutIsDegraded breaks one endpoint for everybody.
func TestWhatADecisionCanDoWithoutIsDegraded(t *testing.T) {
	t.Parallel()
	for path, tc := range map[string]struct {
		says  string
		check func(a marketdata.Asset) bool
	}{
		"/openInterest":    {"open interest is unknown (invalid)", func(a marketdata.Asset) bool { return !a.Quote.OpenInterest.Valid }},
		"/fundingInfo":     {"the funding interval is unknown (invalid)", func(a marketdata.Asset) bool { return a.Quote.FundingInterval == 0 }},
		"/leverageBracket": {"leverage brackets are unknown (invalid)", func(a marketdata.Asset) bool { return len(a.Instrument.Brackets) == 0 }},
		"/premiumIndex": {"mark price and funding rate are unknown (invalid)", func(a marketdata.Asset) bool {
			return !a.Quote.Mark.Valid && !a.Quote.FundingRate.Valid && a.Quote.LastAt.Equal(bazaarNow.Add(-2*time.Second))
		}},
		"/ticker/24hr": {"the last price is the mark price, and the last 24 h are unknown (invalid)", func(a marketdata.Asset) bool { // stamped as the mark price is
			return a.Quote.Last.Equal(a.Quote.Mark.Decimal) && a.Quote.LastAt.Equal(bazaarNow.Add(-time.Second)) && !a.Quote.Change24hPercent.Valid
		}},
	} {
		for _, symbols := range [][]string{pair, eight} {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				venue := newBazaar(symbols...)
				venue.twist = func(asked string, _ url.Values) (reply, bool) {
					return reply{status: 400, body: `{"code":-1100,"msg":"no"}`}, asked == path
				}
				source, err := aster.NewSource(venue.visit(t, aster.Config{Signer: demoAgent(t, "", 0)}), aster.SourceConfig{})
				require.NoError(t, err)
				snap := snapshot(t, source, hourly(symbols...))
				require.Len(t, snap.Assets, len(symbols))
				require.Equal(t, []string{tc.says}, snap.Assets["ETHUSDT"].Degraded)
				require.True(t, tc.check(snap.Assets["ETHUSDT"]), "%+v", snap.Assets["ETHUSDT"].Quote)
			})
		}
	}
}

func TestABadRowOfATableIsItsSymbolsProblem(t *testing.T) {
	t.Parallel()
	venue := newBazaar(eight...)
	all := venue.reply("/fapi/v3/ticker/24hr", nil).body
	venue.twist = saying("/ticker/24hr", strings.Replace(all, `"lastPrice":"`, `"lastPrice":"-`, 1))
	snap := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly(eight...))
	require.Len(t, snap.Assets, len(eight))
	require.Len(t, snap.Assets["BTCUSDT"].Degraded, 1)
	require.Contains(t, snap.Assets["BTCUSDT"].Degraded[0], "the last price is the mark price")
	require.Empty(t, snap.Assets["ETHUSDT"].Degraded)
}

func TestNoPriceAtAllIsAFailure(t *testing.T) {
	t.Parallel()
	venue := newBazaar(eight...)
	venue.twist = func(asked string, _ url.Values) (reply, bool) {
		return reply{body: `[]`}, asked == "/ticker/24hr" || asked == "/premiumIndex"
	}
	snap := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly(eight...))
	require.Len(t, snap.Failures, len(eight))
	require.Equal(t, marketdata.ReasonUnavailable, snap.Failures["BTCUSDT"].Reason)
	require.Contains(t, snap.Failures["BTCUSDT"].Detail, "no price")
}

func TestOpenInterestCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	venue := newBazaar(pair...)
	a := snapshot(t, venue.source(t, aster.SourceConfig{SkipOpenInterest: true}), hourly(pair...)).Assets["BTCUSDT"]
	require.False(t, a.Quote.OpenInterest.Valid)
	require.Empty(t, a.Degraded, "what was not wanted is not missing")
	require.Zero(t, venue.count("/openInterest"))
}

func TestNoMoreCandlesThanAskedForWhenNoneIsOpen(t *testing.T) {
	t.Parallel()
	venue := newBazaar(pair...)
	venue.twist = saying("/klines", listOf(rowsOf(venue, 3, 2, 1)...))
	snap := snapshot(t, venue.source(t, aster.SourceConfig{}), marketdata.Query{Symbols: pair, Intervals: []marketdata.Interval{marketdata.Interval1h}, Candles: 2})
	require.Equal(t, 2, snap.Assets["BTCUSDT"].Series[marketdata.Interval1h].Len())
	require.Equal(t, tenOClock, snap.Assets["BTCUSDT"].Series[marketdata.Interval1h].CloseTime())
}

func TestOtherQuoteAssetsAreNamed(t *testing.T) {
	t.Parallel()
	venue := newBazaar(pair...)
	venue.twist = saying("/exchangeInfo", strings.ReplaceAll(venue.info(), `"quoteAsset":"USDT"`, `"quoteAsset":"USD1"`))
	a := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly(pair...)).Assets["BTCUSDT"]
	require.False(t, a.Instrument.MinNotionalUSD.Valid)
	require.Contains(t, a.Degraded[0], "not USDT")
}

func TestOtherNetworksAreNamed(t *testing.T) {
	t.Parallel()
	venue := newBazaar(pair...)
	source, err := aster.NewSource(venue.visit(t, aster.Config{Network: aster.Testnet()}), aster.SourceConfig{})
	require.NoError(t, err)
	require.Equal(t, []string{"network testnet: not the market where money is real"}, snapshot(t, source, hourly(pair...)).Notes)
}

func TestWithoutListingsOrTimeNothingIsKnown(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/exchangeInfo", "/time"} {
		venue := newBazaar(eight...)
		venue.twist = func(asked string, _ url.Values) (reply, bool) {
			return reply{status: 403, body: "<html>"}, asked == path
		}
		snap := snapshot(t, venue.source(t, aster.SourceConfig{}), hourly(eight...))
		require.Empty(t, snap.Assets)
		for _, symbol := range eight {
			require.Equal(t, marketdata.ReasonUnavailable, snap.Failures[symbol].Reason)
			requireKind(t, snap.Failures[symbol], aster.KindBlocked)
		}
	}
}

func TestSourceConfigIsChecked(t *testing.T) {
	t.Parallel()
	client := newBazaar().visit(t, aster.Config{})
	for _, ttl := range []time.Duration{-1, time.Millisecond, 25 * time.Hour} {
		_, err := aster.NewSource(client, aster.SourceConfig{InfoTTL: ttl})
		require.ErrorContains(t, err, "InfoTTL must be between 1s and 24h0m0s")
	}
}
