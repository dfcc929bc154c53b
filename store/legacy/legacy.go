// Package legacy imports the decisions of a single-asset system from its own
// database into a store of this module.
//
// Rows keep their source's id: importing again adds what is missing and nothing
// twice, so an import that was stopped is started again. What cannot be taken
// as it is, is skipped and reported, never guessed.
package legacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"regexp"

	"github.com/ballast-go/ballast/migrations"
)

// Bounds of what is taken.
const (
	MaxTextChars   = 1 << 20 // of rationale and exit_plan
	MaxSymbolBytes = 100
	MaxNameChars   = 100 // of strategy_used and model_used
	MaxBatch       = 1000
)

// Mapping names the source's table and columns. Empty names are those of the
// single-asset schema: decisions, id, account_id, timestamp, and so on. Names
// are taken literally, and quoted.
type Mapping struct {
	Schema string // of the table, PostgreSQL only; empty: by the search path
	Table  string

	ID, AccountID, Timestamp, StrategyUsed, ModelUsed, Symbol, Action, AllocationUSD string
	TPPrice, SLPrice, ExitPlan, Rationale, Confidence, RiskLevel                     string
}

// Config is what to import from where to where.
type Config struct {
	Source        *sql.DB
	SourceDialect migrations.Dialect
	Target        *sql.DB // of the newest schema
	TargetDialect migrations.Dialect

	// Name of the source, 1 to 32 of a–z, 0–9 and _, which makes ids unique:
	// a decision's id becomes legacy-<Name>-<id>.
	Name    string
	Mapping Mapping
	// Batch is how many rows make a transaction, up to MaxBatch. Default: 100.
	Batch int
	// Progress is called after each batch by the caller's goroutine. Default:
	// nothing.
	Progress func(done, total int64)
	// MaxSkips is how many skipped rows the report lists. Default: 100.
	MaxSkips int
}

var nameFormat = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

func (c Config) withDefaults() Config {
	if c.Batch == 0 {
		c.Batch = 100
	}
	if c.MaxSkips == 0 {
		c.MaxSkips = 100
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	c.Mapping = c.Mapping.withDefaults()
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.Source == nil || c.Target == nil {
		problems = append(problems, errors.New("legacy: Source and Target must be given"))
	}
	for _, d := range []struct {
		name string
		is   migrations.Dialect
	}{{"SourceDialect", c.SourceDialect}, {"TargetDialect", c.TargetDialect}} {
		if d.is != migrations.Postgres && d.is != migrations.SQLite {
			problems = append(problems, fmt.Errorf("legacy: %s must be %q or %q, was %q", d.name, migrations.Postgres, migrations.SQLite, d.is))
		}
	}
	if !nameFormat.MatchString(c.Name) {
		problems = append(problems, fmt.Errorf("legacy: Name must have 1 to 32 of a-z, 0-9 and _, was %.40q", c.Name))
	}
	if c.Batch < 1 || c.Batch > MaxBatch {
		problems = append(problems, fmt.Errorf("legacy: Batch must be between 1 and %d, was %d", MaxBatch, c.Batch))
	}
	if c.MaxSkips < 0 {
		problems = append(problems, fmt.Errorf("legacy: MaxSkips must not be negative, was %d", c.MaxSkips))
	}
	return errors.Join(append(problems, c.Mapping.validate())...)
}

// Skip is a row that was not taken.
type Skip struct {
	ID     int64  `json:"id"`     // of the source
	Reason string `json:"reason"` // such as "action is invalid"
	Value  string `json:"value,omitempty"`
}

// Report is what an import did, also when it ended early.
type Report struct {
	Total   int64            `json:"total"`   // rows of the source at the start
	Read    int64            `json:"read"`    // Written, Present and Skipped together
	Written int64            `json:"written"` // new decisions
	Present int64            `json:"present"` // imported before
	Skipped int64            `json:"skipped"`
	Reasons map[string]int64 `json:"reasons"` // how many were skipped for which reason
	Skips   []Skip           `json:"skips"`   // the first of them, up to Config.MaxSkips
}

// Import copies what the target does not have. On an error, the context's
// among them, the report tells what is kept already; calling it again goes on.
func Import(ctx context.Context, cfg Config) (Report, error) {
	report := Report{Reasons: map[string]int64{}}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return report, err
	}
	target, err := migrations.New(cfg.Target, cfg.TargetDialect, migrations.Config{})
	if err != nil {
		return report, err
	}
	if err := target.Check(ctx); err != nil {
		return report, err
	}
	src := source{cfg}
	if report.Total, err = src.count(ctx); err != nil {
		return report, fmt.Errorf("legacy: count the source's rows: %w", err)
	}
	dst := sink{cfg: cfg, accounts: map[int64]account{}}
	for last := int64(math.MinInt64); ; {
		rows, err := src.page(ctx, last)
		if err != nil {
			return report, fmt.Errorf("legacy: read the source: %w", err)
		}
		if len(rows) == 0 {
			return report, nil
		}
		last = rows[len(rows)-1].id
		if err := importBatch(ctx, &dst, rows, &report); err != nil {
			return report, fmt.Errorf("legacy: write: %w", err)
		}
		cfg.Progress(report.Read, max(report.Total, report.Read))
	}
}

// importBatch writes what is valid of a page and then, once it is kept, counts.
func importBatch(ctx context.Context, dst *sink, rows []raw, report *Report) error {
	valid := make([]row, 0, len(rows))
	var skips []Skip
	for _, r := range rows {
		checked, skip := r.check()
		if skip != nil {
			skips = append(skips, *skip)
			continue
		}
		valid = append(valid, checked)
	}
	written, err := dst.write(ctx, valid)
	if err != nil {
		return err
	}
	report.Read += int64(len(rows))
	report.Written += written
	report.Present += int64(len(valid)) - written
	report.Skipped += int64(len(skips))
	for _, s := range skips {
		report.Reasons[s.Reason]++
		if len(report.Skips) < dst.cfg.MaxSkips {
			report.Skips = append(report.Skips, s)
		}
	}
	return nil
}
