package cinar_test

import (
	"context"
	"fmt"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

// A host gives the provider to whatever takes an indicator.Provider. Asking
// again before a candle closes costs nothing.
func Example() {
	market := indicatortest.Market(1, 100) // a source's snapshot
	indicators := cinar.New()
	for range 2 {
		values, err := indicators.Indicate(context.Background(), market)
		if err != nil {
			fmt.Println(err)
			return
		}
		rsi, _ := values.Sets["A0"][marketdata.Interval4h].RSI14.Last()
		fmt.Printf("RSI %.2f, %+v\n", rsi, indicators.Stats())
	}
	// Output:
	// RSI 39.64, {Entries:2 Served:0 Computed:2}
	// RSI 39.64, {Entries:2 Served:2 Computed:2}
}
