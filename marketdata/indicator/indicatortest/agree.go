package indicatortest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// The tolerance; the package comment explains it.
const (
	Relative = 1e-9
	Floor    = 1e-12
)

// Agree reports the first entry in which two sets of one series differ by more
// than the tolerance, or where one has a value and the other warms up.
func Agree(series marketdata.Series, want, got indicator.Set) error {
	if want.Interval != got.Interval || !want.CloseTime.Equal(got.CloseTime) {
		return fmt.Errorf("set is for %s to %s, want %s to %s", got.Interval, got.CloseTime, want.Interval, want.CloseTime)
	}
	columns := series.Columns()
	ours := got.Lines()
	for k, line := range want.Lines() {
		a, b := *line.Line, *ours[k].Line
		if len(a) != len(b) {
			return fmt.Errorf("%s has %d entries, want %d", line.Name, len(b), len(a))
		}
		floor := Floor * scale(line.Name, series.Interval(), columns)
		for i := range a {
			if math.IsNaN(a[i]) && math.IsNaN(b[i]) {
				continue
			}
			// Written so that NaN on one side is a difference.
			if d := math.Abs(a[i] - b[i]); !(d <= Relative*math.Abs(a[i]) || d <= floor) {
				return fmt.Errorf("%s[%d] is %v, want %v (difference %v, floor %v)", line.Name, i, b[i], a[i], d, floor)
			}
		}
	}
	return nil
}

// scale is the size of what a line is computed from.
func scale(name string, interval marketdata.Interval, c marketdata.Columns) float64 {
	switch {
	case len(c.Close) == 0:
		return 0
	case strings.HasPrefix(name, "rsi"):
		return 100
	case strings.HasPrefix(name, "volatility"):
		largest := 0.0
		for i := 1; i < len(c.Close); i++ {
			largest = max(largest, math.Abs(c.Close[i]/c.Close[i-1]-1))
		}
		return largest * 100 * math.Sqrt(float64(24*time.Hour)/float64(interval.Duration()))
	}
	return slices.Max(c.High)
}
