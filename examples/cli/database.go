package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
)

// databaseFlags say where records are.
type databaseFlags struct {
	Database *string `placeholder:"URL" help:"postgresql://user:password@host/name or sqlite://FILE. Default DATABASE_URL, else ballast.db in DATA_DIR. A password is better given by DATABASE_URL, which other users of the machine cannot see."`
}

var errForgets = errors.New("DATABASE_URL is memory:, which is forgotten with each run: there is nothing to look at")

// settings reads the settings with the flag in force.
func (f databaseFlags) settings(s *session) (config.Config, error) {
	overrides := map[string]config.Override{}
	if f.Database != nil {
		overrides["DATABASE_URL"] = config.Override{Flag: "--database", Value: *f.Database}
	}
	cfg, err := config.Read(s.env, overrides)
	if err != nil {
		return cfg, usageError{err}
	}
	for _, w := range cfg.Warnings {
		s.warn(w)
	}
	if cfg.Database.Kind == config.DatabaseMemory {
		return cfg, usageError{errForgets}
	}
	return cfg, nil
}

// open opens the database for one command.
func (f databaseFlags) open(ctx context.Context, s *session, o app.DatabaseOptions, use func(app.Database) error) error {
	cfg, err := f.settings(s)
	if err != nil {
		return err
	}
	o.Logger = s.logger(cfg.LogLevel)
	db, err := app.OpenDatabase(ctx, cfg.Database, o)
	if err != nil {
		return err
	}
	return errors.Join(use(db), db.Close())
}

// spanFlags select by time.
type spanFlags struct {
	Since *instant `placeholder:"TIME" help:"Decided at or after this time, such as 2025-10-10T22:00:00Z."`
	Until *instant `placeholder:"TIME" help:"Decided before this time."`
}

func (f spanFlags) span() (since, until time.Time, err error) {
	if f.Since != nil {
		since = f.Since.Time
	}
	if f.Until != nil {
		until = f.Until.Time
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		err = usageError{fmt.Errorf("--until must not be before --since (%s), was %s", since.Format(time.RFC3339), until.Format(time.RFC3339))}
	}
	return since, until, err
}
