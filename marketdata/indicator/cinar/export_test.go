package cinar

import (
	"context"

	"github.com/ballast-go/ballast/marketdata/indicator"
)

// ErrRows is errRows for tests.
var ErrRows = errRows

// Collect is collect for tests: channels[i] fills lines[i].
func Collect(ctx context.Context, first, end int, channels []<-chan float64, lines []indicator.Line) error {
	outputs := make([]output, len(channels))
	for i := range channels {
		outputs[i] = output{channels[i], lines[i]}
	}
	return collect(ctx, "test", first, end, outputs...)
}

// Source is source for tests.
func Source(values ...float64) <-chan float64 { return source(values) }
