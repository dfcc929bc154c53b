package sqlite_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var long = flag.Bool("long", false, "kill 200 processes that write, in place of 5")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
