package httpx

import (
	"net/http"
	"strings"
	"time"
)

// MaxRetryAfter bounds what a server may ask for.
const MaxRetryAfter = time.Hour

// RetryAfter reads the value of a Retry-After header: whole seconds or an HTTP
// date relative to now. More than MaxRetryAfter is MaxRetryAfter; absent, past
// and unreadable values are 0.
func RetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		return retrySeconds(value)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

// retrySeconds counts up to the bound, so that no number of digits overflows.
func retrySeconds(digits string) time.Duration {
	var wait time.Duration
	for _, digit := range digits {
		wait = wait*10 + time.Duration(digit-'0')*time.Second
		if wait >= MaxRetryAfter {
			return MaxRetryAfter
		}
	}
	return wait
}
