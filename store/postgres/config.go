package postgres

import (
	"errors"
	"fmt"
	"time"
)

// Config says how a Store uses its database.
type Config struct {
	// KnownSeries is how many series of candles the store remembers as kept,
	// to send them once. 1 to 1,000,000, about 150 bytes each. Default 4,096.
	KnownSeries int

	// The rest is about the pool that Open makes.

	MaxConns         int           // 1 to 1,000; default 8: more add latency, not throughput, to a small server
	ConnectTimeout   time.Duration // of one attempt, 10 ms to 1 min; default 5 s
	StatementTimeout time.Duration // of the server, 10 ms to 1 h; default 30 s
	ApplicationName  string        // that the server lists; at most 63 bytes; default "ballast"
	// Pooler says that the URL leads to a pooler in transaction mode such as
	// PgBouncer: no prepared statements, no settings of the session, and so
	// no StatementTimeout. Default false.
	Pooler bool
}

func (c Config) withDefaults() Config {
	if c.KnownSeries == 0 {
		c.KnownSeries = 4096
	}
	if c.MaxConns == 0 {
		c.MaxConns = 8
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	if c.StatementTimeout == 0 {
		c.StatementTimeout = 30 * time.Second
	}
	if c.ApplicationName == "" {
		c.ApplicationName = "ballast"
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("postgres: "+format, args...))
	}
	if c.KnownSeries < 1 || c.KnownSeries > 1_000_000 {
		add("KnownSeries must be between 1 and 1000000, was %d", c.KnownSeries)
	}
	if c.MaxConns < 1 || c.MaxConns > 1000 {
		add("MaxConns must be between 1 and 1000, was %d", c.MaxConns)
	}
	if c.ConnectTimeout < 10*time.Millisecond || c.ConnectTimeout > time.Minute {
		add("ConnectTimeout must be between 10ms and 1m, was %s", c.ConnectTimeout)
	}
	if c.StatementTimeout < 10*time.Millisecond || c.StatementTimeout > time.Hour {
		add("StatementTimeout must be between 10ms and 1h, was %s", c.StatementTimeout)
	}
	if len(c.ApplicationName) > 63 {
		add("ApplicationName must have at most 63 bytes, had %d", len(c.ApplicationName))
	}
	return errors.Join(problems...)
}
