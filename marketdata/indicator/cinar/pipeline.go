package cinar

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/ballast-go/ballast/marketdata/indicator"
)

// errRows reports a pipeline that gave fewer or more rows than its warm-up
// leaves, so that no row can be attributed to a candle.
var errRows = errors.New("cinar: unexpected number of rows")

// source is a channel that already holds all values: no goroutine feeds it,
// and cinar/indicator gives its inner channels the same capacity.
func source(values []float64) <-chan float64 {
	c := make(chan float64, len(values))
	for _, v := range values {
		c <- v
	}
	close(c)
	return c
}

// output is a channel of a pipeline and the line that it fills; a nil line
// reads and drops, for outputs that must be read but are not wanted.
type output struct {
	values <-chan float64
	line   indicator.Line
}

// collect reads the outputs in lock-step, one row at a time, into the entries
// [first, end) of their lines, and then waits until all of them are closed.
// After an error the caller must cancel the pipeline's context.
func collect(ctx context.Context, name string, first, end int, outputs ...output) error {
	for i := first; i < end; i++ {
		for _, out := range outputs {
			value, open, err := receive(ctx, out.values)
			switch {
			case err != nil:
				return err
			case !open:
				return fmt.Errorf("%w: %s ended before candle %d of %d", errRows, name, i, end)
			case math.IsNaN(value) || math.IsInf(value, 0):
				return fmt.Errorf("%w: %s[%d] was %v", indicator.ErrRange, name, i, value)
			case out.line != nil:
				out.line[i] = value
			}
		}
	}
	for _, out := range outputs {
		_, open, err := receive(ctx, out.values)
		if err != nil {
			return err
		}
		if open {
			return fmt.Errorf("%w: %s went on after candle %d", errRows, name, end-1)
		}
	}
	return nil
}

// receive is one value. A cancelled pipeline closes its channels early, which
// must be told from its end.
func receive(ctx context.Context, c <-chan float64) (value float64, open bool, err error) {
	select {
	case value, open = <-c:
		if !open {
			return 0, false, ctx.Err()
		}
		return value, true, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}
