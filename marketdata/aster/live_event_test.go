package aster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

const hour = marketdata.Interval1h

// stage is a Live that hears what a test says, beside a venue without a network.
type stage struct {
	t     *testing.T
	venue *bazaar
	live  *aster.Live
}

// newStage has loaded the candles until 10:00; it is 10:20:30.
func newStage(t *testing.T) *stage {
	t.Helper()
	venue := newBazaar("BTCUSDT")
	source := venue.source(t, aster.SourceConfig{})
	live, err := aster.NewIdleLive(source, aster.LiveConfig{Symbols: venue.symbols, Intervals: []marketdata.Interval{hour}, Candles: 50})
	require.NoError(t, err)
	require.NoError(t, live.Refresh(t.Context()))
	require.True(t, live.Repair(t.Context()))
	s := &stage{t, venue, live}
	s.prices(bazaarNow)
	return s
}

func (s *stage) prices(at time.Time) {
	s.live.Hear(fmt.Sprintf(`{"e":"24hrTicker","E":%d,"s":"BTCUSDT","p":"1","P":"-1.25","w":"1","c":"1001.5","Q":"77","o":"1","h":"9","l":"1","v":"100.5","q":"2000.75","O":0,"C":%d,"F":0,"L":18150,"n":18151}`, at.UnixMilli()+500, at.UnixMilli()))
	s.live.Hear(fmt.Sprintf(`{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":%d,"s":"BTCUSDT","p":"1001.55","i":"1001","P":"7","r":"0.000125","T":%d}}`, at.UnixMilli(), at.Add(time.Hour).UnixMilli()))
}

func (s *stage) at(now time.Time) {
	s.t.Helper()
	s.venue.setNow(now)
	s.prices(now)
	require.NoError(s.t, s.live.Refresh(s.t.Context()))
}

// closing is the event of the candle that opens at a time, as it should be.
func (s *stage) closing(open time.Time) map[string]string {
	c := s.venue.candle("BTCUSDT", open, time.Hour)
	ends := open.Add(time.Hour).UnixMilli()
	return map[string]string{
		"E": fmt.Sprint(ends + 3), "t": fmt.Sprint(open.UnixMilli()), "T": fmt.Sprint(ends - 1), "i": `"1h"`, "x": "true", "s": `"BTCUSDT"`,
		"o": quoted(c.Open), "h": quoted(c.High), "l": quoted(c.Low), "c": quoted(c.Close), "v": quoted(c.Volume), "q": quoted(c.QuoteVolume),
	}
}

func quoted(d decimal.Decimal) string { return `"` + d.String() + `"` }

func (s *stage) hearCandle(m map[string]string) {
	s.live.Hear(fmt.Sprintf(`{"e":"kline","E":%s,"s":"BTCUSDT","k":{"t":%s,"T":%s,"s":%s,"i":%s,"f":100,"L":200,"o":%s,"c":%s,"h":%s,"l":%s,"v":%s,"n":100,"x":%s,"q":%s,"V":"500","Q":"0.5","B":"1"}}`,
		m["E"], m["t"], m["T"], m["s"], m["i"], m["o"], m["c"], m["h"], m["l"], m["v"], m["x"], m["q"]))
}

func (s *stage) snapshot() marketdata.Snapshot {
	s.t.Helper()
	snap, err := s.live.Snapshot(s.t.Context(), marketdata.Query{Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{hour}, Candles: 20})
	require.NoError(s.t, err)
	return snap
}

// asset is answered from memory alone, or not.
func (s *stage) asset(fromMemory bool) marketdata.Asset {
	s.t.Helper()
	before := s.live.Stats()
	snap := s.snapshot()
	require.Empty(s.t, snap.Failures)
	require.Equal(s.t, fromMemory, s.live.Stats().FromMemory == before.FromMemory+1)
	require.Equal(s.t, !fromMemory, s.live.Stats().FromRequest == before.FromRequest+1)
	return snap.Assets["BTCUSDT"]
}

var tenth = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func TestLiveAddsTheCandleThatFollows(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	asset := s.asset(true)
	require.Equal(t, tenth, asset.Series[hour].CloseTime())
	require.Equal(t, "1001.5", asset.Quote.Last.String())
	require.Equal(t, bazaarNow, asset.Quote.LastAt)
	require.Equal(t, "1001.55", asset.Quote.Mark.Decimal.String())
	require.Equal(t, "-1.25", asset.Quote.Change24hPercent.Decimal.String())
	require.Equal(t, "2000.75", asset.Quote.QuoteVolume24h.Decimal.String())
	require.Equal(t, "0.000125", asset.Quote.FundingRate.Decimal.String())
	require.Equal(t, 4*time.Hour, asset.Quote.FundingInterval)
	require.Equal(t, "5599.89", asset.Quote.OpenInterest.Decimal.String())
	s.at(tenth.Add(time.Hour + 5*time.Millisecond))
	s.hearCandle(s.closing(tenth))
	asset = s.asset(true)
	require.Equal(t, 20, asset.Series[hour].Len())
	last, _ := asset.Series[hour].Last()
	want := s.venue.candle("BTCUSDT", tenth, time.Hour)
	require.Equal(t, tenth, last.OpenTime)
	require.Equal(t, []string{want.Open.String(), want.High.String(), want.Low.String(), want.Close.String(), want.Volume.String(), want.QuoteVolume.String()},
		[]string{last.Open.String(), last.High.String(), last.Low.String(), last.Close.String(), last.Volume.String(), last.QuoteVolume.String()})
}

func TestLiveNeverTakesAnOpenCandle(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]string){
		"still open":          func(m map[string]string) { m["x"] = "false" },
		"of another length":   func(m map[string]string) { m["T"] = fmt.Sprint(tenth.Add(30*time.Minute).UnixMilli() - 1) },
		"sent before its end": func(m map[string]string) { m["E"] = fmt.Sprint(tenth.Add(time.Hour).UnixMilli() - 2) },
		"not aligned": func(m map[string]string) {
			m["t"] = fmt.Sprint(tenth.UnixMilli() + 1)
			m["T"] = fmt.Sprint(tenth.Add(time.Hour).UnixMilli())
		},
		"of another symbol":       func(m map[string]string) { m["s"] = `"ETHUSDT"` },
		"not said whether closed": func(m map[string]string) { m["x"] = "null" },
		"a price that is none":    func(m map[string]string) { m["h"] = "12" },
		"an interval that is none": func(m map[string]string) {
			m["i"] = `"7m"`
		},
		"of another interval": func(m map[string]string) { m["i"] = `"4h"` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			event := s.closing(tenth)
			change(event)
			s.hearCandle(event)
			require.Equal(t, tenth, s.asset(true).Series[hour].CloseTime())
			s.at(tenth.Add(time.Hour + 10*time.Second))
			require.True(t, s.live.Lacks("BTCUSDT", hour), "it has to be asked for")
			require.Equal(t, tenth.Add(time.Hour), s.asset(false).Series[hour].CloseTime())
		})
	}
}

func TestLiveDropsACandleThatOurClockSaysIsOpen(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.hearCandle(s.closing(tenth)) // it is 10:20
	require.Equal(t, uint64(1), s.live.Stats().Malformed)
	require.Equal(t, tenth, s.asset(true).Series[hour].CloseTime())
	s.at(tenth.Add(time.Hour - 2*time.Second)) // our clock may be late by a little
	s.hearCandle(s.closing(tenth))
	require.Equal(t, tenth, s.asset(true).Series[hour].CloseTime(), "not before our clock says so too")
	s.at(tenth.Add(time.Hour))
	require.Equal(t, tenth.Add(time.Hour), s.asset(true).Series[hour].CloseTime())
}

func TestLiveDropsWhatComesTwiceOrLate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.at(tenth.Add(2*time.Hour + time.Second))
	for _, open := range []time.Time{tenth, tenth.Add(time.Hour), tenth.Add(time.Hour), tenth, tenth.Add(-5 * time.Hour)} {
		s.hearCandle(s.closing(open))
	}
	require.Equal(t, uint64(3), s.live.Stats().Dropped)
	require.Equal(t, tenth.Add(2*time.Hour), s.asset(true).Series[hour].CloseTime())
	now := s.asset(true).Quote
	s.prices(tenth)
	s.prices(tenth.Add(2*time.Hour + time.Second))
	require.Equal(t, uint64(7), s.live.Stats().Dropped)
	require.Equal(t, now, s.asset(true).Quote)
}

func TestLiveAsksForACandleThatWasSkipped(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.at(tenth.Add(2*time.Hour + time.Second))
	s.hearCandle(s.closing(tenth.Add(time.Hour)))
	require.True(t, s.live.Lacks("BTCUSDT", hour))
	require.Equal(t, tenth.Add(2*time.Hour), s.asset(false).Series[hour].CloseTime(), "requests answer until then")
	require.True(t, s.live.Repair(t.Context()))
	require.False(t, s.live.Lacks("BTCUSDT", hour))
	require.Equal(t, tenth.Add(2*time.Hour), s.asset(true).Series[hour].CloseTime())
}

func TestLiveIsNotSetBackByAnAnswerOlderThanTheStream(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.at(tenth.Add(time.Hour + 10*time.Millisecond))
	s.hearCandle(s.closing(tenth))
	s.venue.setNow(tenth.Add(time.Hour - time.Second))
	require.NoError(t, s.live.Measure(t.Context()))
	s.live.Repair(t.Context())
	s.at(tenth.Add(time.Hour + time.Second))
	require.Equal(t, tenth.Add(time.Hour), s.asset(true).Series[hour].CloseTime())
}

func TestLiveFailsACandleThatContradictsUntilItIsReplaced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *stage, m map[string]string){
		"itself": func(_ *stage, m map[string]string) { m["h"] = `"0.1"` },
		"price zero": func(_ *stage, m map[string]string) {
			m["o"] = `"0"`
		},
		"an earlier event": func(s *stage, m map[string]string) {
			s.hearCandle(m)
			m["v"] = `"123456"`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.at(tenth.Add(time.Hour + time.Second))
			event := s.closing(tenth)
			change(s, event)
			s.hearCandle(event)
			failure, failed := s.snapshot().Failures["BTCUSDT"]
			require.True(t, failed)
			require.Equal(t, marketdata.ReasonBadCandle, failure.Reason)
			var candle *marketdata.CandleError
			require.ErrorAs(t, failure, &candle)
			require.Equal(t, tenth, candle.OpenTime)
			s.hearCandle(s.closing(tenth)) // the right one does not heal it
			require.Contains(t, s.snapshot().Failures, "BTCUSDT")
			require.True(t, s.live.Lacks("BTCUSDT", hour))
			s.at(tenth.Add(time.Hour + 10*time.Second))
			require.True(t, s.live.Repair(t.Context()))
			require.Equal(t, tenth.Add(time.Hour), s.asset(true).Series[hour].CloseTime())
		})
	}
}

func TestLiveAsksForWhatIsStale(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.venue.setNow(bazaarNow.Add(30 * time.Second))
	s.asset(true)
	s.venue.setNow(bazaarNow.Add(30*time.Second + time.Millisecond))
	require.Equal(t, bazaarNow.Add(28*time.Second+time.Millisecond), s.asset(false).Quote.LastAt)
	s.prices(bazaarNow.Add(time.Minute)) // stamped ahead of our clock
	s.asset(false)
	s.venue.setNow(bazaarNow.Add(time.Minute))
	s.asset(true)
}

func TestLiveAsksForWhatItIsNotSubscribedTo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.venue.symbols = append(s.venue.symbols, "ETHUSDT")
	for name, q := range map[string]marketdata.Query{
		"interval":     {Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{marketdata.Interval4h}},
		"more candles": {Symbols: []string{"BTCUSDT"}, Intervals: []marketdata.Interval{hour}, Candles: 51},
	} {
		before := s.live.Stats().FromRequest
		snap, err := s.live.Snapshot(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, snap.Failures)
		require.Equal(t, before+1, s.live.Stats().FromRequest, name)
	}
	snap, err := s.live.Snapshot(t.Context(), marketdata.Query{Symbols: []string{"NOPE", "BTCUSDT"}})
	require.NoError(t, err)
	require.ErrorIs(t, snap.Failures["NOPE"], marketdata.ErrUnknownSymbol)
	require.Contains(t, snap.Assets, "BTCUSDT")
}

func TestLiveCountsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.live.Stats()
	for n, message := range []string{
		``, `{"e":"kline"`, `[]`, `{"e":"kline","E":1,"s":"BTCUSDT"}`, `{"e":"24hrTicker","E":1,"s":"BTCUSDT","c":"1"}`,
		`{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"-1","r":"0"}`, `{"e":"kline","e":"kline","E":1}`, `{"stream":"x","data":7}`,
	} {
		s.live.Hear(message)
		require.Equal(t, before.Malformed+uint64(n)+1, s.live.Stats().Malformed, message)
	}
	for _, message := range []string{`{"e":"depthUpdate","E":1}`, `{"result":null,"id":1}`, `{"e":"announcement","en":{}}`} {
		s.live.Hear(message)
	}
	require.Equal(t, before.Malformed+8, s.live.Stats().Malformed)
	require.Equal(t, before.Events, s.live.Stats().Events)
}

// Each name once more in its other case, before and after, with a value that
// would not fit.
func TestMarketEventsTellNamesApartByCase(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{`{"a":[]}`, `"9999999"`, `7`, `null`} {
		s := newStage(t)
		next := tenth.Add(time.Hour + time.Second)
		s.venue.setNow(next)
		require.NoError(t, s.live.Refresh(t.Context()))
		c := s.closing(tenth)
		ticker := [][2]string{{"e", `"24hrTicker"`}, {"E", fmt.Sprint(next.UnixMilli())}, {"s", `"BTCUSDT"`}, {"P", `"3.5"`}, {"c", `"1002"`}, {"h", `"9"`}, {"l", `"1"`}, {"v", `"100.5"`}, {"q", `"2000.75"`}, {"C", fmt.Sprint(next.UnixMilli())}}
		mark := [][2]string{{"e", `"markPriceUpdate"`}, {"E", fmt.Sprint(next.UnixMilli())}, {"s", `"BTCUSDT"`}, {"p", `"1002.5"`}, {"i", `"1"`}, {"r", `"0.5"`}, {"T", "5"}}
		bar := [][2]string{}
		for _, name := range []string{"t", "T", "s", "i", "o", "c", "h", "l", "v", "x", "q"} {
			bar = append(bar, [2]string{name, c[name]})
		}
		for _, before := range []bool{true, false} {
			kline := [][2]string{{"e", `"kline"`}, {"E", c["E"]}, {"s", `"BTCUSDT"`}, {"k", bothCases(bar, hostile, before)}}
			for _, members := range [][][2]string{ticker, mark, kline} {
				s.live.Hear(bothCases(members, hostile, before))
			}
		}
		require.Zero(t, s.live.Stats().Malformed, hostile)
		asset := s.asset(true)
		require.Equal(t, tenth.Add(time.Hour), asset.Series[hour].CloseTime())
		require.Equal(t, "1002", asset.Quote.Last.String())
		require.Equal(t, "3.5", asset.Quote.Change24hPercent.Decimal.String())
		require.Equal(t, "2000.75", asset.Quote.QuoteVolume24h.Decimal.String())
		require.Equal(t, "1002.5", asset.Quote.Mark.Decimal.String())
		require.Equal(t, "0.5", asset.Quote.FundingRate.Decimal.String())
	}
}

func bothCases(members [][2]string, hostile string, before bool) string {
	have := map[string]bool{}
	for _, m := range members {
		have[m[0]] = true
	}
	var own, other []string
	for _, m := range members {
		own = append(own, fmt.Sprintf("%q:%s", m[0], m[1]))
		swapped := strings.ToUpper(m[0])
		if swapped == m[0] {
			swapped = strings.ToLower(m[0])
		}
		if !have[swapped] {
			other = append(other, fmt.Sprintf("%q:%s", swapped, hostile))
		}
	}
	if before {
		own, other = other, own
	}
	return "{" + strings.Join(append(own, other...), ",") + "}"
}

func FuzzStreamMessage(f *testing.F) {
	f.Add(`{"e":"kline","E":123456789,"s":"BTCUSDT","k":{"t":123400000,"T":123460000,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}`)
	f.Add(`{"stream":"a","data":{"e":"ACCOUNT_UPDATE","E":1}}`)
	f.Add(`{"code":2,"msg":"Invalid request"}`)
	f.Fuzz(func(t *testing.T, message string) {
		kind, event, _, _, err := aster.StreamMessage([]byte(message))
		if err != nil || kind == "" {
			return
		}
		_, known, err := aster.ReadUserEvent(kind, event)
		require.True(t, known || err == nil)
	})
}
