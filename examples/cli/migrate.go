package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/migrations"
)

type migrateCommand struct {
	Up      migrateUpCommand      `cmd:"" help:"Bring the database to the newest schema, or make it. A single-asset database is converted with its data."`
	UpTo    migrateUpToCommand    `cmd:"" help:"Go up to a version."`
	Down    migrateDownCommand    `cmd:"" help:"Take the newest version back. What the older schema cannot hold is set aside and restored on the way up."`
	DownTo  migrateDownToCommand  `cmd:"" help:"Go down to a version; 0 is before the first."`
	Stamp   migrateStampCommand   `cmd:"" help:"Mark a version as applied without running anything."`
	Current migrateCurrentCommand `cmd:"" help:"Show the version of the database."`
	Status  migrateStatusCommand  `cmd:"" help:"Show which versions are applied, and which are not."`
	History migrateHistoryCommand `cmd:"" help:"Show every step that was ever made, downs included."`
}

// version is a version as it is typed: a number or head.
type version struct{ n int64 }

const headVersion = -1

// UnmarshalText reads "4", "0004" or "head".
func (v *version) UnmarshalText(text []byte) error {
	if string(text) == "head" {
		v.n = headVersion
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("must be the number of a version or head, was %.20q", text)
	}
	v.n = n
	return nil
}

func (v version) of(m *migrations.Migrator) int64 {
	if v.n == headVersion {
		return m.Head()
	}
	return v.n
}

// stepFlags are those of what changes a database.
type stepFlags struct {
	databaseFlags
	Yes bool `help:"Go ahead although data is converted or set aside; there is a back-up."`
}

// migrator opens the database for migrating it.
func (f databaseFlags) migrator(ctx context.Context, s *session, looking bool, use func(*migrations.Migrator, config.Database) error) error {
	cfg, err := f.settings(s)
	if err != nil {
		return err
	}
	m, closeDatabase, err := app.OpenMigrator(ctx, cfg.Database, looking)
	if err != nil {
		return err
	}
	return errors.Join(use(m, cfg.Database), closeDatabase())
}

// move goes to a version, upwards or downwards as it is told to.
func (f stepFlags) move(ctx context.Context, s *session, target func(*migrations.Migrator, int64) (int64, error), run func(context.Context, *migrations.Migrator, int64) error) error {
	return f.migrator(ctx, s, false, func(m *migrations.Migrator, db config.Database) error {
		was, err := m.Current(ctx)
		if err != nil {
			return err
		}
		to, err := target(m, was.Version)
		if err != nil {
			return err
		}
		plan, err := m.Plan(ctx, to)
		if err != nil {
			return unknownVersion(err)
		}
		if err := f.consent(plan, db); err != nil {
			return err
		}
		if err := run(ctx, m, to); err != nil {
			return err
		}
		return s.moved(ctx, m, plan)
	})
}

// consent asks for --yes before data is converted.
func (f stepFlags) consent(plan []migrations.Step, db config.Database) error {
	if f.Yes {
		return nil
	}
	var notes []string
	for _, step := range plan {
		if step.Destructive {
			notes = append(notes, fmt.Sprintf("%04d_%s, %s, %s", step.Version, step.Name, step.Direction, step.Note))
		}
	}
	if len(notes) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("this changes data (%s): make a back-up first, such as by %s, then go ahead with --yes", strings.Join(notes, "; "), backup(db))}
}

func backup(db config.Database) string {
	if db.Kind == config.DatabasePostgres {
		return "pg_dump \"$DATABASE_URL\" > backup.sql"
	}
	return fmt.Sprintf("sqlite3 %s \".backup backup.db\"", render.Clean(db.Path))
}

func (s *session) moved(ctx context.Context, m *migrations.Migrator, plan []migrations.Step) error {
	now, err := m.Current(ctx)
	if err != nil {
		return err
	}
	for _, step := range plan {
		_, _ = fmt.Fprintf(&s.out, "%-5s %04d_%s\n", step.Direction, step.Version, step.Name)
	}
	if len(plan) == 0 {
		_, _ = fmt.Fprintln(&s.out, "nothing to do")
	}
	_, err = fmt.Fprintln(&s.out, now)
	return err
}

// unknownVersion makes a version that there is not a matter of usage.
func unknownVersion(err error) error {
	if errors.Is(err, migrations.ErrUnknownVersion) {
		return usageError{err}
	}
	return err
}

type migrateUpCommand struct{ stepFlags }

// Run goes to the newest version.
func (c *migrateUpCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, func(m *migrations.Migrator, _ int64) (int64, error) { return m.Head(), nil }, goUp)
}

type migrateUpToCommand struct {
	stepFlags
	Version version `arg:"" help:"Number of the version, or head."`
}

// Run goes up to a version.
func (c *migrateUpToCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, func(m *migrations.Migrator, was int64) (int64, error) {
		to := c.Version.of(m)
		if to < was {
			return 0, usageError{fmt.Errorf("up-to %d would go down from %d: use down-to", to, was)}
		}
		return to, nil
	}, goUp)
}

func goUp(ctx context.Context, m *migrations.Migrator, to int64) error {
	return unknownVersion(m.UpTo(ctx, to))
}

type migrateDownCommand struct{ stepFlags }

// Run takes one version back.
func (c *migrateDownCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, func(_ *migrations.Migrator, was int64) (int64, error) { return max(was-1, 0), nil }, goDown)
}

type migrateDownToCommand struct {
	stepFlags
	Version version `arg:"" help:"Number of the version; 0 is before the first."`
}

// Run goes down to a version.
func (c *migrateDownToCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, func(m *migrations.Migrator, was int64) (int64, error) {
		to := c.Version.of(m)
		if to > was {
			return 0, usageError{fmt.Errorf("down-to %d would go up from %d: use up-to", to, was)}
		}
		return to, nil
	}, goDown)
}

func goDown(ctx context.Context, m *migrations.Migrator, to int64) error {
	return unknownVersion(m.DownTo(ctx, to))
}

type migrateStampCommand struct {
	databaseFlags
	Version version `arg:"" help:"Number of the version, or head."`
}

// Run marks a version.
func (c *migrateStampCommand) Run(ctx context.Context, s *session) error {
	return c.migrator(ctx, s, false, func(m *migrations.Migrator, _ config.Database) error {
		if err := m.Stamp(ctx, c.Version.of(m)); err != nil {
			return unknownVersion(err)
		}
		now, err := m.Current(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(&s.out, "stamped, and nothing was run: %s\n", now)
		return err
	})
}

type lookFlags struct {
	databaseFlags
	JSON bool `name:"json" help:"Print JSON."`
}

type migrateCurrentCommand struct{ lookFlags }

// Run shows the version.
func (c *migrateCurrentCommand) Run(ctx context.Context, s *session) error {
	return c.migrator(ctx, s, true, func(m *migrations.Migrator, _ config.Database) error {
		now, err := m.Current(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return api.Write(&s.out, now)
		}
		_, err = fmt.Fprintln(&s.out, now)
		return err
	})
}

type migrateStatusCommand struct{ lookFlags }

// Run shows all versions.
func (c *migrateStatusCommand) Run(ctx context.Context, s *session) error {
	return c.migrator(ctx, s, true, func(m *migrations.Migrator, _ config.Database) error {
		all, err := m.Status(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return list(s, all)
		}
		for _, v := range all {
			state := "missing"
			if v.Applied {
				state = "applied"
			}
			if !v.AppliedAt.IsZero() {
				state += " " + v.AppliedAt.UTC().Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(&s.out, "%04d_%-20s %s\n", v.Version, v.Name, state)
		}
		return nil
	})
}

type migrateHistoryCommand struct{ lookFlags }

// Run shows every step that was made.
func (c *migrateHistoryCommand) Run(ctx context.Context, s *session) error {
	return c.migrator(ctx, s, true, func(m *migrations.Migrator, _ config.Database) error {
		all, err := m.History(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return list(s, all)
		}
		for _, e := range all {
			_, _ = fmt.Fprintf(&s.out, "%s %-5s %04d_%-20s sha256 %.12s\n", e.At.UTC().Format(time.RFC3339), e.Direction, e.Version, e.Name, e.SHA256)
		}
		if len(all) == 0 {
			_, _ = fmt.Fprintln(&s.out, "no migration ever ran here")
		}
		return nil
	})
}

// list writes JSON of a list, which is never null.
func list[T any](s *session, all []T) error {
	if all == nil {
		all = []T{}
	}
	return api.Write(&s.out, all)
}
