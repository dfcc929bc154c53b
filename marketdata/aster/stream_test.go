package aster_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

func listenTo(t *testing.T, client *aster.Client, cfg aster.LiveConfig) *aster.Live {
	t.Helper()
	source, err := aster.NewSource(client, aster.SourceConfig{SkipOpenInterest: true})
	require.NoError(t, err)
	live, err := aster.NewLive(source, cfg)
	require.NoError(t, err)
	t.Cleanup(live.Close)
	return live
}

func TestStreamsAreReplacedBeforeTheVenueEndsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT")}
		client, _ := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: b.symbols, Reconnect: time.Hour})
		begun := time.Now()
		time.Sleep(150 * time.Minute)
		dials := b.dials()
		require.Len(t, dials, 3)
		require.WithinDuration(t, begun.Add(time.Hour), dials[1], 2*time.Second)
		require.WithinDuration(t, begun.Add(2*time.Hour), dials[2], 4*time.Second)
		b.mu.Lock()
		require.Equal(t, 1, b.fewest, "never without a connection")
		require.Equal(t, 1, b.open)
		require.Equal(t, map[int]int{0: 2, 1: 2, 2: 2}, b.asked)
		b.mu.Unlock()
		require.Zero(t, live.Stats().Lost)
		live.Close()
	})
}

func TestStreamsComeBackEverMoreSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT"), refuse: func(n int) int {
			if n < 12 {
				return http.StatusServiceUnavailable
			}
			return 0
		}}
		client, logged := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: b.symbols})
		require.NoError(t, live.Await(t.Context(), func(s aster.LiveStats) bool { return s.Connections == 1 }))
		dials := b.dials()
		require.Len(t, dials, 13)
		bound := 500 * time.Millisecond
		for n := 1; n < len(dials); n++ {
			gap := dials[n].Sub(dials[n-1])
			require.GreaterOrEqual(t, gap, bound/2, "wait %d", n)
			require.LessOrEqual(t, gap, bound, "wait %d", n)
			bound = min(2*bound, 30*time.Second)
		}
		live.Close() // it writes the log
		require.Contains(t, logged.String(), "aster_stream_not_opened")
	})
}

func TestStreamsThatAreCutAreSubscribedToAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT"), live: func(n int) time.Duration {
			if n < 3 {
				return 10 * time.Second
			}
			return 0
		}}
		client, _ := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: b.symbols, Intervals: []marketdata.Interval{hour}})
		time.Sleep(2 * time.Minute)
		stats := live.Stats()
		require.Equal(t, uint64(3), stats.Lost)
		require.Equal(t, 1, stats.Connections)
		require.Equal(t, 3, stats.Streams)
		b.mu.Lock()
		require.Equal(t, map[int]int{0: 3, 1: 3, 2: 3, 3: 3}, b.asked)
		b.mu.Unlock()
		live.Close()
	})
}

func TestStreamsThatFallSilentAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT"), quiet: true}
		client, logged := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: b.symbols})
		time.Sleep(32 * time.Second)
		require.Len(t, b.dials(), 2)
		live.Close() // it writes the log
		require.Contains(t, logged.String(), "nothing came for too long")
	})
}

func TestStreamsWithoutAnAnswerAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT"), mute: true}
		client, logged := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: b.symbols})
		time.Sleep(11 * time.Second)
		require.Zero(t, live.Stats().Connections)
		require.Len(t, b.dials(), 2)
		live.Close() // it writes the log
		require.Contains(t, logged.String(), "a subscription was not answered")
	})
}

func TestStreamsAreSpreadOverConnectionsAndAskedForSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var symbols []string
		for n := range 250 {
			symbols = append(symbols, fmt.Sprintf("S%03dUSDT", n))
		}
		b := &broadcaster{bazaar: newBazaar(symbols...)}
		client, _ := broadcast(t, b)
		live := listenTo(t, client, aster.LiveConfig{Symbols: symbols})
		require.NoError(t, live.Await(t.Context(), func(s aster.LiveStats) bool { return s.Connections == 3 }))
		require.Equal(t, 500, live.Stats().Streams)
		b.mu.Lock()
		defer b.mu.Unlock()
		total := 0
		for _, n := range b.asked {
			require.LessOrEqual(t, n, 200)
			total += n
		}
		require.Equal(t, 500, total)
		perSecond := map[int64]int{}
		for _, at := range b.orders {
			perSecond[at.Unix()]++
		}
		for _, n := range perSecond {
			require.LessOrEqual(t, n, 10*3, "10 a second and connection")
		}
		require.Len(t, b.orders, 10)
		b.mu.Unlock()
		live.Close()
		b.mu.Lock()
	})
}

func liveAccount(t *testing.T, client *aster.Client) *aster.LiveAccount {
	t.Helper()
	accounts, err := aster.NewAccounts(client, aster.AccountConfig{ID: "a", Symbols: []string{"BTCUSDT"}, MaxPositionSizeUSD: bazaarPrice})
	require.NoError(t, err)
	live, err := aster.NewLiveAccount(accounts, aster.LiveAccountConfig{})
	require.NoError(t, err)
	t.Cleanup(live.Close)
	return live
}

var bazaarPrice = newBazaar("BTCUSDT").price("BTCUSDT", 0)

func TestListenKeyIsExtendedEveryHalfHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT")}
		client, _ := broadcast(t, b)
		live := liveAccount(t, client)
		time.Sleep(95 * time.Minute)
		b.mu.Lock()
		require.Equal(t, []string{"POST", "PUT", "PUT", "PUT"}, b.keyCalls)
		require.Equal(t, []string{"/SecretListenKey0123456789"}, b.keys)
		b.mu.Unlock()
		require.Equal(t, uint64(3), live.Stats().Renewals)
		live.Close()
	})
}

func TestListenKeyNeverReachesErrorsOrLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broadcaster{bazaar: newBazaar("BTCUSDT"), refuse: func(n int) int { return []int{403, 500, 429, 302, 101}[n%5] }}
		client, logged := broadcast(t, b)
		live := liveAccount(t, client)
		time.Sleep(5 * time.Minute)
		require.Greater(t, len(b.dials()), 5)
		live.Close() // it writes the log
		require.Contains(t, logged.String(), "aster_stream_not_opened")
		require.NotContains(t, strings.ToLower(logged.String()), "secretlistenkey")
	})
}

func TestListenKeyThatCannotBeHadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for want, answer := range map[string]func(b *broadcaster){
		"deposit":                         func(b *broadcaster) { b.fail = func(string) string { return `{"code":-5050,"msg":"deposit"}` } },
		"listenKey must have 1 to 256":    func(b *broadcaster) { b.key = "../order?symbol=BTCUSDT" },
		"listenKey must have 1 to 256 le": func(b *broadcaster) { b.key = strings.Repeat("a", 257) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &broadcaster{bazaar: newBazaar("BTCUSDT")}
				answer(b)
				client, logged := broadcast(t, b)
				live := liveAccount(t, client)
				time.Sleep(time.Minute)
				require.Empty(t, b.dials())
				live.Close() // it writes the log
				require.Contains(t, logged.String(), want)
				require.NotContains(t, logged.String(), "symbol=")
			})
		})
	}
}

func TestReconnectDelayIsBounded(t *testing.T) {
	t.Parallel()
	for n := 1; n < 10_000; n *= 3 {
		delay := aster.ReconnectDelay(n)
		require.LessOrEqual(t, delay, 30*time.Second)
		require.GreaterOrEqual(t, delay, 250*time.Millisecond)
	}
}

func TestLiveRefusesSettings(t *testing.T) {
	t.Parallel()
	source := newBazaar("BTCUSDT").source(t, aster.SourceConfig{})
	_, err := aster.NewLive(source, aster.LiveConfig{
		Symbols: []string{"A", "A", "B C"}, Intervals: []marketdata.Interval{"7m", hour, hour}, Candles: 1500, StaleAfter: time.Hour, Reconnect: 24 * time.Hour,
	})
	for _, problem := range []string{
		"Symbols[1] must be there once", "Symbols[2]", "Intervals[0]", "Intervals[2]", "Candles must be between 1 and 1499, was 1500",
		"StaleAfter must be between 1s and 10m0s, was 1h0m0s", "Reconnect must be between 1m0s and 23h50m0s, was 24h0m0s",
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = aster.NewLive(source, aster.LiveConfig{})
	require.ErrorContains(t, err, "Symbols must be between 1 and 250, was 0")
}
