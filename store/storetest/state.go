package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
)

// RunBreakers checks every promise of store.Breakers, as Run does of
// store.Store.
func RunBreakers(t *testing.T, open func(t *testing.T) store.Breakers) {
	t.Helper()
	run(t, open, []promise[store.Breakers]{
		{"states read back byte for byte, by name", breakersReadBack},
		{"the state that was saved later stays", laterBreaker},
		{"an invalid state is refused", invalidBreaker},
		{"a state that was given or returned may be changed", breakerCopies},
		{"one breaker from many writers is the latest", breakerWriters},
		{"an ended context saves no state", endedBreakers},
	})
}

func breakers(t *testing.T, s store.Breakers) []store.BreakerState {
	t.Helper()
	all, err := s.Breakers(t.Context())
	require.NoError(t, err)
	return all
}

func breakersReadBack(t *testing.T, s store.Breakers) {
	require.Empty(t, breakers(t, s))
	longest := `"` + strings.Repeat("x", store.MaxBreakerBytes-2) + `"`
	for i, name := range append(words(), strings.Repeat("n", store.MaxBreakerNameBytes), "a", "B") {
		state := [...]string{` {"b" : 1, "a":1.50e2, "c":"\u0000"} `, "null", longest}[i%3]
		b := store.BreakerState{Name: name, State: []byte(state), SavedAt: Start().Add(time.Duration(i)*time.Microsecond + 999).In(time.FixedZone("CET", 3600))}
		require.NoError(t, s.SaveBreaker(t.Context(), b))
		all := breakers(t, s)
		require.Len(t, all, i+1)
		found := false
		for j, got := range all {
			if j > 0 {
				require.Less(t, all[j-1].Name, got.Name, "by the bytes of the name")
			}
			if got.Name == name {
				found = true
				require.Equal(t, store.BreakerState{Name: name, State: []byte(state), SavedAt: Start().Add(time.Duration(i) * time.Microsecond)}, got)
			}
		}
		require.True(t, found, "%q", name)
	}
}

func stateOf(state string, after time.Duration) store.BreakerState {
	return store.BreakerState{Name: "model", State: []byte(state), SavedAt: Start().Add(after)}
}

func laterBreaker(t *testing.T, s store.Breakers) {
	for _, c := range []struct {
		state, stays string
		after        time.Duration
	}{{"1", "1", 0}, {"2", "2", time.Microsecond}, {"3", "2", 0}, {"4", "4", time.Microsecond + 1}, {"5", "5", time.Microsecond}, {"6", "6", time.Hour}, {"7", "6", time.Minute}} {
		require.NoError(t, s.SaveBreaker(t.Context(), stateOf(c.state, c.after)))
		require.Equal(t, c.stays, string(breakers(t, s)[0].State))
	}
}

func invalidBreaker(t *testing.T, s store.Breakers) {
	for _, change := range []func(b *store.BreakerState){
		func(b *store.BreakerState) { b.Name = "" }, func(b *store.BreakerState) { b.Name = strings.Repeat("n", store.MaxBreakerNameBytes+1) },
		func(b *store.BreakerState) { b.Name = "\xff" }, func(b *store.BreakerState) { b.State = nil }, func(b *store.BreakerState) { b.State = []byte("{") },
		func(b *store.BreakerState) { b.State = []byte("1 2") }, func(b *store.BreakerState) { b.SavedAt = time.Time{} },
		func(b *store.BreakerState) { b.State = []byte(`"` + strings.Repeat("x", store.MaxBreakerBytes) + `"`) },
	} {
		b := stateOf("1", 0)
		change(&b)
		require.EqualError(t, s.SaveBreaker(t.Context(), b), b.Validate().Error())
	}
	require.Empty(t, breakers(t, s))
}

func breakerCopies(t *testing.T, s store.Breakers) {
	b := stateOf("1", 0)
	require.NoError(t, s.SaveBreaker(t.Context(), b))
	b.State[0] = '2'
	for range 2 {
		got := breakers(t, s)[0].State
		require.Equal(t, "1", string(got))
		got[0] = '3'
	}
}

func breakerWriters(t *testing.T, s store.Breakers) {
	const writers = 16
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			failures[w] = s.SaveBreaker(t.Context(), stateOf(fmt.Sprint(w), time.Duration(w)*time.Second))
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	require.Equal(t, []store.BreakerState{stateOf("15", 15*time.Second)}, breakers(t, s))
}

func endedBreakers(t *testing.T, s store.Breakers) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.SaveBreaker(ctx, stateOf("1", 0)), context.Canceled)
	_, err := s.Breakers(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, breakers(t, s))
}

// RunCandles checks every promise of store.Candles, as Run does of store.Store.
func RunCandles(t *testing.T, open func(t *testing.T) store.Candles) {
	t.Helper()
	run(t, open, []promise[store.Candles]{
		{"candles come back oldest first", candlesInOrder},
		{"what is saved later replaces", candlesReplaced},
		{"a span and a limit select candles", candleSpans},
		{"symbols and intervals are apart", candlesApart},
		{"candles keep every digit", candleDigits},
		{"invalid candles save none", invalidCandles},
		{"an invalid question is refused", invalidCandleQuery},
		{"an ended context saves no candles", endedCandles},
	})
}

// bar is a candle that opens some hours after the start of the samples.
func bar(hours int, price string) marketdata.Candle {
	p := dec(price)
	return marketdata.Candle{
		OpenTime: marketdata.Interval1h.Floor(Start()).Add(time.Duration(hours) * time.Hour),
		Open:     p, High: p.Add(dec("1")), Low: p, Close: p, Volume: dec("2"), QuoteVolume: p.Add(p),
	}
}

func saveCandles(t *testing.T, s store.Candles, candles ...marketdata.Candle) {
	t.Helper()
	require.NoError(t, s.SaveCandles(t.Context(), "BTCUSDT", marketdata.Interval1h, candles))
}

// candles are those that open in some hours.
func candles(t *testing.T, s store.Candles, from, to, limit int) []marketdata.Candle {
	t.Helper()
	all, err := s.Candles(t.Context(), "BTCUSDT", marketdata.Interval1h, bar(from, "1").OpenTime, bar(to, "1").OpenTime, limit)
	require.NoError(t, err)
	return all
}

func candlesInOrder(t *testing.T, s store.Candles) {
	require.Empty(t, candles(t, s, -100, 100, 10))
	saveCandles(t, s)
	saveCandles(t, s, bar(5, "105"), bar(2, "102")) // with gaps
	saveCandles(t, s, bar(3, "103"))
	got := candles(t, s, -100, 100, 10)
	same(t, []marketdata.Candle{bar(2, "102"), bar(3, "103"), bar(5, "105")}, got)
	require.Equal(t, time.UTC, got[0].OpenTime.Location())
	got[0].Close = dec("1")
	same(t, bar(2, "102"), candles(t, s, -100, 100, 10)[0], "what was returned may be changed")
}

func candlesReplaced(t *testing.T, s store.Candles) {
	saveCandles(t, s, bar(1, "1"), bar(2, "2"), bar(3, "3"))
	saveCandles(t, s, bar(2, "20"), bar(4, "4"), bar(4, "40"))
	same(t, []marketdata.Candle{bar(1, "1"), bar(2, "20"), bar(3, "3"), bar(4, "40")}, candles(t, s, 0, 9, 9))
}

func candleSpans(t *testing.T, s store.Candles) {
	saveCandles(t, s, bar(1, "1"), bar(2, "2"), bar(3, "3"), bar(4, "4"))
	for _, c := range []struct {
		from, to, limit int
		want            []string
	}{{1, 4, 9, []string{"1", "2", "3"}}, {2, 9, 2, []string{"2", "3"}}, {0, 9, 1, []string{"1"}}, {3, 3, 9, nil}, {5, 9, 9, nil}, {0, 9, store.MaxCandles, []string{"1", "2", "3", "4"}}} {
		var got []string
		for _, b := range candles(t, s, c.from, c.to, c.limit) {
			got = append(got, b.Close.String())
		}
		require.Equal(t, c.want, got, "%+v", c)
	}
	from := bar(1, "1").OpenTime.Add(time.Microsecond).In(time.FixedZone("CET", 3600))
	got, err := s.Candles(t.Context(), "BTCUSDT", marketdata.Interval1h, from, bar(2, "1").OpenTime.Add(time.Microsecond), 9)
	require.NoError(t, err)
	same(t, []marketdata.Candle{bar(2, "2")}, got)
	all, err := s.Candles(t.Context(), "BTCUSDT", marketdata.Interval1h, time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), 9)
	require.NoError(t, err)
	require.Len(t, all, 4)
}

func candlesApart(t *testing.T, s store.Candles) {
	saveCandles(t, s, bar(0, "1"))
	for _, c := range []struct {
		symbol   string
		interval marketdata.Interval
	}{{"btcusdt", marketdata.Interval1h}, {"BTC", marketdata.Interval1h}, {"%", marketdata.Interval1h}, {`B\`, marketdata.Interval1h}, {"BTCUSDT", marketdata.Interval15m}, {"上昇", marketdata.Interval1h}} {
		read := func() []marketdata.Candle {
			got, err := s.Candles(t.Context(), c.symbol, c.interval, Start().Add(-48*time.Hour), Start().Add(48*time.Hour), 9)
			require.NoError(t, err)
			return got
		}
		require.Empty(t, read(), "%v", c)
		require.NoError(t, s.SaveCandles(t.Context(), c.symbol, c.interval, []marketdata.Candle{bar(0, "7")}))
		same(t, []marketdata.Candle{bar(0, "7")}, read(), "%v", c)
	}
	same(t, []marketdata.Candle{bar(0, "1")}, candles(t, s, -9, 9, 9))
}

func candleDigits(t *testing.T, s store.Candles) {
	b := bar(0, "123456789012.123456789012345678")
	b.Low, b.Volume, b.QuoteVolume = dec("0.000000000000000001"), decimal.Zero, dec("98765432109876543210.5")
	saveCandles(t, s, b)
	same(t, []marketdata.Candle{b}, candles(t, s, 0, 1, 1))
}

func invalidCandles(t *testing.T, s store.Candles) {
	early, upside := bar(1, "1"), bar(1, "1")
	early.OpenTime, upside.Low = early.OpenTime.Add(time.Second), dec("9")
	for _, bad := range []marketdata.Candle{early, upside, {}} {
		all := []marketdata.Candle{bar(0, "1"), bad}
		require.EqualError(t, s.SaveCandles(t.Context(), "BTCUSDT", marketdata.Interval1h, all), store.CheckCandles("BTCUSDT", marketdata.Interval1h, all).Error())
	}
	for _, symbol := range []string{"", "\xff", "\x00", strings.Repeat("x", 101)} {
		require.Error(t, s.SaveCandles(t.Context(), symbol, marketdata.Interval1h, []marketdata.Candle{bar(0, "1")}), "%q", symbol)
	}
	require.ErrorIs(t, s.SaveCandles(t.Context(), "BTCUSDT", "1y", nil), marketdata.ErrInterval)
	require.Empty(t, candles(t, s, -9, 9, 9))
}

func invalidCandleQuery(t *testing.T, s store.Candles) {
	for _, c := range []struct {
		symbol string
		from   time.Duration
		limit  int
	}{{"BTCUSDT", 0, 0}, {"BTCUSDT", 0, -1}, {"BTCUSDT", 0, store.MaxCandles + 1}, {"BTCUSDT", time.Hour, 1}, {"\xff", 0, 1}} {
		since, until := Start().Add(c.from), Start()
		want := store.CheckCandleQuery(c.symbol, since, until, c.limit)
		_, err := s.Candles(t.Context(), c.symbol, marketdata.Interval1h, since, until, c.limit)
		require.Error(t, want)
		require.EqualError(t, err, want.Error())
	}
}

func endedCandles(t *testing.T, s store.Candles) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.SaveCandles(ctx, "BTCUSDT", marketdata.Interval1h, []marketdata.Candle{bar(0, "1")}), context.Canceled)
	_, err := s.Candles(ctx, "BTCUSDT", marketdata.Interval1h, Start(), Start(), 1)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, candles(t, s, -9, 9, 9))
}
