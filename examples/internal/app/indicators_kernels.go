//go:build nocinar

package app

import (
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// newIndicators are computed with the library's own kernels.
func newIndicators() decision.Indicators { return indicator.New() }
