package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

type direction string

const (
	directionUp    direction = "up"
	directionDown  direction = "down"
	directionStamp direction = "stamp"
	directionAdopt direction = "adopt"
)

const timeText = "2006-01-02T15:04:05.000000Z"

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// state is what a database says of itself.
type state struct {
	versioned bool // the version table is there
	version   int64
	applied   map[int64]bool
	sums      map[int64]string // of the text that ran last, where the log says
}

// state reads without changing anything, so it works on what was opened
// read-only.
func (m *Migrator) state(ctx context.Context) (state, error) {
	st := state{applied: map[int64]bool{}, sums: map[int64]string{}}
	var err error
	if st.versioned, err = m.hasTable(ctx, m.db, VersionTable); err != nil || !st.versioned {
		return st, wrap(err)
	}
	err = collect(ctx, m.db, "SELECT version_id FROM "+VersionTable+" WHERE is_applied", func(rows *sql.Rows) error {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return err
		}
		st.applied[v] = true
		st.version = max(st.version, v)
		return nil
	})
	if err != nil {
		return st, wrap(err)
	}
	log, err := m.History(ctx)
	for _, e := range log {
		if e.Direction != string(directionDown) {
			st.sums[e.Version] = e.SHA256
		}
	}
	return st, err
}

// verify reports a database that this program must not touch.
func (m *Migrator) verify(st state) error {
	if st.version > m.head() {
		return &VersionError{Database: st.version, Program: m.head()}
	}
	var problems []error
	for _, s := range m.steps {
		if s.Version <= st.version && !st.applied[s.Version] {
			problems = append(problems, fmt.Errorf("migrations: %s is not applied, though later ones are", s))
		}
		if sum, ok := st.sums[s.Version]; ok && st.applied[s.Version] && sum != s.SHA256 {
			problems = append(problems, &ChangedError{Version: s.Version, Name: s.Name, Applied: sum, Embedded: s.SHA256})
		}
	}
	return errors.Join(problems...)
}

// Check reports whether this program can use the database as it is:
// ErrNewerSchema, ErrOldSchema, ErrChanged. It writes nothing.
func (m *Migrator) Check(ctx context.Context) error {
	st, err := m.state(ctx)
	if err != nil {
		return err
	}
	if err := m.verify(st); err != nil {
		return err
	}
	if st.version < m.head() {
		return &VersionError{Database: st.version, Program: m.head()}
	}
	return nil
}

// Version is where a database stands.
type Version struct {
	Version int64  `json:"version"` // 0: no migration ran
	Name    string `json:"name"`
	Head    bool   `json:"head"` // nothing is missing
}

// String is such as "0004 (head) - timescale".
func (v Version) String() string {
	head := ""
	if v.Head {
		head = " (head)"
	}
	return fmt.Sprintf("%04d%s - %s", v.Version, head, v.Name)
}

// Current is where the database stands. It writes nothing.
func (m *Migrator) Current(ctx context.Context) (Version, error) {
	st, err := m.state(ctx)
	if err != nil {
		return Version{}, err
	}
	v := Version{Version: st.version, Name: "unknown to this program", Head: st.version == m.head()}
	if s, ok := m.step(st.version); ok {
		v.Name = s.Name
	} else if st.version == 0 {
		v.Name = "empty"
	}
	return v, nil
}

// StepStatus is one step that the program knows.
type StepStatus struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"` // UTC; zero: not applied, or not logged
}

// Status is every step in order. It writes nothing.
func (m *Migrator) Status(ctx context.Context) ([]StepStatus, error) {
	st, err := m.state(ctx)
	if err != nil {
		return nil, err
	}
	log, err := m.History(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]StepStatus, len(m.steps))
	for i, s := range m.steps {
		all[i] = StepStatus{Version: s.Version, Name: s.Name, Applied: st.applied[s.Version]}
		for _, e := range log {
			if all[i].Applied && e.Version == s.Version {
				all[i].AppliedAt = e.At
			}
		}
	}
	return all, nil
}

// Event is one thing that happened to a schema.
type Event struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	SHA256    string    `json:"sha256"`
	Direction string    `json:"direction"` // up, down, stamp, adopt
	At        time.Time `json:"at"`        // UTC
}

// History is all that happened, ways down included, oldest first. It writes
// nothing.
func (m *Migrator) History(ctx context.Context) ([]Event, error) {
	found, err := m.hasTable(ctx, m.db, LogTable)
	if err != nil || !found {
		return nil, wrap(err)
	}
	var all []Event
	err = collect(ctx, m.db, "SELECT version, name, sha256, direction, applied_at FROM "+LogTable+" ORDER BY id", func(rows *sql.Rows) error {
		var e Event
		var text string
		at := any(&e.At)
		if m.dialect == SQLite {
			at = &text
		}
		if err := rows.Scan(&e.Version, &e.Name, &e.SHA256, &e.Direction, at); err != nil {
			return err
		}
		if m.dialect == SQLite {
			var err error
			if e.At, err = time.Parse(timeText, text); err != nil {
				return err
			}
		}
		e.At = e.At.UTC()
		all = append(all, e)
		return nil
	})
	return all, wrap(err)
}

func (m *Migrator) createLog(ctx context.Context, tx *sql.Tx) error {
	id, at := "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "timestamptz"
	if m.dialect == SQLite {
		id, at = "INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT"
	}
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+LogTable+` (
    id `+id+`, version bigint NOT NULL, name text NOT NULL, sha256 text NOT NULL, direction text NOT NULL, applied_at `+at+` NOT NULL)`)
	return err
}

func (m *Migrator) note(ctx context.Context, tx *sql.Tx, s Migration, d direction) error {
	at := any(m.cfg.Now().UTC().Truncate(time.Microsecond))
	if m.dialect == SQLite {
		at = m.cfg.Now().UTC().Format(timeText)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO "+LogTable+" (version, name, sha256, direction, applied_at) VALUES ($1, $2, $3, $4, $5)",
		s.Version, s.Name, s.SHA256, string(d), at)
	return err
}

func (m *Migrator) hasTable(ctx context.Context, q querier, name string) (bool, error) {
	query := "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = $1 AND relkind IN ('r', 'p', 'v', 'm', 'f'))"
	if m.dialect == SQLite {
		query = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = $1)"
	}
	var found bool
	err := q.QueryRowContext(ctx, query, name).Scan(&found)
	return found, err
}

func collect(ctx context.Context, q querier, query string, each func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
