package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// ModelPolicy is how models are asked. Each comment names the variable, its
// rule and its default.
type ModelPolicy struct {
	Fallbacks []string // LLM_FALLBACK_MODELS, at most 15, in order, unique, without LLM_MODEL; default none

	// AttemptTimeout is LLM_ATTEMPT_TIMEOUT, 1–LLM_TIMEOUT seconds; default
	// 15, or LLM_TIMEOUT when that is shorter. Several models share
	// LLM_TIMEOUT, and it is at most the share of one. The program stays a
	// few percent below that.
	AttemptTimeout time.Duration
	Attempts       int     // 1 + LLM_MAX_RETRIES, 0–9; default 2 retries
	BackoffFactor  float64 // LLM_BACKOFF_FACTOR, 1–10; default 1.5

	FailureThreshold int           // BREAKER_FAILURE_THRESHOLD, 1–1,000; default 3
	RecoveryTimeout  time.Duration // BREAKER_RECOVERY_TIMEOUT, 1–86,400 seconds; default 300

	ContextTokens  int                 // LLM_CONTEXT_TOKENS of the smallest model, 1,000–10,000,000; default 0, not checked
	DailyBudgetUSD decimal.NullDecimal // LLM_DAILY_BUDGET_USD per account, above 0, at most 1,000,000; default null, no limit
}

const (
	maxFallbacks      = 15
	maxModelBytes     = 100
	defaultAttempt    = 15 // seconds
	maxTimeoutSeconds = 3600
)

// models reads how models are asked; total is LLM_TIMEOUT, checked.
func (r *reader) models(first string, total time.Duration) ModelPolicy {
	p := ModelPolicy{
		Fallbacks:        r.fallbacks("LLM_FALLBACK_MODELS", first),
		Attempts:         1 + r.whole("LLM_MAX_RETRIES", 2, 0, 9),
		BackoffFactor:    r.factor("LLM_BACKOFF_FACTOR", 1.5),
		FailureThreshold: r.whole("BREAKER_FAILURE_THRESHOLD", 3, 1, 1000),
		RecoveryTimeout:  time.Duration(r.whole("BREAKER_RECOVERY_TIMEOUT", 300, 1, 86_400)) * time.Second,
	}
	p.AttemptTimeout = r.attemptTimeout("LLM_ATTEMPT_TIMEOUT", total, 1+len(p.Fallbacks))
	p.ContextTokens = r.whole("LLM_CONTEXT_TOKENS", 0, 1000, 10_000_000)
	p.DailyBudgetUSD = r.budget("LLM_DAILY_BUDGET_USD")
	return p
}

const (
	maxBudgetUSD   = 1_000_000
	budgetDecimals = 6
)

// budget reads an amount; absent is no limit.
func (r *reader) budget(name string) decimal.NullDecimal {
	if value, _ := r.lookup(name); value == "" {
		return decimal.NullDecimal{}
	}
	rule := fmt.Sprintf("must be a number above 0 and at most %d with at most %d decimals", maxBudgetUSD, budgetDecimals)
	d, label, ok := r.number(name, "", rule)
	if ok && (!d.IsPositive() || d.GreaterThan(decimal.NewFromInt(maxBudgetUSD)) || d.Exponent() < -budgetDecimals) {
		r.problem("%s %s, was %s", label, rule, d)
	}
	return decimal.NewNullDecimal(d)
}

// fallbacks reads an ordered list of models.
func (r *reader) fallbacks(name, first string) []string {
	if len(first) > maxModelBytes {
		r.problem("LLM_MODEL must have at most %d characters, had %d", maxModelBytes, len(first))
	}
	list := commas(r.text(name))
	if len(list) > maxFallbacks {
		r.problem("%s must name at most %d models, named %d", name, maxFallbacks, len(list))
		return nil
	}
	for i, model := range list {
		switch {
		case len(model) > maxModelBytes:
			r.problem("%s must name models of at most %d characters, named one of %d", name, maxModelBytes, len(model))
		case model == first:
			r.problem("%s must name models other than LLM_MODEL, named %.100q", name, model)
		case slices.Contains(list[:i], model):
			r.problem("%s must name each model once, named %.100q twice", name, model)
		}
	}
	return list
}

// attemptTimeout is at most the share of LLM_TIMEOUT that one of several
// models has, or a model that hangs would be cut off before its circuit could
// tell that it hangs.
func (r *reader) attemptTimeout(name string, total time.Duration, models int) time.Duration {
	attempt := time.Duration(r.whole(name, defaultAttempt, 1, maxTimeoutSeconds)) * time.Second
	if total <= 0 { // which is a problem of its own
		return attempt
	}
	if r.given(name) && attempt > total && attempt <= maxTimeoutSeconds*time.Second {
		r.problem("%s must be at most LLM_TIMEOUT (%d), was %d", name, total/time.Second, attempt/time.Second)
		return attempt
	}
	share := total / time.Duration(models)
	if r.given(name) && attempt > share {
		r.warnings = append(r.warnings, fmt.Sprintf("%s %d is used as %s: %d models share LLM_TIMEOUT %d",
			name, attempt/time.Second, share, models, total/time.Second))
	}
	return min(attempt, share)
}

const maxFactor = 10

func (r *reader) factor(name string, otherwise float64) float64 {
	value, label := r.lookup(name)
	if value == "" {
		return otherwise
	}
	if _, err := plainDecimal(value); err != nil {
		r.problem("%s must be a number between 1 and %d, was %.40q", label, maxFactor, value)
		return otherwise
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f < 1 || f > maxFactor {
		r.problem("%s must be between 1 and %d, was %s", label, maxFactor, value)
	}
	return f
}
