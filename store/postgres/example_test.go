package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/migrations"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/postgres"
)

func Example() {
	ctx := context.Background()
	records, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), postgres.Config{})
	if errors.Is(err, migrations.ErrOldSchema) {
		fmt.Println("run `ballast migrate up` first")
		return
	}
	if err != nil {
		fmt.Println(err) // one sentence, without the password
		return
	}
	defer records.Close()

	page, err := records.Page(ctx, store.Query{Filter: store.Filter{AccountID: "acct-1", Symbol: "BTCUSDT"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range page.Entries {
		fmt.Println(e.At, e.Decision.Decisions[0].Action, e.IsValid())
	}
}

// A host keeps a decision and what it does about it in one transaction of its
// own.
func ExampleStore_With() {
	var (
		ctx    = context.Background()
		pool   *pgxpool.Pool   // the host's
		record decision.Record // of the engine
	)
	records, err := postgres.New(pool, postgres.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := records.With(tx).Append(ctx, record); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO orders (decision) VALUES ($1)", record.Result.ID)
		return err
	})
	fmt.Println(err)
}
