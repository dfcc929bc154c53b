package sqlite

import (
	"errors"
	"fmt"
	"time"
)

// Config says how a Store uses its file.
type Config struct {
	// ReadOnly opens a file that exists and never changes it: what would write
	// is store.ErrReadOnly. Readers of a file that others write make its side
	// files (-wal, -shm); where that is not allowed and there are none, the file
	// is read as one that nobody writes meanwhile. Default false.
	ReadOnly bool
	// Migrate makes the file and brings its schema up to date. Default false:
	// it must be up to date already.
	Migrate bool
	// BusyTimeout is how long a write waits for other processes, 1 ms to 10 min.
	// Default 5 s.
	BusyTimeout time.Duration
	// Readers is how many reads run at once, 1 to 64; more wait. Default 4.
	Readers int
}

func (c Config) withDefaults() Config {
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 5 * time.Second
	}
	if c.Readers == 0 {
		c.Readers = 4
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("sqlite: "+format, args...))
	}
	if c.ReadOnly && c.Migrate {
		add("Migrate must be false with ReadOnly, was true")
	}
	if c.BusyTimeout < time.Millisecond || c.BusyTimeout > 10*time.Minute {
		add("BusyTimeout must be between 1ms and 10m, was %s", c.BusyTimeout)
	}
	if c.Readers < 1 || c.Readers > 64 {
		add("Readers must be between 1 and 64, was %d", c.Readers)
	}
	return errors.Join(problems...)
}
