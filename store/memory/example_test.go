package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/memory"
	"github.com/ballast-go/ballast/store/storetest"
)

func ExampleNew() {
	ctx := context.Background()
	records := memory.New()
	record := storetest.Sample("decision-1", storetest.Start())
	fmt.Println(records.Append(ctx, record), records.Append(ctx, record))

	record.Result.Reason = "another story"
	fmt.Println(errors.Is(records.Append(ctx, record), store.ErrConflict))

	for r, err := range records.Records(ctx, store.Filter{Symbol: "BTCUSDT", Limit: 10}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Result.ID, r.Result.Origin, r.Result.Refused[0].Violations[0].Rule)
	}
	// Output:
	// <nil> <nil>
	// true
	// decision-1 fallback max_positions
}
