// Package config reads the settings of the example programs from environment
// variables and from the flags that override them.
//
// It is a small reader of its own: libraries for this name the Go field and
// the parser's error, while a person needs the variable, the rule and the
// value, for every problem at once.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/secret"
)

// Config is what the environment sets. Each comment names the variable, its
// rule and its default. An empty variable counts as absent.
type Config struct {
	OpenRouterKey      secret.Value // OPENROUTER_API_KEY; default none: no model
	OpenRouterBaseURL  string       // OPENROUTER_BASE_URL, https, or http to loopback; default openrouter.DefaultBaseURL
	OpenRouterReferer  string       // OPENROUTER_REFERER; default not sent
	OpenRouterAppTitle string       // OPENROUTER_APP_TITLE; default not sent

	Aster Aster // where --market aster reads, and as whom

	Assets []string // ASSETS, 1–10 unique; default BTCUSDT, ETHUSDT, SOLUSDT

	Model        string          // LLM_MODEL; default x-ai/grok-4
	Temperature  decimal.Decimal // LLM_TEMPERATURE, 0–2; default 0.7
	MaxTokens    int             // LLM_MAX_TOKENS, 1–200,000; default 2,000
	ModelTimeout time.Duration   // LLM_TIMEOUT, 1–3,600 seconds; default 30
	ModelPolicy

	// DataDir is DATA_DIR, the folder of what a later run must know: records,
	// unless DATABASE_URL names another place, the circuits of models, and
	// records that wait for a database. Made when something is kept.
	DataDir  string // default "data"
	Database Database

	MinConfidence decimal.Decimal // MIN_CONFIDENCE, 0–100; default 50
	MaxRiskScore  int             // MAX_RISK_SCORE, 0–100; default 70

	Interval marketdata.Interval // INTERVAL; default 1h
	// LongInterval is LONG_INTERVAL, longer than Interval; default 4h, and
	// for an Interval from 4h on the first that is at least four times it.
	LongInterval marketdata.Interval

	Leverage           decimal.Decimal // LEVERAGE, 1–20; default 2
	MaxPositionSizeUSD decimal.Decimal // MAX_POSITION_SIZE_USD, > 0; default 10,000

	LogLevel *slog.Level // LOG_LEVEL: DEBUG, INFO, WARN or ERROR; default nil, each program's own

	// LeverageGiven says that LEVERAGE is set.
	LeverageGiven bool
	// HasModel says that there is a model to ask: a key was given, or an
	// endpoint on this machine, which needs none, and LLM_MODEL.
	HasModel bool
	// AccountSettings are those of LEVERAGE and MAX_POSITION_SIZE_USD that
	// were given, as limits of an account of one's own overrule them.
	AccountSettings []AccountSetting

	Warnings []string // what was understood but should be changed
}

// AccountSetting is a variable that an account's state overrules.
type AccountSetting struct {
	Name  string
	Value decimal.Decimal
}

// Override is a flag that takes the place of a variable.
type Override struct {
	Flag  string // as it is typed, for messages
	Value string
}

// Read reads every setting. Overrides are keyed by the variable that they
// replace. The error has one line for each problem.
func Read(env map[string]string, overrides map[string]Override) (Config, error) {
	r := reader{env: env, overrides: overrides}
	c := Config{
		OpenRouterKey:      secret.New(r.text("OPENROUTER_API_KEY")),
		OpenRouterBaseURL:  r.baseURL("OPENROUTER_BASE_URL", openrouter.DefaultBaseURL),
		OpenRouterReferer:  r.text("OPENROUTER_REFERER"),
		OpenRouterAppTitle: r.text("OPENROUTER_APP_TITLE"),
		Model:              r.textOr("LLM_MODEL", "x-ai/grok-4"),
		Temperature:        r.decimal("LLM_TEMPERATURE", "0.7", 0, 2),
		MaxTokens:          r.whole("LLM_MAX_TOKENS", 2000, 1, 200_000),
		ModelTimeout:       time.Duration(r.whole("LLM_TIMEOUT", 30, 1, maxTimeoutSeconds)) * time.Second,
		MinConfidence:      r.decimal("MIN_CONFIDENCE", "50", 0, 100),
		MaxRiskScore:       r.whole("MAX_RISK_SCORE", 70, 0, 100),
		Leverage:           r.decimal("LEVERAGE", "2", 1, decision.MaxLeverage),
		MaxPositionSizeUSD: r.positive("MAX_POSITION_SIZE_USD", "10000"),
		LogLevel:           r.level("LOG_LEVEL"),
		DataDir:            r.textOr("DATA_DIR", "data"),
	}
	c.ModelPolicy = r.models(c.Model, c.ModelTimeout)
	c.Aster = r.aster()
	c.Database = r.database(c.DataDir)
	c.HasModel = !c.OpenRouterKey.IsZero() || isLoopback(c.OpenRouterBaseURL) && r.given("LLM_MODEL")
	if c.LeverageGiven = r.given("LEVERAGE"); c.LeverageGiven {
		c.AccountSettings = append(c.AccountSettings, AccountSetting{"LEVERAGE", c.Leverage})
	}
	if r.given("MAX_POSITION_SIZE_USD") {
		c.AccountSettings = append(c.AccountSettings, AccountSetting{"MAX_POSITION_SIZE_USD", c.MaxPositionSizeUSD})
	}
	c.Assets = r.assets()
	c.Interval, c.LongInterval = r.intervals()
	c.Warnings = append(r.warnings, r.unused()...)
	return c, errors.Join(r.problems...)
}

// assets reads ASSETS, or SYMBOL, its old name for a single asset.
func (r *reader) assets() []string {
	const name, old = "ASSETS", "SYMBOL"
	list, label := r.lookup(name)
	if list == "" && label == name {
		if list = r.env[old]; list != "" {
			label = old
			r.warnings = append(r.warnings, "SYMBOL is the old name for a single asset: use ASSETS")
		} else {
			list = "BTCUSDT,ETHUSDT,SOLUSDT"
		}
	}
	symbols, err := ParseSymbols(list)
	if err != nil {
		r.problem("%s %w", label, err)
	}
	return symbols
}

func (r *reader) intervals() (short, long marketdata.Interval) {
	short = r.interval("INTERVAL", marketdata.Interval1h)
	long = r.interval("LONG_INTERVAL", longerThan(short))
	if short.Valid() && long.Valid() && long.Duration() <= short.Duration() {
		_, label := r.lookup("LONG_INTERVAL")
		_, shortLabel := r.lookup("INTERVAL")
		r.problem("%s must be longer than %s (%s), was %s", label, shortLabel, short, long)
	}
	return short, long
}

// longerThan is the default for the interval beside a short one.
func longerThan(short marketdata.Interval) marketdata.Interval {
	if short.Duration() < marketdata.Interval4h.Duration() {
		return marketdata.Interval4h
	}
	all := marketdata.Intervals()
	i := slices.IndexFunc(all, func(i marketdata.Interval) bool { return i.Duration() >= 4*short.Duration() })
	if i < 0 {
		return all[len(all)-1]
	}
	return all[i]
}

var errSymbols = errors.New("must name symbols such as BTCUSDT or BTC, separated by commas")

// ParseSymbols reads a list such as "BTCUSDT,eth": 1 to decision.MaxSymbols,
// unique, in the order given. A name without USDT, USDC or USD at its end is
// a base asset quoted in USDT. The error continues the name of the setting.
func ParseSymbols(list string) ([]string, error) {
	parts := commas(list)
	if n := len(parts); n < 1 || n > decision.MaxSymbols {
		return nil, fmt.Errorf("must name 1 to %d symbols, named %d", decision.MaxSymbols, n)
	}
	symbols := make([]string, 0, len(parts))
	for _, part := range parts {
		symbol, err := ParseSymbol(part)
		if err != nil {
			return nil, err
		}
		if slices.Contains(symbols, symbol) {
			return nil, fmt.Errorf("must name each symbol once, named %s twice", symbol)
		}
		symbols = append(symbols, symbol)
	}
	return symbols, nil
}
