package ballast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/fallback"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
	"github.com/ballast-go/ballast/store/memory"
)

// A day of decisions on a market that is recorded, and the same day again from
// the recording alone. The ids of decisions, which are random otherwise, count.
func Example_recordedMarket() {
	now := time.Date(2025, 10, 10, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now } // one that stands still while a decision is made
	var file bytes.Buffer
	live, err := marketdata.NewSim(marketdata.SimConfig{Now: clock}) // an exchange, say
	if err != nil {
		panic(err)
	}
	recorder, err := marketreplay.Record(live, &file)
	if err != nil {
		panic(err)
	}
	var first []byte
	first, now = day(recorder, clock, func() { now = now.Add(time.Hour) }), time.Time{}
	if err := recorder.Err(); err != nil {
		panic(err) // the recording is not whole
	}
	replay, err := marketreplay.Open(&file, marketreplay.Config{})
	if err != nil {
		panic(err)
	}
	second := day(replay, replay.Now, func() {}) // whose clock the recording moves
	fmt.Println(bytes.Count(first, []byte("\n")), "decisions, the same bytes:", bytes.Equal(first, second))
	// Output: 24 decisions, the same bytes: true
}

// day decides 24 times and returns the records as JSON lines.
func day(market decision.MarketSource, now func() time.Time, wait func()) []byte {
	made, store := 0, memory.New()
	engine, err := decision.New(decision.Config{
		Market: market, Scorer: fallback.New(fallback.Config{}), Store: store, Now: now,
		NewID: func() string { made++; return fmt.Sprintf("decision-%02d", made) },
	})
	if err != nil {
		panic(err)
	}
	balance := decimal.NewFromInt(10_000)
	var out bytes.Buffer
	for range 24 {
		result, err := engine.Decide(context.Background(), decision.Request{
			Account: decision.Account{ID: "demo", BalanceUSD: balance, AvailableUSD: balance, Leverage: decimal.NewFromInt(2), MaxPositionSizeUSD: balance},
			Symbols: []string{"BTCUSDT", "ETHUSDT"},
		})
		if err != nil {
			panic(err)
		}
		record, err := store.Record(context.Background(), result.ID)
		if err != nil {
			panic(err)
		}
		record.Result.Took = 0 // by the replay's clock, the time since the snapshot before
		if err := json.NewEncoder(&out).Encode(record); err != nil {
			panic(err)
		}
		wait()
	}
	return out.Bytes()
}
