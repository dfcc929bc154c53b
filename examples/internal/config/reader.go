package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// reader looks settings up and collects what is wrong with them.
type reader struct {
	env       map[string]string
	overrides map[string]Override
	problems  []error
	warnings  []string
	known     []string // what was looked up
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// lookup is a setting's text and the name under which it was given.
func (r *reader) lookup(name string) (value, label string) {
	r.known = append(r.known, name)
	if o, ok := r.overrides[name]; ok {
		return o.Value, o.Flag
	}
	return strings.TrimSpace(r.env[name]), name
}

// given reports whether a variable is set to something.
func (r *reader) given(name string) bool { return strings.TrimSpace(r.env[name]) != "" }

const maxTextBytes = 4096

// text never shows the value in a problem, because it may be a key.
func (r *reader) text(name string) string {
	value, label := r.lookup(name)
	if len(value) > maxTextBytes {
		r.problem("%s must have at most %d characters, had %d", label, maxTextBytes, len(value))
		return ""
	}
	return value
}

func (r *reader) textOr(name, otherwise string) string {
	if value := r.text(name); value != "" {
		return value
	}
	return otherwise
}

func (r *reader) decimal(name, otherwise string, low, high int64) decimal.Decimal {
	d, label, ok := r.number(name, otherwise, fmt.Sprintf("must be a number between %d and %d", low, high))
	if ok && (d.LessThan(decimal.NewFromInt(low)) || d.GreaterThan(decimal.NewFromInt(high))) {
		r.problem("%s must be between %d and %d, was %s", label, low, high, d)
	}
	return d
}

func (r *reader) positive(name, otherwise string) decimal.Decimal {
	d, label, ok := r.number(name, otherwise, "must be a number above 0")
	if ok && !d.IsPositive() {
		r.problem("%s must be above 0, was %s", label, d)
	}
	return d
}

// number reads plain digits; otherwise is what an absent setting means.
func (r *reader) number(name, otherwise, rule string) (d decimal.Decimal, label string, ok bool) {
	value, label := r.lookup(name)
	if value == "" {
		value = otherwise
	}
	d, err := plainDecimal(value)
	if err != nil {
		r.problem("%s %s, was %.40q", label, rule, value)
	}
	return d, label, err == nil
}

var errNotPlain = errors.New("not plain digits")

// plainDecimal leaves out exponents: comparing 1e999999999 would fill memory
// with its digits.
func plainDecimal(text string) (decimal.Decimal, error) {
	if len(text) > 40 || strings.Trim(text, "0123456789.+-") != "" {
		return decimal.Decimal{}, errNotPlain
	}
	return decimal.NewFromString(text)
}

func (r *reader) whole(name string, otherwise, low, high int) int {
	value, label := r.lookup(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		r.problem("%s must be a whole number between %d and %d, was %.40q", label, low, high, value)
	case n < low || n > high:
		r.problem("%s must be between %d and %d, was %d", label, low, high, n)
	}
	return n
}

func (r *reader) interval(name string, otherwise marketdata.Interval) marketdata.Interval {
	value, label := r.lookup(name)
	if value == "" && label == name {
		return otherwise
	}
	i := marketdata.Interval(value)
	if !i.Valid() {
		r.problem("%s must be one of %v, was %.40q", label, marketdata.Intervals(), value)
	}
	return i
}

func (r *reader) level(name string) *slog.Level {
	value, label := r.lookup(name)
	if value == "" {
		return nil
	}
	names := map[string]slog.Level{
		"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError,
	}
	level, ok := names[strings.ToUpper(value)]
	if !ok {
		r.problem("%s must be DEBUG, INFO, WARN or ERROR, was %.40q", label, value)
		return nil
	}
	return &level
}

// commas splits a list and drops what is empty between or after commas.
func commas(list string) []string {
	var parts []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

const (
	maxSymbol    = 20
	symbolDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
)

// ParseSymbol reads one symbol as ParseSymbols does. It looks at the letters before it makes them capitals: some that
// are not ASCII become ASCII by that.
func ParseSymbol(text string) (string, error) {
	symbol := strings.ToUpper(text)
	if !quoted(symbol) {
		symbol += "USDT"
	}
	if len(symbol) > maxSymbol || strings.Trim(text, symbolDigits) != "" {
		return "", fmt.Errorf("%w, was %.40q", errSymbols, text)
	}
	return symbol, nil
}

// quoted reports whether a symbol names what it is quoted in.
func quoted(symbol string) bool {
	for _, quote := range []string{"USDT", "USDC", "USD"} {
		if base, ok := strings.CutSuffix(symbol, quote); ok && base != "" {
			return true
		}
	}
	return false
}
