package cinar_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/cinar"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProviderIsAProvider(t *testing.T) {
	t.Parallel()
	indicatortest.Run(t, func() indicator.Provider { return cinar.New() })
}
