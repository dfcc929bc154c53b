package aster_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

func d(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// requireDecimal compares by value.
func requireDecimal(tb testing.TB, want string, got decimal.Decimal) {
	tb.Helper()
	require.True(tb, d(want).Equal(got), "want %s, got %s", want, got)
}

// answering makes a client of a venue that says one thing.
func answering(tb testing.TB, body string) (*aster.Client, *scripted) {
	tb.Helper()
	venue := &scripted{replies: []reply{{body: body}}}
	return connect(tb, venue, aster.Config{Signer: demoAgent(tb, "", 0)}), venue
}

func TestPremium(t *testing.T) {
	t.Parallel()
	object := `{"symbol":"BTCUSDT","markPrice":"64000.50000000","indexPrice":"63990.1","estimatedSettlePrice":"1","lastFundingRate":"-0.00038246","nextFundingTime":1764000000000,"interestRate":"0.0001","time":1763990000123,"surprise":[1]}`
	for _, body := range []string{object, "[" + object + "]"} {
		client, venue := answering(t, body)
		got, err := client.Premium(t.Context(), "BTCUSDT")
		require.NoError(t, err)
		requireDecimal(t, "64000.5", got.Mark)
		requireDecimal(t, "-0.00038246", got.FundingRate)
		requireDecimal(t, "63990.1", got.Index.Decimal)
		require.Equal(t, time.UnixMilli(1763990000123).UTC(), got.At)
		require.Equal(t, time.UnixMilli(1764000000000).UTC(), got.NextFundingAt)
		require.Equal(t, "symbol=BTCUSDT", venue.seen()[0].query)
	}
}

func TestTickerHasNoPreviousCloseAlways(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, `{"symbol":"BTCUSDT","priceChangePercent":"-95.960","lastPrice":"4.00000200","highPrice":"100.0","lowPrice":"0.1","volume":"8913.3","quoteVolume":"15.3","openTime":1,"closeTime":1763990000123,"count":76}`)
	got, err := client.Ticker24h(t.Context(), "BTCUSDT")
	require.NoError(t, err)
	requireDecimal(t, "4.000002", got.Last)
	requireDecimal(t, "-95.96", got.ChangePercent)
	requireDecimal(t, "100", got.High)
	requireDecimal(t, "0.1", got.Low)
	requireDecimal(t, "8913.3", got.Volume)
	requireDecimal(t, "15.3", got.QuoteVolume)
	require.Equal(t, time.UnixMilli(1763990000123).UTC(), got.At)
}

func TestFunding(t *testing.T) {
	t.Parallel()
	client, venue := answering(t, `[{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1763990000000},{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingTime":1764018800000}]`)
	rates, err := client.FundingRates(t.Context(), "BTCUSDT", 2)
	require.NoError(t, err)
	require.Len(t, rates, 2)
	requireDecimal(t, "-0.0375", rates[0].Rate)
	require.Equal(t, 8*time.Hour, rates[1].At.Sub(rates[0].At))
	require.Equal(t, "symbol=BTCUSDT&limit=2", venue.seen()[0].query)

	client, _ = answering(t, `[{"symbol":"AUSDT","interestRate":"0.0001","time":1,"fundingIntervalHours":8,"fundingFeeCap":0.03,"fundingFeeFloor":-0.03},{"symbol":"BUSDT","fundingIntervalHours":0},{"symbol":"CUSDT","fundingIntervalHours":1,"fundingFeeCap":null}]`)
	info, err := client.FundingInfo(t.Context())
	require.NoError(t, err)
	require.Len(t, info, 2, "a row that cannot be used is left out")
	require.Equal(t, 8*time.Hour, info["AUSDT"].Interval)
	requireDecimal(t, "-0.03", info["AUSDT"].Floor.Decimal)
	require.Equal(t, time.Hour, info["CUSDT"].Interval)
	require.False(t, info["CUSDT"].Cap.Valid)
}

func TestOpenInterestAndDepth(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, `{"symbol":"BTCUSDT","openInterest":"5599.890","time":1763990000000}`)
	interest, err := client.OpenInterest(t.Context(), "BTCUSDT")
	require.NoError(t, err)
	requireDecimal(t, "5599.89", interest.Quantity)

	client, venue := answering(t, `{"lastUpdateId":1027024,"E":1763990000005,"T":1763990000001,"bids":[["4.00000000","431.0"],["3.9","1"]],"asks":[["4.00000200","12.0",[]],["4.1","2"]]}`)
	book, err := client.Depth(t.Context(), "BTCUSDT", 5)
	require.NoError(t, err)
	require.Equal(t, int64(1027024), book.LastUpdateID)
	require.Equal(t, time.UnixMilli(1763990000001).UTC(), book.At, "T, not E")
	requireDecimal(t, "4", book.Bids[0].Price)
	requireDecimal(t, "12", book.Asks[0].Quantity)
	require.Equal(t, "symbol=BTCUSDT&limit=5", venue.seen()[0].query)
}

func TestDepthWeighsByItsLimit(t *testing.T) {
	t.Parallel()
	for limit, weight := range map[int]int{5: 2, 50: 2, 100: 5, 500: 10, 1000: 20} {
		client, _ := answering(t, `{"lastUpdateId":1,"T":1,"bids":[],"asks":[]}`)
		_, err := client.Depth(t.Context(), "BTCUSDT", limit)
		require.NoError(t, err)
		require.Equal(t, weight, client.Usage().UsedWeight, "limit %d", limit)
	}
}

func TestTimeSetsTheClock(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT")
	client := venue.visit(t, aster.Config{Now: func() time.Time { return venue.clock().Add(-time.Minute) }})
	got, err := client.Time(t.Context())
	require.NoError(t, err)
	require.Equal(t, bazaarNow, got)
	require.Equal(t, time.Minute, client.Usage().ServerOffset)
}

// TestMarketAnswersThatAreRefused replaces one part of a good answer.
func TestMarketAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	premium := `{"symbol":"BTCUSDT","markPrice":"64000.5","lastFundingRate":"0.0001","nextFundingTime":1,"time":2}`
	ticker := `{"symbol":"BTCUSDT","priceChangePercent":"-9.5","lastPrice":"4.5","highPrice":"100.0","lowPrice":"0.1","volume":"8913.3","quoteVolume":"15.3","closeTime":3}`
	book := `{"lastUpdateId":7,"T":1,"bids":[["4.0","1"],["3.9","1"]],"asks":[["4.1","1"],["4.2","1"]]}`
	rates := `[{"symbol":"BTCUSDT","fundingRate":"0.1","fundingTime":10},{"symbol":"BTCUSDT","fundingRate":"0.2","fundingTime":20}]`
	interest := `{"symbol":"BTCUSDT","openInterest":"5.5"}`
	ask := map[string]func(*aster.Client) error{
		premium:  func(c *aster.Client) error { _, err := c.Premium(t.Context(), "BTCUSDT"); return err },
		ticker:   func(c *aster.Client) error { _, err := c.Ticker24h(t.Context(), "BTCUSDT"); return err },
		book:     func(c *aster.Client) error { _, err := c.Depth(t.Context(), "BTCUSDT", 5); return err },
		rates:    func(c *aster.Client) error { _, err := c.FundingRates(t.Context(), "BTCUSDT", 2); return err },
		interest: func(c *aster.Client) error { _, err := c.OpenInterest(t.Context(), "BTCUSDT"); return err },
	}
	for name, tc := range map[string]struct{ good, from, to, says string }{
		"mark as a number":         {premium, `"64000.5"`, `64000.5`, "must be a string"},
		"mark of zero":             {premium, `"64000.5"`, `"0"`, "markPrice must be positive"},
		"mark is null":             {premium, `"64000.5"`, `null`, "must be a string"},
		"no mark":                  {premium, `"markPrice"`, `"mark"`, "markPrice is missing"},
		"other case":               {premium, `"markPrice"`, `"MarkPrice"`, "markPrice is missing"},
		"two marks":                {premium, `"markPrice"`, `"markPrice":"1","markPrice"`, "not one valid JSON"},
		"funding beyond all":       {premium, `"0.0001"`, `"-1"`, "lastFundingRate must be between"},
		"no time":                  {premium, `"time"`, `"when"`, "time is missing"},
		"time as a string":         {premium, `"time":2`, `"time":"2"`, "whole milliseconds"},
		"negative time":            {premium, `"time":2`, `"time":-2`, "whole milliseconds"},
		"another symbol":           {premium, `"BTCUSDT"`, `"ETHUSDT"`, `"BTCUSDT" is not listed`},
		"an array of nothing":      {premium, premium, `[]`, "not listed"},
		"twice":                    {premium, premium, `[` + premium + `,` + premium + `]`, "listed twice"},
		"thrice":                   {premium, premium, `[` + premium + `,` + premium + `,` + premium + `]`, "listed twice"},
		"a word":                   {premium, premium, `"no"`, "must be an array or an object"},
		"cut":                      {premium, `"time":2}`, `"time":2`, "not one valid JSON"},
		"last of zero":             {ticker, `"4.5"`, `"0.00"`, "lastPrice must be positive"},
		"last is infinite":         {ticker, `"4.5"`, `"Infinity"`, "not a decimal"},
		"volume below zero":        {ticker, `"8913.3"`, `"-1"`, "volume must not be negative"},
		"change of a whole":        {ticker, `"-9.5"`, `"-100"`, "priceChangePercent must be above -100"},
		"no close time":            {ticker, `"closeTime"`, `"end"`, "closeTime is missing"},
		"crossed":                  {book, `["4.1"`, `["4.0"`, "crossed"},
		"bids that rise":           {book, `["3.9"`, `["4.05"`, "bids must fall"},
		"asks that fall":           {book, `["4.2"`, `["4.1"`, "asks must rise"},
		"nothing at a price":       {book, `["3.9","1"]`, `["3.9","0"]`, "must be positive"},
		"half a level":             {book, `["3.9","1"]`, `["3.9"]`, "must be a string"},
		"an object for bids":       {book, `[["4.0","1"],["3.9","1"]]`, `{}`, "must be an array"},
		"a number for a level":     {book, `["3.9","1"]`, `7`, "must be an array"},
		"no update id":             {book, `"lastUpdateId":7,`, ``, "lastUpdateId is missing"},
		"rates out of order":       {rates, `20`, `9`, "out of order"},
		"rate of another symbol":   {rates, `[{"symbol":"BTCUSDT"`, `[{"symbol":"X"`, "another symbol"},
		"rate as a number":         {rates, `"0.2"`, `0.2`, "/1/fundingRate: a decimal must be a string"},
		"interest below zero":      {interest, `"5.5"`, `"-5.5"`, "missing or negative"},
		"more rows than there are": {rates, rates, "[" + strings.Repeat(`{"symbol":"BTCUSDT","fundingRate":"1","fundingTime":1},`, 10_000) + "{}]", "at most 10000 rows"},
		"more levels":              {book, `"bids":[`, `"bids":[` + strings.Repeat(`["1","1"],`, 1001), "at most 1000 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, tc.good)
			require.NoError(t, ask[tc.good](client))
			require.Contains(t, tc.good, tc.from)
			client, _ = answering(t, strings.Replace(tc.good, tc.from, tc.to, 1))
			err := ask[tc.good](client)
			require.ErrorContains(t, err, tc.says)
			requireKind(t, err, aster.KindServer)
		})
	}
}

func TestExchangeInfo(t *testing.T) {
	t.Parallel()
	venue := newBazaar("BTCUSDT", "ETHUSDT")
	client := venue.visit(t, aster.Config{})
	info, err := client.ExchangeInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, 50_000, info.WeightPerMinute)
	require.Equal(t, 1200, info.OrdersPerMinute)
	require.Equal(t, 50_000, client.Usage().Limit, "the venue's limit is taken over when it is less")
	require.Equal(t, []string{"BTCUSDT", "ETHUSDT"}, info.Names())

	s, err := info.Symbol("BTCUSDT")
	require.NoError(t, err)
	require.True(t, s.Tradable())
	require.Equal(t, time.UnixMilli(1598252400000).UTC(), s.OnboardAt)
	requireDecimal(t, "0.1", s.Price.Step.Decimal)
	requireDecimal(t, "300000", s.Price.Max.Decimal)
	requireDecimal(t, "100", s.MarketQuantity.Max.Decimal)
	requireDecimal(t, "1.15", s.MultiplierUp.Decimal)
	requireDecimal(t, "0.85", s.MultiplierDown.Decimal)
	requireDecimal(t, "0.01", s.LiquidationFee.Decimal)
	requireDecimal(t, "0.3", s.MarketTakeBound.Decimal)
	requireDecimal(t, "0.15", s.TriggerProtect.Decimal)
	require.Equal(t, []int{200, 100}, []int{s.MaxOrders, s.MaxStopOrders})
	require.Equal(t, []string{"LIMIT", "MARKET"}, s.OrderTypes)
	require.Equal(t, []string{"GTC", "IOC"}, s.TimesInForce)

	in := s.Instrument()
	require.Equal(t, []string{"BTCUSDT", "BTC", "USDT"}, []string{in.Symbol, in.BaseAsset, in.QuoteAsset})
	requireDecimal(t, "0.1", in.TickSize.Decimal)
	requireDecimal(t, "0.001", in.LotSize.Decimal)
	requireDecimal(t, "0.002", in.MinQuantity.Decimal) // market orders need more
	requireDecimal(t, "5", in.MinNotionalUSD.Decimal)

	_, err = info.Symbol("NOPEUSDT")
	require.ErrorIs(t, err, aster.ErrUnknownSymbol)
}

func TestExchangeInfoOfOneSymbol(t *testing.T) {
	t.Parallel()
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(listing("BTCUSDT")) }
	for name, tc := range map[string]struct {
		row  string
		says string // of the symbol's error; empty: usable
		then func(s aster.Symbol) bool
	}{
		"the other spelling of order types": {edit(`"OrderType"`, `"orderTypes"`), "", func(s aster.Symbol) bool {
			return slices.Equal(s.OrderTypes, []string{"LIMIT", "MARKET"})
		}},
		"a multiplier's places as a number": {edit(`"multiplierDecimal":"4"`, `"multiplierDecimal":4`), "", nil},
		"filters that are switched off": {edit(`"minPrice":"0.1"`, `"minPrice":"0"`, `"tickSize":"0.1"`, `"tickSize":"0"`, `"notional":"5"`, `"notional":"0.0"`), "", func(s aster.Symbol) bool {
			return !s.Price.Min.Valid && !s.Price.Step.Valid && !s.Instrument().MinNotionalUSD.Valid
		}},
		"a filter nobody knows":     {edit(`"MAX_NUM_ORDERS"`, `"SURPRISE"`), "", func(s aster.Symbol) bool { return s.MaxOrders == 0 }},
		"settling":                  {edit(`"TRADING"`, `"SETTLING"`), "", func(s aster.Symbol) bool { return !s.Tradable() }},
		"a dated future":            {edit(`"PERPETUAL"`, `"CURRENT_QUARTER"`), "", func(s aster.Symbol) bool { return !s.Tradable() }},
		"another quote":             {edit(`"quoteAsset":"USDT"`, `"quoteAsset":"USD1"`), "", func(s aster.Symbol) bool { return !s.Instrument().MinNotionalUSD.Valid }},
		"a tick as a number":        {edit(`"tickSize":"0.1"`, `"tickSize":0.1`), "must be a string", nil},
		"no tick":                   {edit(`"tickSize"`, `"tick"`), "PRICE_FILTER or LOT_SIZE is missing", nil},
		"no lot size":               {edit(`"LOT_SIZE"`, `"LOTS"`), "PRICE_FILTER or LOT_SIZE is missing", nil},
		"a negative step":           {edit(`"stepSize":"0.001"`, `"stepSize":"-0.001"`), "must not be negative", nil},
		"a minimum above its max":   {edit(`"minQty":"0.001"`, `"minQty":"5000"`), "minimum above its maximum", nil},
		"a filter twice":            {edit(`"MAX_NUM_ORDERS"`, `"MAX_NUM_ALGO_ORDERS"`), "MAX_NUM_ALGO_ORDERS comes twice", nil},
		"no status":                 {edit(`"status"`, `"state"`), "status must have", nil},
		"an asset with a newline":   {edit(`"baseAsset":"BTC"`, `"baseAsset":"B\nC"`), "control characters", nil},
		"too many orders":           {edit(`"limit":200`, `"limit":2000000`), "limit of 0 to", nil},
		"too many filters":          {edit(`"filters":[`, `"filters":[`+strings.Repeat(`{"filterType":"X"},`, 64)), "at most 64 filters", nil},
		"too many order types":      {edit(`"OrderType":[`, `"OrderType":[`+strings.Repeat(`"X",`, 64)), "order types", nil},
		"listed twice":              {listing("BTCUSDT") + "," + listing("BTCUSDT"), "listed twice", nil},
		"a symbol that is nobody's": {`{"symbol":7},` + listing("BTCUSDT"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, `{"rateLimits":[],"symbols":[`+tc.row+`,`+listing("ETHUSDT")+`]}`)
			info, err := client.ExchangeInfo(t.Context())
			require.NoError(t, err)
			_, err = info.Symbol("ETHUSDT")
			require.NoError(t, err, "one symbol never costs another")
			s, err := info.Symbol("BTCUSDT")
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				require.NotErrorIs(t, err, aster.ErrUnknownSymbol)
				return
			}
			require.NoError(t, err)
			if tc.then != nil {
				require.True(t, tc.then(s), "%+v", s)
			}
		})
	}
}

func TestExchangeInfoThatIsNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, says string }{
		"empty":             {`{}`, "symbols are missing"},
		"no usable symbols": {`{"symbols":[{"symbol":"BTCUSDT"}]}`, "symbols are missing"},
		"an object":         {`{"symbols":{"symbol":"BTCUSDT"}}`, "must be an array"},
		"a limit of none":   {`{"rateLimits":[{"limit":0}],"symbols":[` + listing("BTCUSDT") + `]}`, "limit must be between"},
		"too many": {`{"symbols":[` + listing("BTCUSDT") + func() string {
			var out strings.Builder
			for n := range 5000 {
				out.WriteString(`,{"symbol":"S` + decimal.NewFromInt(int64(n)).String() + `"}`)
			}
			return out.String()
		}() + `]}`, "at most 5000 symbols, had 5001"},
	} {
		client, _ := answering(t, tc.body)
		_, err := client.ExchangeInfo(t.Context())
		require.ErrorContains(t, err, tc.says, name)
	}
}

func TestTestSymbolsDoNotTrade(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, `{"symbols":[`+listing("TESTUSDT")+`]}`)
	info, err := client.ExchangeInfo(t.Context())
	require.NoError(t, err)
	s, err := info.Symbol("TESTUSDT")
	require.NoError(t, err)
	require.False(t, s.Tradable())
}

func TestSymbolsOfOtherScriptsAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	client, venue := answering(t, `{"symbol":"币安USDT","openInterest":"1"}`)
	_, err := client.OpenInterest(t.Context(), "币安USDT")
	require.NoError(t, err)
	q, err := url.ParseQuery(venue.seen()[0].query)
	require.NoError(t, err)
	require.Equal(t, "币安USDT", q.Get("symbol"))
}
