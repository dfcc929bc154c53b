package aster

import "time"

// Usage is how much of the venue's patience a Client has used, as of now.
type Usage struct {
	UsedWeight   int           // of this minute: what the venue said, or our own count when larger
	Limit        int           // per minute, the venue's or the configured one; the client stops at 80 % of it
	Minute       time.Time     // start of the minute that UsedWeight is of, in the venue's time, UTC
	Waiting      int           // requests that wait for weight or a free connection
	BannedUntil  time.Time     // nothing is sent before; zero: not banned
	ServerOffset time.Duration // venue's clock minus ours; 0 until measured
	Circuit      string        // closed, half-open or open
}

// Usage is a snapshot for a host's metrics. It sends nothing.
func (c *Client) Usage() Usage {
	offset := c.clock.currentOffset()
	now := c.cfg.Now().Add(offset)
	u := c.budget.usage(now)
	u.Waiting += int(c.queued.Load())
	u.ServerOffset = offset
	u.Circuit = c.circuit.state()
	return u
}
