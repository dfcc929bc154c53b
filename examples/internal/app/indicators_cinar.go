//go:build !nocinar

package app

import (
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
)

// newIndicators are computed with github.com/cinar/indicator, which puts the
// program under AGPL-3.0; build with -tags nocinar to leave it out.
func newIndicators() decision.Indicators { return cinar.New() }
