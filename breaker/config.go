package breaker

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"
	"unicode/utf8"
)

// Config makes a Policy. A field's zero value is its default, so Config{} is
// Standard; where no wait at all is wanted, say time.Nanosecond.
type Config struct {
	// Name is the endpoint and model that the policy guards, for errors, logs
	// and Stats; at most 200 bytes. Default "breaker".
	Name string

	AttemptTimeout time.Duration // bound on one attempt; at most Timeout; default 15 s
	Timeout        time.Duration // bound on the whole call, attempts and waits; at most 1 h; default 30 s
	Attempts       int           // 1 + retries, so 1 never retries; 1–10; default 3
	FirstDelay     time.Duration // longest wait before the second attempt; default 500 ms
	BackoffFactor  float64       // what each further wait is longer by; 1–10; default 1.5
	MaxDelay       time.Duration // bound on the growing wait; at least FirstDelay; default 8 s, or FirstDelay when longer

	FailureThreshold int           // consecutive failed calls that open the circuit; 1–1,000; default 3
	RecoveryTimeout  time.Duration // from opening to the probe, longer if the provider asked for more; at most 24 h; default 300 s
	Cooldown         time.Duration // pause after a rate limit that names no wait; default 30 s
	MaxCooldown      time.Duration // bound on the pause that a provider asks for; Cooldown to 24 h; default 15 min, or Cooldown when longer

	// MaxAbandoned bounds the attempts that ended for the caller but whose
	// function has not returned; at the bound calls are refused with ErrOpen.
	// 1–10,000; default 64.
	MaxAbandoned int

	// Classify says what an error means for the circuit. It is called on the
	// caller's goroutine, outside every lock. Default: the function Classify.
	Classify func(error) Class
	// OnChange is told each change of state, in order and one at a time, on a
	// goroutine that the Policy owns: it may be slow, may call the Policy
	// (but not Close), and its panic is logged. Default: nobody.
	OnChange func(Change)
	// Jitter picks a wait of at most its argument; what it returns is clamped
	// to 0–argument. Default: uniform from 0 to the argument.
	Jitter func(time.Duration) time.Duration

	Logger *slog.Logger // llm_api_call at Debug, circuit_breaker at Warn; default: discards
	// Now stamps changes, failures and saved states. Intervals never use it:
	// they follow the monotonic clock, as gobreaker's do. It is called under
	// locks and must not call the Policy. Default time.Now.
	Now func() time.Time
}

// Standard is Config{} with its numbers written out: 3 failed calls open the
// circuit for 5 minutes, an attempt has 15 s and a call 1 + 2 attempts.
func Standard() Config {
	return Config{
		AttemptTimeout: 15 * time.Second, Timeout: 30 * time.Second, Attempts: 3,
		FirstDelay: 500 * time.Millisecond, BackoffFactor: 1.5, MaxDelay: 8 * time.Second,
		FailureThreshold: 3, RecoveryTimeout: 300 * time.Second, Cooldown: 30 * time.Second, MaxCooldown: 15 * time.Minute,
		MaxAbandoned: 64,
	}
}

// Conservative is Standard for models that are slow rather than down: 5
// failed calls open the circuit for 10 minutes, an attempt has 20 s and a call
// 1 + 3 attempts. The whole call still ends within Timeout, 30 s.
func Conservative() Config {
	c := Standard()
	c.AttemptTimeout, c.Attempts = 20*time.Second, 4
	c.FailureThreshold, c.RecoveryTimeout = 5, 600*time.Second
	return c
}

// Bounds of settings that have no natural ones.
const (
	maxNameBytes     = 200
	maxTimeout       = time.Hour
	maxAttempts      = 10
	maxBackoffFactor = 10
	maxThreshold     = 1000
	maxPause         = 24 * time.Hour
	maxMaxAbandoned  = 10_000
)

func (c Config) withDefaults() Config {
	d := Standard()
	c.Name = or(c.Name, "breaker")
	c.AttemptTimeout = or(c.AttemptTimeout, d.AttemptTimeout)
	c.Timeout = or(c.Timeout, d.Timeout)
	c.Attempts = or(c.Attempts, d.Attempts)
	c.FirstDelay = or(c.FirstDelay, d.FirstDelay)
	c.BackoffFactor = or(c.BackoffFactor, d.BackoffFactor)
	c.MaxDelay = or(c.MaxDelay, max(d.MaxDelay, c.FirstDelay))
	c.FailureThreshold = or(c.FailureThreshold, d.FailureThreshold)
	c.RecoveryTimeout = or(c.RecoveryTimeout, d.RecoveryTimeout)
	c.Cooldown = or(c.Cooldown, d.Cooldown)
	c.MaxCooldown = or(c.MaxCooldown, max(d.MaxCooldown, c.Cooldown))
	c.MaxAbandoned = or(c.MaxAbandoned, d.MaxAbandoned)
	if c.Classify == nil {
		c.Classify = Classify
	}
	if c.Jitter == nil {
		c.Jitter = func(longest time.Duration) time.Duration { return rand.N(longest + 1) }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func or[T comparable](given, otherwise T) T {
	var zero T
	if given != zero {
		return given
	}
	return otherwise
}

// Validate reports every problem of the configuration, defaults included.
func (c Config) Validate() error {
	c = c.withDefaults()
	var p problems
	p.name(c.Name)
	p.between("Timeout", c.Timeout, maxTimeout)
	p.positive("AttemptTimeout", c.AttemptTimeout)
	if c.AttemptTimeout > c.Timeout {
		p.add("AttemptTimeout must be at most Timeout %s, was %s", c.Timeout, c.AttemptTimeout)
	}
	p.whole("Attempts", c.Attempts, maxAttempts)
	p.positive("FirstDelay", c.FirstDelay)
	if math.IsNaN(c.BackoffFactor) || c.BackoffFactor < 1 || c.BackoffFactor > maxBackoffFactor {
		p.add("BackoffFactor must be between 1 and %d, was %g", maxBackoffFactor, c.BackoffFactor)
	}
	if c.MaxDelay < c.FirstDelay || c.MaxDelay > maxPause {
		p.add("MaxDelay must be between FirstDelay %s and %s, was %s", c.FirstDelay, maxPause, c.MaxDelay)
	}
	p.whole("FailureThreshold", c.FailureThreshold, maxThreshold)
	p.between("RecoveryTimeout", c.RecoveryTimeout, maxPause)
	p.positive("Cooldown", c.Cooldown)
	if c.MaxCooldown < c.Cooldown || c.MaxCooldown > maxPause {
		p.add("MaxCooldown must be between Cooldown %s and %s, was %s", c.Cooldown, maxPause, c.MaxCooldown)
	}
	p.whole("MaxAbandoned", c.MaxAbandoned, maxMaxAbandoned)
	return errors.Join(p...)
}

type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf("breaker: "+format, args...))
}

func (p *problems) name(value string) {
	if len(value) > maxNameBytes || !utf8.ValidString(value) {
		p.add("Name must be at most %d bytes of UTF-8, was %d bytes", maxNameBytes, len(value))
	}
}

func (p *problems) positive(field string, value time.Duration) {
	if value <= 0 {
		p.add("%s must be above 0, was %s", field, value)
	}
}

func (p *problems) between(field string, value, high time.Duration) {
	if value <= 0 || value > high {
		p.add("%s must be above 0 and at most %s, was %s", field, high, value)
	}
}

func (p *problems) whole(field string, value, high int) {
	if value < 1 || value > high {
		p.add("%s must be between 1 and %d, was %d", field, high, value)
	}
}
