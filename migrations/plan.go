package migrations

import (
	"context"
	"fmt"
)

// Step is one move of a plan.
type Step struct {
	Version     int64  `json:"version"`
	Name        string `json:"name"`
	Direction   string `json:"direction"`      // up, down, adopt
	Destructive bool   `json:"destructive"`    // a back-up first is advised
	Note        string `json:"note,omitempty"` // what it does to data
}

// Plan is what going to a version would do, in order; Up(ctx) goes to Head. It
// writes nothing, and reports what Up would refuse.
func (m *Migrator) Plan(ctx context.Context, target int64) ([]Step, error) {
	if _, ok := m.step(target); !ok && target != 0 {
		return nil, m.unknown(target)
	}
	st, err := m.state(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.verify(st); err != nil {
		return nil, err
	}
	var plan []Step
	from := st.version
	if from == 0 && target > 0 {
		problems, found, err := m.legacyProblems(ctx)
		if err != nil {
			return nil, wrap(err)
		}
		if len(problems) > 0 {
			return nil, &ForeignError{Problems: problems}
		}
		if found {
			from = 1
			plan = append(plan, Step{Version: 1, Name: m.steps[0].Name, Direction: string(directionAdopt), Note: "the tables of a single-asset system are there: marked, not changed"})
		}
	}
	rows := false
	if from >= 1 && from < 3 {
		if err := m.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM decisions)").Scan(&rows); err != nil {
			return nil, wrap(err)
		}
	}
	return append(plan, m.moves(from, target, rows)...), nil
}

// Head is the newest version that the program knows.
func (m *Migrator) Head() int64 { return m.head() }

func (m *Migrator) moves(from, target int64, rows bool) []Step {
	var plan []Step
	for _, s := range m.steps {
		if s.Version <= from || s.Version > target {
			continue
		}
		move := Step{Version: s.Version, Name: s.Name, Direction: string(directionUp)}
		if rows && s.Version <= recordsVersion {
			move.Destructive, move.Note = true, "converts the decisions that are there"
		}
		plan = append(plan, move)
	}
	for i := len(m.steps) - 1; i >= 0; i-- {
		s := m.steps[i]
		if s.Version > from || s.Version <= target {
			continue
		}
		move := Step{Version: s.Version, Name: s.Name, Direction: string(directionDown)}
		if s.Version <= recordsVersion {
			move.Destructive, move.Note = true, fmt.Sprintf("sets tables aside as archive_%04d_…", s.Version)
		}
		plan = append(plan, move)
	}
	return plan
}
