package aster

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
)

// Config describes one venue, who asks it, and how hard.
type Config struct {
	Network Network      // default Mainnet
	HTTP    *http.Client // copied, and never follows redirects; default one of our own
	Signer  Signer       // default none: public endpoints alone
	// MaxConcurrent bounds the requests under way, 1–200. Default 40.
	MaxConcurrent int
	// Workers bounds the assets that are decoded at once, 1–64. Default 4.
	Workers int
	// WeightPerMinute is the venue's limit for this address, 50–100,000; what
	// the venue says replaces it when that is less. The client stops at 80 %
	// of it. Default 2,400.
	WeightPerMinute int
	Timeout         time.Duration // of one attempt, 10 ms–5 min; default 10 s
	Attempts        int           // of a read, 1–10; a write has one; default 3
	Breaker         BreakerConfig // of the venue's host
	Logger          *slog.Logger  // bans, rate limits and circuit changes at Warn; default discards
	// Now is the clock that the venue's is measured against. It must advance.
	// Default time.Now.
	Now func() time.Time
}

// BreakerConfig is when a host that does not answer is left alone.
type BreakerConfig struct {
	FailureThreshold int           // consecutive attempts without an answer that open the circuit, 1–1,000; default 10
	RecoveryTimeout  time.Duration // from opening to the one attempt that may close it, 1 ms–24 h; default 30 s
}

const (
	defaultConcurrent = 40
	defaultWorkers    = 4
	defaultWeight     = 2400
	defaultTimeout    = 10 * time.Second
	defaultAttempts   = 3
	defaultThreshold  = 10
	defaultRecovery   = 30 * time.Second

	maxConcurrent = 200
	maxWorkers    = 64
	minWeight     = 50 // below, the dearest single request (40) would never fit
	maxWeight     = 100_000
	minTimeout    = 10 * time.Millisecond
	maxTimeout    = 5 * time.Minute
	maxAttempts   = 10
	maxThreshold  = 1000
	maxRecovery   = 24 * time.Hour
)

func (c Config) withDefaults() Config {
	if c.Network == (Network{}) {
		c.Network = Mainnet()
	}
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = defaultConcurrent
	}
	if c.HTTP == nil {
		c.HTTP = httpx.NewClient(httpx.ClientConfig{MaxIdleConnections: max(c.MaxConcurrent, 1)})
	}
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.WeightPerMinute == 0 {
		c.WeightPerMinute = defaultWeight
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Attempts == 0 {
		c.Attempts = defaultAttempts
	}
	if c.Breaker.FailureThreshold == 0 {
		c.Breaker.FailureThreshold = defaultThreshold
	}
	if c.Breaker.RecoveryTimeout == 0 {
		c.Breaker.RecoveryTimeout = defaultRecovery
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	problems := []error{
		c.Network.validate(),
		c.validateSigner(),
		validateInt("MaxConcurrent", c.MaxConcurrent, 1, maxConcurrent),
		validateInt("Workers", c.Workers, 1, maxWorkers),
		validateInt("WeightPerMinute", c.WeightPerMinute, minWeight, maxWeight),
		validateDuration("Timeout", c.Timeout, minTimeout, maxTimeout),
		validateInt("Attempts", c.Attempts, 1, maxAttempts),
		validateInt("Breaker.FailureThreshold", c.Breaker.FailureThreshold, 1, maxThreshold),
		validateDuration("Breaker.RecoveryTimeout", c.Breaker.RecoveryTimeout, time.Millisecond, maxRecovery),
	}
	return errors.Join(problems...)
}

// validateSigner keeps an agent of one network from signing for another: the
// venue would only say that the signature is wrong.
func (c Config) validateSigner() error {
	if c.Signer == nil {
		return nil
	}
	if api := c.Signer.API(); api != APIV1 && api != APIV3 {
		return fmt.Errorf("Signer.API must be v1 or v3, was %.20q", string(api))
	}
	if agent, ok := c.Signer.(*Agent); ok && agent.chainID != c.Network.ChainID {
		return fmt.Errorf("Signer is an agent for chain id %d and must be for %d, that of Network %.40s", agent.chainID, c.Network.ChainID, c.Network.Name)
	}
	return nil
}
