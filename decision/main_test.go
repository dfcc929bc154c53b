package decision_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Cases of each property. Set by hand, -rapid.checks wins.
const (
	normalChecks = "2000"
	longChecks   = "100000" // with -long
)

func TestMain(m *testing.M) {
	long := flag.Bool("long", false, "check each property "+longChecks+" times")
	flag.Parse()
	if err := setChecks(*long); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func setChecks(long bool) error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	switch {
	case given:
		return nil
	case long:
		return flag.Set("rapid.checks", longChecks)
	}
	return flag.Set("rapid.checks", normalChecks)
}
