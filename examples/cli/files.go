package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

// marketChoice is --market. The zero value leaves the choice to the command.
type marketChoice struct {
	kind app.Market
	file string // of a recording
}

// UnmarshalText reads the flag.
func (m *marketChoice) UnmarshalText(text []byte) error {
	kind, file, found := strings.Cut(string(text), ":")
	switch app.Market(kind) {
	case app.MarketDemo, app.MarketCSV, app.MarketAster:
		if !found {
			m.kind = app.Market(kind)
			return nil
		}
	case app.MarketReplay:
		if file != "" {
			m.kind, m.file = app.MarketReplay, file
			return nil
		}
	}
	return fmt.Errorf("must be demo, csv, aster or replay:FILE, was %.80q", text)
}

// or is the choice of the command where nobody made one.
func (m marketChoice) or(kind app.Market) marketChoice {
	if m.kind == "" {
		m.kind = kind
	}
	return m
}

// withFiles opens the recordings of markets that the flags name.
func (f marketFlags) withFiles(o app.Options, use func(app.Options) error) error {
	if f.Market.kind == app.MarketReplay {
		file, err := os.Open(f.Market.file)
		if err != nil {
			return usageError{notOpened("--market replay:", err)}
		}
		defer func() { _ = file.Close() }() //nolint:errcheck // only read
		o.ReplayMarket = file
	}
	if f.RecordMarket == "" {
		return use(o)
	}
	return withNewFile("--record-market", f.RecordMarket, func(w io.Writer) error {
		o.RecordMarket = w
		return use(o)
	})
}

// notOpenedMarket blames a recording, or else the settings.
func notOpenedMarket(err error) error {
	var line *marketreplay.LineError
	if errors.As(err, &line) {
		return fmt.Errorf("--market replay: %w", line)
	}
	return usageError{err}
}

// withNewFile makes a file for a recording, which is removed again when there
// is nothing in it.
func withNewFile(flag, path string, use func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usageError{fmt.Errorf("%s %s: the file exists, and is not overwritten", flag, path)}
	}
	if err != nil {
		return usageError{notOpened(flag, err)}
	}
	err = use(file)
	info, unknown := file.Stat()
	if closed := file.Close(); closed != nil && isDecided(err) {
		err = errors.Join(&recordError{flag, closed}, err)
	}
	if !isDecided(err) && unknown == nil && info.Size() <= emptyRecording {
		_ = os.Remove(path) //nolint:errcheck // nothing is in it; the error to tell is another
	}
	return err
}

// emptyRecording is more than the header of a recording and less than a call.
const emptyRecording = 64
