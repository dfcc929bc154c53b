package indicator_test

import (
	"testing"

	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/marketdata/indicator/indicatortest"
)

func TestKernelsAreAProvider(t *testing.T) {
	t.Parallel()
	indicatortest.Run(t, func() indicator.Provider { return indicator.New() })
}
