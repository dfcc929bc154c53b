package aster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	remeasureEvery = 30 * time.Minute
	remeasureRetry = time.Minute // after a measurement that failed and was not needed at once
	maxOffset      = 24 * time.Hour
)

// clock knows how far the venue's clock is from ours.
type clock struct {
	now  func() time.Time
	turn chan struct{} // held by the one that measures

	mu         sync.Mutex
	offset     time.Duration
	measured   bool
	distrusted bool // the venue refused what was signed by this offset
	epoch      int  // of the measurement
	dueAt      time.Time
}

func newClock(now func() time.Time) *clock { return &clock{now: now, turn: make(chan struct{}, 1)} }

func (k *clock) currentOffset() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.offset
}

// venueNow is the venue's time as far as known, and by which measurement.
func (k *clock) venueNow() (time.Time, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Add(k.offset), k.epoch
}

// need tells whether a measurement is due, and whether signing must wait for it.
func (k *clock) need() (due, must bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	must = !k.measured || k.distrusted
	return must || !k.now().Before(k.dueAt), must
}

// distrust is for when the venue refused a time of that epoch.
func (k *clock) distrust(epoch int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if epoch == k.epoch {
		k.distrusted = true
	}
}

// set takes over a measurement and tells whether the one before was refused.
func (k *clock) set(offset time.Duration) (refused bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	refused = k.distrusted
	k.offset, k.measured, k.distrusted = offset, true, false
	k.epoch++
	k.dueAt = k.now().Add(remeasureEvery)
	return refused
}

func (k *clock) postpone() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dueAt = k.now().Add(remeasureRetry)
}

// venueNow is the venue's time as far as known; ours until it was measured.
func (c *Client) venueNow() time.Time {
	now, _ := c.clock.venueNow()
	return now
}

// venueTime is the venue's time, asked for when it is not known or known too
// long.
func (c *Client) venueTime(ctx context.Context) (time.Time, error) {
	if err := c.measureIfDue(ctx); err != nil {
		return time.Time{}, err
	}
	return c.venueNow(), nil
}

// measureIfDue measures the venue's clock once for all that wait for it. Those
// that can go on with the previous measurement do not wait.
func (c *Client) measureIfDue(ctx context.Context) error {
	due, must := c.clock.need()
	if !due {
		return nil
	}
	if must {
		select {
		case c.clock.turn <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("aster: waiting for the venue's time: %w", ctx.Err())
		}
	} else {
		select {
		case c.clock.turn <- struct{}{}:
		default:
			return nil
		}
	}
	defer func() { <-c.clock.turn }()
	if due, must = c.clock.need(); !due {
		return nil
	}
	_, err := c.measure(ctx)
	if err != nil && !must {
		c.clock.postpone()
		c.cfg.Logger.WarnContext(ctx, "aster_clock_not_measured", slog.Any("error", err))
		return nil
	}
	return err
}

// measure asks the venue for its time and takes the middle of the request as
// the moment of the answer.
func (c *Client) measure(ctx context.Context) (time.Time, error) {
	req := c.request(call{method: http.MethodGet, path: "/time", weight: 1})
	body, err := c.repeat(ctx, req)
	if err != nil {
		return time.Time{}, err
	}
	var answer struct {
		ServerTime *int64 `json:"serverTime"`
	}
	if err := req.read(body, &answer); err != nil {
		return time.Time{}, err
	}
	if answer.ServerTime == nil {
		return time.Time{}, req.unreadable(errors.New("serverTime is missing"))
	}
	served := time.UnixMilli(*answer.ServerTime).UTC()
	middle := req.sent.Add(req.received.Sub(req.sent) / 2)
	offset := served.Sub(middle)
	if offset.Abs() > maxOffset {
		return time.Time{}, req.fail(KindClock, 0, fmt.Sprintf("the venue's time is %v from ours, and must be within %v", offset.Round(time.Second), maxOffset))
	}
	refused := c.clock.set(offset)
	if s, ok := c.cfg.Signer.(interface{ rewind(time.Time) }); ok && refused {
		s.rewind(c.venueNow())
	}
	return served, nil
}
