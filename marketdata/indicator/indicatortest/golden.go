package indicatortest

import (
	"embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

//go:generate go run ../internal/golden testdata

//go:embed testdata/*.csv
var tables embed.FS

// Golden is a series and its lines, computed from the textbook definitions in
// exact fractions by a program that shares no code with any Provider.
type Golden struct {
	Name   string
	Series marketdata.Series
	Set    indicator.Set
}

// Goldens reads every golden table.
func Goldens() ([]Golden, error) {
	files, err := tables.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var out []Golden
	for _, file := range files {
		golden, err := readGolden(file.Name())
		if err != nil {
			return nil, fmt.Errorf("indicatortest: %s: %w", file.Name(), err)
		}
		out = append(out, golden)
	}
	return out, nil
}

func readGolden(name string) (Golden, error) {
	text, err := tables.ReadFile("testdata/" + name)
	if err != nil {
		return Golden{}, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		return Golden{}, err
	}
	_, label, _ := strings.Cut(strings.TrimSuffix(name, ".csv"), "_")
	interval, err := marketdata.ParseInterval(label)
	if err != nil {
		return Golden{}, err
	}
	series, err := readSeries(interval, rows[1:])
	if err != nil {
		return Golden{}, err
	}
	golden := Golden{Name: name, Series: series, Set: indicator.NewSet(series)}
	return golden, golden.fill(rows)
}

func readSeries(interval marketdata.Interval, rows [][]string) (marketdata.Series, error) {
	candles := make([]marketdata.Candle, len(rows))
	for i, row := range rows {
		c := &candles[i]
		c.OpenTime = Start(interval).Add(time.Duration(i) * interval.Duration())
		for k, price := range [...]*decimal.Decimal{&c.Open, &c.High, &c.Low, &c.Close} {
			var err error
			if *price, err = decimal.NewFromString(row[k]); err != nil {
				return marketdata.Series{}, err
			}
		}
	}
	return marketdata.NewSeries(interval, candles)
}

func (g *Golden) fill(rows [][]string) error {
	for k, line := range g.Set.Lines() {
		column := 4 + k
		if rows[0][column] != line.Name {
			return fmt.Errorf("column %d is %s, want %s", column, rows[0][column], line.Name)
		}
		for i, row := range rows[1:] {
			if row[column] == "" {
				continue
			}
			v, err := strconv.ParseFloat(row[column], 64)
			if err != nil || math.IsNaN(v) {
				return fmt.Errorf("row %d: %s is %q", i, line.Name, row[column])
			}
			(*line.Line)[i] = v
		}
	}
	return nil
}
