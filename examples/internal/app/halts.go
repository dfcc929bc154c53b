package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store/haltfile"
)

const haltsName = "halts.json"

// HaltsPath is the file of the kill switches in DATA_DIR.
func HaltsPath(dir string) string { return filepath.Join(dir, haltsName) }

// Halts lists the kill switches in dir that are on, the global one first. The
// error says what is wrong with a file that cannot be used: then nothing may
// add risk.
func Halts(ctx context.Context, dir string) ([]decision.Halt, error) {
	file, err := haltfile.Open(HaltsPath(dir))
	if err != nil {
		return nil, err
	}
	return file.Halts(ctx)
}

// Halt turns the switch of the halt's account on, and makes dir when there is
// none.
func Halt(ctx context.Context, dir string, h decision.Halt) error {
	file, err := haltfile.Open(HaltsPath(dir))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return file.SetHalt(ctx, h.AccountID, &h)
}

// Resume turns the switch of one account off, with an empty id the global one.
// It returns whether that was on, and the switches that still are.
func Resume(ctx context.Context, dir, accountID string) (was bool, still []decision.Halt, err error) {
	file, err := haltfile.Open(HaltsPath(dir))
	if err != nil {
		return false, nil, err
	}
	before, err := file.Halts(ctx)
	if err != nil {
		return false, nil, err
	}
	if err := file.SetHalt(ctx, accountID, nil); err != nil {
		return false, nil, err
	}
	still, err = file.Halts(ctx)
	return slices.ContainsFunc(before, func(h decision.Halt) bool { return h.AccountID == accountID }), still, err
}
