package astertest

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// call is one request that has been read.
type call struct {
	method, path string
	query, body  string // as they arrived
	key          string // X-MBX-APIKEY
	ip           netip.Addr
	params       map[string]string // decoded; of a name sent twice, the query's
	account      *account          // of a signed request
	readOnly     bool              // who signed may not trade
}

const maxParams = 100

// parse decodes the parameters, which is where a malformed request ends.
func (c *call) parse() error {
	c.params = map[string]string{}
	for _, part := range [...]string{c.query, c.body} { // the query wins
		if part == "" {
			continue
		}
		if strings.Count(part, "&") >= maxParams {
			return fail(-1101, "Too many parameters sent for this endpoint.")
		}
		values, err := url.ParseQuery(part)
		if err != nil {
			return fail(-1100, "Illegal characters found in a parameter.")
		}
		for name, all := range values {
			if _, sent := c.params[name]; !sent {
				c.params[name] = all[0]
			}
		}
	}
	return nil
}

func (c *call) text(name string) string { return c.params[name] }

func (c *call) has(name string) bool { return c.params[name] != "" }

// integer is a whole number within bounds, or the default when it is absent.
func (c *call) integer(name string, absent, low, high int64) (int64, error) {
	if !c.has(name) {
		return absent, nil
	}
	n, err := strconv.ParseInt(c.params[name], 10, 64)
	if err != nil {
		return 0, errMandatory(name)
	}
	if n < low || n > high {
		return 0, fail(-1130, "Data sent for parameter '%s' is not valid.", name)
	}
	return n, nil
}

const maxMillis = 1 << 45 // the year 3084

// at is a time in milliseconds, or the default when it is absent.
func (c *call) at(name string, absent time.Time) (time.Time, error) {
	ms, err := c.integer(name, absent.UnixMilli(), 0, maxMillis)
	return time.UnixMilli(ms).UTC(), err
}

// window is startTime and endTime; absent ones are zero.
func (c *call) window() (from, to time.Time, err error) {
	if from, err = c.at("startTime", time.Time{}); err != nil {
		return from, to, err
	}
	if to, err = c.at("endTime", time.Time{}); err != nil {
		return from, to, err
	}
	if !c.has("startTime") {
		from = time.Time{}
	}
	if !c.has("endTime") {
		to = time.Time{}
	}
	if !from.IsZero() && !to.IsZero() && from.After(to) {
		return from, to, fail(-1023, "Start time is greater than end time.")
	}
	return from, to, nil
}

// number is a plain decimal; absent, it is zero.
func (c *call) number(name string) (decimal.Decimal, error) {
	text := c.params[name]
	if text == "" {
		return decimal.Zero, nil
	}
	d, err := jsonx.ParseDecimal(text)
	if err != nil || strings.ContainsAny(text, "eE+") {
		return decimal.Zero, errMandatory(name)
	}
	return d, nil
}

// yes is a bool; absent, it is false.
func (c *call) yes(name string) (bool, error) {
	switch strings.ToLower(c.params[name]) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, errMandatory(name)
}

// needYes is a bool that must be sent.
func (c *call) needYes(name string) (bool, error) {
	if !c.has(name) {
		return false, errMandatory(name)
	}
	return c.yes(name)
}

func validClientID(id string) bool {
	for i := range len(id) {
		b := id[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune(".:/_-", rune(b)) {
			return false
		}
	}
	return id != "" && len(id) <= 36
}
