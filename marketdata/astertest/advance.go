package astertest

import (
	"time"

	"github.com/shopspring/decimal"
)

const (
	maxStreamSteps = 2000 // stream updates of one Advance
	realTimeStep   = 250 * time.Millisecond
)

// Advance moves the clock and lets everything happen that becomes due on the
// way, in order. Streams report each StreamStep of it, or 2,000 times when
// that is less, and the close of each candle; Advance returns when everything
// that was reported was sent. What then happens in a client takes its own time.
func (e *Exchange) Advance(d time.Duration) {
	e.driving.Lock()
	defer e.driving.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle() // what Config.Now has brought
	e.ahead += max(d, 0)
	target := e.clock()
	grid := max(e.cfg.StreamStep, target.Sub(e.now)/maxStreamSteps)
	for e.now.Before(target) {
		e.step(target, grid)
		e.mu.Unlock()
		e.drain()
		e.mu.Lock()
	}
}

// run is the exchange in real time.
func (e *Exchange) run() {
	ticker := time.NewTicker(realTimeStep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.Advance(0)
		case <-e.ended:
			return
		}
	}
}

// clock is the time until which everything should have happened.
func (e *Exchange) clock() time.Time {
	if e.cfg.Now != nil {
		return e.cfg.Now().UTC().Add(e.ahead)
	}
	return e.cfg.Start.UTC().Add(e.ahead)
}

// settle lets everything happen that is due by a clock that moves by itself. One
// that Advance alone moves has nothing due outside of it, and inside nothing may
// run ahead of it.
func (e *Exchange) settle() {
	if e.cfg.Now == nil {
		return
	}
	target := e.clock()
	grid := max(e.cfg.StreamStep, target.Sub(e.now)/maxStreamSteps)
	for e.now.Before(target) {
		e.step(target, grid)
	}
}

// step goes on to the next instant at which something is due.
func (e *Exchange) step(target time.Time, grid time.Duration) {
	next := e.nextDue(target, grid)
	before := e.now
	e.match(next)
	if next.Equal(target) || e.streams.listening() {
		for _, m := range e.markets {
			m.last = e.tape.price(m.symbol, e.now)
		}
	}
	if next.Equal(nextFunding(before)) {
		e.payFunding()
	}
	e.expire()
	e.callMargin()
	e.publish(before, grid, next.Equal(target))
}

func (e *Exchange) nextDue(target time.Time, grid time.Duration) time.Time {
	next := target
	sooner := func(at time.Time) {
		if at.After(e.now) && at.Before(next) {
			next = at
		}
	}
	sooner(nextFunding(e.now))
	interested := false
	for _, a := range e.accounts {
		interested = interested || len(a.positions)+len(a.open) > 0
		sooner(a.listenUntil)
		for _, at := range a.countdowns {
			sooner(at)
		}
	}
	if interested {
		sooner(e.tape.turn(e.now))
	}
	e.streams.due(e.now, grid, sooner)
	return next
}

// expire ends listen keys and lets countdowns cancel.
func (e *Exchange) expire() {
	for _, a := range e.accounts {
		if a.listenKey != "" && !e.now.Before(a.listenUntil) {
			e.push(a, object{"e": "listenKeyExpired", "E": e.now.UnixMilli()})
			a.listenKey = ""
		}
		for symbol, at := range a.countdowns {
			if !e.now.Before(at) {
				delete(a.countdowns, symbol)
				e.cancelOpen(a, e.markets[symbol], true)
			}
		}
	}
}

// callMargin warns once of each position whose maintenance margin is four
// fifths of what backs it.
func (e *Exchange) callMargin() {
	for _, a := range e.accounts {
		for _, p := range a.positions {
			mark := p.market.mark(e.now)
			s := e.sums(a)
			maintenance, backing := s.crossMaintenance, s.cross.Add(s.crossPnL)
			if a.of(p.market).isolated {
				maintenance, backing = p.market.maintenance(p.notional(mark)), p.margin.Add(p.unrealised(mark))
			}
			threatened := maintenance.IsPositive() && maintenance.Mul(decimal.New(5, 0)).GreaterThanOrEqual(backing.Mul(decimal.New(4, 0)))
			if threatened && !p.called {
				e.pushMarginCall(a, p, mark)
			}
			p.called = threatened
		}
	}
}
