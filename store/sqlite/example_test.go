package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/sqlite"
	"github.com/ballast-go/ballast/store/storetest"
)

func Example() {
	folder, err := os.MkdirTemp("", "ballast")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder) //nolint:errcheck // an example
	ctx := context.Background()
	s, err := sqlite.Open(ctx, filepath.Join(folder, "ballast.db"), sqlite.Config{Migrate: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	record := storetest.Sample("r1", storetest.Start()) // as decision.Engine makes it
	fmt.Println(s.Append(ctx, record))
	page, err := s.Page(ctx, store.Query{Filter: store.Filter{Symbol: "ETHUSDT"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range page.Entries {
		fmt.Println(e.Link.Seq, e.ID, e.AccountID, e.Decision.Decisions[0].Action)
	}
	// Output:
	// <nil>
	// 1 r1 acct-1 adjust_orders
}
