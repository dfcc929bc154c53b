package astertest

import (
	"fmt"
	"net/http"
	"time"
)

// limits counts weight for the one address that everybody comes from, by the
// minutes of the exchange's clock.
type limits struct {
	weight, orders int // allowed
	minute         time.Time
	used           int
	ordersUsed     map[*account]int
	ignored        int // requests after the limit in this minute
	bans           int
	bannedUntil    time.Time
}

const (
	patience = 10 // refusals in one minute before a ban
	firstBan = 2 * time.Minute
	longBan  = 72 * time.Hour
)

func (l *limits) roll(now time.Time) {
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.used, l.ignored = minute, 0, 0
		clear(l.ordersUsed)
	}
}

// admit counts a request, or refuses it.
func (l *limits) admit(now time.Time, weight int) error {
	l.roll(now)
	if now.Before(l.bannedUntil) {
		return banned(l.bannedUntil)
	}
	l.used += weight
	if l.used <= l.weight {
		return nil
	}
	if l.ignored++; l.ignored > patience {
		l.ban(now, min(firstBan<<min(l.bans, 11), longBan))
		return banned(l.bannedUntil)
	}
	return tooMany(fmt.Sprintf("Too many requests; current limit is %d request weight per 1 MINUTE.", l.weight))
}

func (l *limits) ban(now time.Time, length time.Duration) {
	l.bans++
	l.bannedUntil = now.Add(length)
}

func (l *limits) countOrders(a *account, n int) error {
	l.ordersUsed[a] += n
	if l.ordersUsed[a] > l.orders {
		return &apiError{
			status: http.StatusTooManyRequests, code: -1015,
			message: fmt.Sprintf("Too many new orders; current limit is %d orders per 1 MINUTE.", l.orders),
		}
	}
	return nil
}

func tooMany(message string) *apiError {
	return &apiError{status: http.StatusTooManyRequests, code: -1003, message: message}
}

func banned(until time.Time) *apiError {
	return &apiError{
		status: http.StatusTeapot, code: -1003,
		message: fmt.Sprintf("Way too many requests; IP banned until %d.", until.UnixMilli()),
	}
}
