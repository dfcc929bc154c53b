package haltfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store/haltfile"
)

func Example() {
	folder, err := os.MkdirTemp("", "halts")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "halts.json")
	halts, err := haltfile.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	err = halts.SetHalt(ctx, "main", &decision.Halt{
		AccountID: "main", Reason: "three losses in a row", By: "ops", At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	})
	h, _ := halts.Halted(ctx, "main")
	fmt.Println(h, err)
	h, err = halts.Halted(ctx, "other")
	fmt.Println(h == nil, err)

	_ = os.WriteFile(path, nil, 0o600) // an accident: from here on everything is halted
	_, err = halts.Halted(ctx, "other")
	fmt.Println(err != nil)
	// Output:
	// account main halted at 2026-11-21T12:00:00Z by ops: three losses in a row <nil>
	// true <nil>
	// true
}
