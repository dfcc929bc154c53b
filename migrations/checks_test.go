package migrations_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/migrations"
)

func TestNewerSchema_IsNotTouched(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.NoError(t, m.Up(t.Context()))
		execute(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9, true)")
		before := dump(t, db, p.dialect)
		for name, try := range map[string]func() error{
			"Up":     func() error { return m.Up(t.Context()) },
			"UpTo":   func() error { return m.UpTo(t.Context(), 2) },
			"Down":   func() error { return m.Down(t.Context()) },
			"DownTo": func() error { return m.DownTo(t.Context(), 0) },
			"Stamp":  func() error { return m.Stamp(t.Context(), 1) },
			"Check":  func() error { return m.Check(t.Context()) },
			"Plan":   func() error { _, err := m.Plan(t.Context(), 1); return err },
		} {
			err := try()
			require.ErrorIs(t, err, migrations.ErrNewerSchema, name)
			var versions *migrations.VersionError
			require.ErrorAs(t, err, &versions, name)
			require.Equal(t, migrations.VersionError{Database: 9, Program: 4}, *versions, name)
		}
		require.Equal(t, before, dump(t, db, p.dialect))
		log, err := m.History(t.Context())
		require.NoError(t, err)
		require.Len(t, log, 4)
		current, err := m.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, "0009 - unknown to this program", current.String())
	})
}

func TestOldSchema_SaysWhatToRun(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		_, m := p.start(t)
		require.NoError(t, m.UpTo(t.Context(), 2))
		require.EqualError(t, m.Check(t.Context()),
			"migrations: the database is older than the program: its schema is 0002, the program needs 0004: run `ballast migrate up`")
	})
}

func TestChangedMigration_IsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.NoError(t, m.UpTo(t.Context(), 3))
		steps, err := migrations.Embedded(p.dialect)
		require.NoError(t, err)
		other, err := migrations.Parse("0002_multi_asset.sql", "-- +ballast Up\nSELECT 1;\n-- +ballast Down\nSELECT 1;\n")
		require.NoError(t, err)
		was := steps[1].SHA256
		steps[1] = other
		changed, err := migrations.New(db, p.dialect, migrations.WithSteps(migrations.Config{LockPath: p.lock}, steps))
		require.NoError(t, err)
		for name, err := range map[string]error{"Up": changed.Up(t.Context()), "Check": changed.Check(t.Context()), "Down": changed.Down(t.Context())} {
			require.ErrorIs(t, err, migrations.ErrChanged, name)
			var what *migrations.ChangedError
			require.ErrorAs(t, err, &what, name)
			require.Equal(t, migrations.ChangedError{Version: 2, Name: "multi_asset", Applied: was, Embedded: other.SHA256}, *what, name)
		}
		require.NoError(t, changed.Stamp(t.Context(), 3), "who knows what happened says so")
		require.NoError(t, changed.Up(t.Context()))
		require.NoError(t, changed.Check(t.Context()))
	})
}

func TestStamp_MarksAndRunsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		for _, step := range []struct {
			to   int64
			want string
		}{{4, "0004 (head) - timescale"}, {2, "0002 - multi_asset"}, {0, "0000 - empty"}, {1, "0001 - legacy"}} {
			require.NoError(t, m.Stamp(t.Context(), step.to))
			current, err := m.Current(t.Context())
			require.NoError(t, err)
			require.Equal(t, step.want, current.String())
			require.Empty(t, tables(t, db, p.dialect))
		}
		require.EqualError(t, m.Stamp(t.Context(), 7), "migrations: unknown version: it must be one of 1 to 4, was 7")
	})
}

func TestHistory_HasTheWaysDownToo(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		_, m := p.start(t)
		none, err := m.History(t.Context())
		require.NoError(t, err)
		require.Empty(t, none)
		require.NoError(t, m.UpTo(t.Context(), 2))
		require.NoError(t, m.Down(t.Context()))
		require.NoError(t, m.Stamp(t.Context(), 1))
		require.NoError(t, m.UpTo(t.Context(), 2))
		log, err := m.History(t.Context())
		require.NoError(t, err)
		var told []string
		for i, e := range log {
			told = append(told, e.Direction+" "+e.Name)
			require.Len(t, e.SHA256, 64)
			require.False(t, i > 0 && e.At.Before(log[i-1].At))
		}
		require.Equal(t, []string{"up legacy", "up multi_asset", "down multi_asset", "stamp legacy", "up multi_asset"}, told)
		status, err := m.Status(t.Context())
		require.NoError(t, err)
		require.Len(t, status, 4)
		for i, s := range status {
			require.Equal(t, i < 2, s.Applied)
			require.Equal(t, i < 2, !s.AppliedAt.IsZero())
		}
		require.Equal(t, log[4].At, status[1].AppliedAt)
	})
}

func TestPlan_SaysWhichStepsAskForABackup(t *testing.T) {
	t.Parallel()
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		told := func(to int64) (all []string) {
			plan, err := m.Plan(t.Context(), to)
			require.NoError(t, err)
			for _, s := range plan {
				text := s.Direction + " " + s.Name
				if s.Destructive {
					text += "!"
					require.NotEmpty(t, s.Note)
				}
				all = append(all, text)
			}
			return all
		}
		require.Equal(t, []string{"up legacy", "up multi_asset", "up records", "up timescale"}, told(m.Head()), "of an empty database")
		foreign(t, db, p.dialect, 3)
		require.Equal(t, []string{"adopt legacy", "up multi_asset!", "up records!", "up timescale"}, told(m.Head()))
		require.Empty(t, mustHistory(t, m), "a plan writes nothing")
		require.NoError(t, m.Up(t.Context()))
		require.Empty(t, told(m.Head()))
		require.Equal(t, []string{"down timescale", "down records!", "down multi_asset!"}, told(1))
		_, err := m.Plan(t.Context(), 5)
		require.EqualError(t, err, "migrations: unknown version: it must be one of 1 to 4, was 5")
	})
}

func mustHistory(t *testing.T, m *migrations.Migrator) []migrations.Event {
	t.Helper()
	log, err := m.History(t.Context())
	require.NoError(t, err)
	return log
}

func TestUp_LeavesForeignTablesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  string // of a single-asset schema
		problem string
	}{
		"another column":  {"ALTER TABLE decisions ADD COLUMN mood text", "column decisions.mood is unknown"},
		"a column less":   {"ALTER TABLE decisions DROP COLUMN exit_plan", "column decisions.exit_plan is missing"},
		"another type":    {"ALTER TABLE decisions DROP COLUMN tp_price; ALTER TABLE decisions ADD COLUMN tp_price real", "column decisions.tp_price must be"},
		"nullable":        {"ALTER TABLE decisions DROP COLUMN symbol; ALTER TABLE decisions ADD COLUMN symbol TEXT", "column decisions.symbol must be NOT NULL"},
		"assets already":  {"CREATE TABLE asset_decisions (id int)", "table asset_decisions is there already"},
		"accounts, alone": {"DROP TABLE decisions; CREATE TABLE accounts (id int)", "table accounts is there already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(p place) {
				t := p.t
				db, m := p.start(t)
				foreign(t, db, p.dialect, 3)
				execute(t, db, c.change)
				before := dump(t, db, p.dialect)
				err := m.Up(t.Context())
				require.ErrorIs(t, err, migrations.ErrForeignSchema)
				require.ErrorContains(t, err, c.problem)
				_, err = m.Plan(t.Context(), m.Head())
				require.ErrorIs(t, err, migrations.ErrForeignSchema)
				require.Equal(t, before, dump(t, db, p.dialect))
				require.Empty(t, mustHistory(t, m))
			})
		})
	}
}

func TestTimescale_AbsentLeavesAPlainTable(t *testing.T) {
	t.Parallel()
	p := sqlitePlace(t)
	_, lite := p.start(t)
	require.NoError(t, lite.Up(t.Context()))
	each(t, func(p place) {
		t := p.t
		db, m := p.start(t)
		require.NoError(t, m.UpTo(t.Context(), 3))
		before := dump(t, db, p.dialect)
		require.NoError(t, m.Up(t.Context()))
		require.Equal(t, before, dump(t, db, p.dialect))
		require.NoError(t, m.Down(t.Context()))
		require.Equal(t, before, dump(t, db, p.dialect))
	})
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, err := migrations.New(nil, migrations.SQLite, migrations.Config{})
	require.EqualError(t, err, "migrations: db must not be nil")
	p := sqlitePlace(t)
	db, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = migrations.New(db, "mysql", migrations.Config{})
	require.EqualError(t, err, `migrations: dialect must be "postgres" or "sqlite", was "mysql"`)
	_, err = migrations.New(db, migrations.Postgres, migrations.Config{})
	require.EqualError(t, err, "migrations: the pool must allow 2 connections or more, was 1")
}
