package ballast_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Bool("long", false, "let a week of faults of the exchange pass, in place of a day")
	flag.Parse()
	os.Exit(m.Run())
}

// long tells whether a test may take minutes.
func long() bool { return flag.Lookup("long").Value.String() == "true" }
