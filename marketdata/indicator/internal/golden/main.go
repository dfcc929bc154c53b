// Command golden writes the tables that both implementations of the
// indicators are tested against:
//
//	go run ./marketdata/indicator/internal/golden marketdata/indicator/indicatortest/testdata
//
// It shares no code with them. It computes the textbook definitions bar by bar
// in exact fractions, takes square roots to 256 bits, and rounds once, when a
// value is written with 17 significant digits.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("want the directory to write to, got %d arguments", len(args))
	}
	for name, table := range tables() {
		path := filepath.Join(args[0], name)
		if err := os.WriteFile(path, table, 0o600); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(log, "wrote", path); err != nil {
			return err
		}
	}
	return nil
}

// tables is every file by its name: one row a candle, prices first, then the
// lines; an empty field is warm-up.
func tables() map[string][]byte {
	files := map[string][]byte{}
	for _, m := range markets() {
		var b bytes.Buffer
		columns := m.columns()
		header := []string{"open", "high", "low", "close"}
		for _, c := range columns {
			header = append(header, c.name)
		}
		b.WriteString(strings.Join(header, ",") + "\n")
		for i := range m.bars {
			row := m.bars[i].prices(m.exponent)
			for _, c := range columns {
				row = append(row, c.text(i))
			}
			b.WriteString(strings.Join(row, ",") + "\n")
		}
		files[m.name+"_"+m.interval+".csv"] = b.Bytes()
	}
	return files
}
