package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ballast-go/ballast/breaker"
)

const (
	circuitsName   = "breakers.json"
	circuitsFormat = "ballast-breakers"
	circuitsSchema = 1
	maxCircuits    = 128 // those saved longest ago make room
	maxFileBytes   = 1 << 20
	maxNameBytes   = 300
	maxCount       = 1 << 50
	dirMode        = 0o750
)

// CircuitsPath is the file of the circuits in DATA_DIR.
func CircuitsPath(dir string) string { return filepath.Join(dir, circuitsName) }

// CircuitsFile is what is kept of the circuits of models.
type CircuitsFile struct {
	Format   string         `json:"format"`
	Schema   int            `json:"schema"`
	Circuits []SavedCircuit `json:"circuits"`
}

// SavedCircuit is one circuit with the counts of all runs that saved it.
type SavedCircuit struct {
	State   breaker.State `json:"state"`
	SavedAt time.Time     `json:"saved_at"` // UTC

	Total               uint64 `json:"total"`
	Successes           uint64 `json:"successes"`
	Failures            uint64 `json:"failures"`
	Excluded            uint64 `json:"excluded"`
	Rejected            uint64 `json:"rejected"`
	Opened              uint64 `json:"opened"`
	ConsecutiveFailures uint64 `json:"consecutive_failures"`

	Served   uint64 `json:"served"`   // decisions, by the model or by the fallback
	Reported uint64 `json:"reported"` // decisions in all; 0: the circuit is not told

	LastFailureAt     time.Time `json:"last_failure_at,omitzero"`
	LastFailureReason string    `json:"last_failure_reason,omitempty"`

	// Latencies of attempts in the latest run that made any; 0: unknown.
	LatencyP50 time.Duration `json:"latency_p50_ns,omitzero"`
	LatencyP95 time.Duration `json:"latency_p95_ns,omitzero"`
	LatencyP99 time.Duration `json:"latency_p99_ns,omitzero"`
}

// ReadCircuits reads the file in dir. The error is fs.ErrNotExist when there
// is none, and says what is wrong with one that cannot be used.
func ReadCircuits(dir string) (CircuitsFile, error) {
	path := CircuitsPath(dir)
	file, err := os.Open(path)
	if err != nil {
		return CircuitsFile{}, err
	}
	defer func() { _ = file.Close() }() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return CircuitsFile{}, err
	}
	out, err := parseCircuits(data)
	if err != nil {
		return CircuitsFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func parseCircuits(data []byte) (CircuitsFile, error) {
	if len(data) > maxFileBytes {
		return CircuitsFile{}, fmt.Errorf("must have at most %d bytes", maxFileBytes)
	}
	decoder := json.NewDecoder(bytes.NewReader(data)) //nolint:forbidigo // a host has no internal/jsonx
	decoder.DisallowUnknownFields()
	var out CircuitsFile
	if err := decoder.Decode(&out); err != nil {
		return CircuitsFile{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return CircuitsFile{}, errors.New("must end after one object")
	}
	return out, out.validate()
}

func (f CircuitsFile) validate() error {
	if f.Format != circuitsFormat || f.Schema != circuitsSchema {
		return fmt.Errorf("format and schema must be %q and %d, were %.40q and %d", circuitsFormat, circuitsSchema, f.Format, f.Schema)
	}
	if n := len(f.Circuits); n > maxCircuits {
		return fmt.Errorf("circuits must be at most %d, were %d", maxCircuits, n)
	}
	names := map[string]bool{}
	for i, c := range f.Circuits {
		name := c.State.Name
		switch {
		case name == "" || len(name) > maxNameBytes:
			return fmt.Errorf("circuits[%d].state.name must have 1 to %d bytes, had %d", i, maxNameBytes, len(name))
		case names[name]:
			return fmt.Errorf("circuits[%d].state.name must be unique, was %.80q again", i, name)
		case c.State.Phase != breaker.PhaseClosed && c.State.Phase != breaker.PhaseOpen:
			return fmt.Errorf("circuits[%d].state.phase must be %q or %q, was %.40q", i, breaker.PhaseClosed, breaker.PhaseOpen, string(c.State.Phase))
		case max(c.Total, c.Successes, c.Failures, c.Excluded, c.Rejected, c.Opened, c.ConsecutiveFailures, c.Reported) > maxCount:
			return fmt.Errorf("circuits[%d] must have counts of at most %d", i, uint64(maxCount))
		case c.Served > c.Reported:
			return fmt.Errorf("circuits[%d].served must be at most reported %d, was %d", i, c.Reported, c.Served)
		case min(c.LatencyP50, c.LatencyP95, c.LatencyP99) < 0:
			return fmt.Errorf("circuits[%d] must not have a negative latency", i)
		}
		names[name] = true
	}
	return nil
}

func (f *CircuitsFile) find(name string) *SavedCircuit {
	for i := range f.Circuits {
		if f.Circuits[i].State.Name == name {
			return &f.Circuits[i]
		}
	}
	return nil
}

// entry is the circuit of that name, made when there is none.
func (f *CircuitsFile) entry(name string) *SavedCircuit {
	if one := f.find(name); one != nil {
		return one
	}
	f.Circuits = append(f.Circuits, SavedCircuit{State: breaker.State{Name: name, Phase: breaker.PhaseClosed}})
	return &f.Circuits[len(f.Circuits)-1]
}

// write replaces the file in one step: who reads sees the old or the new one.
func (f *CircuitsFile) write(dir string) error {
	f.Format, f.Schema = circuitsFormat, circuitsSchema
	slices.SortStableFunc(f.Circuits, func(a, b SavedCircuit) int { return b.SavedAt.Compare(a.SavedAt) })
	f.Circuits = f.Circuits[:min(len(f.Circuits), maxCircuits)]
	data, err := json.MarshalIndent(f, "", "  ") //nolint:forbidigo // a host has no internal/jsonx
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return replaceFile(CircuitsPath(dir), append(data, '\n'))
}

func replaceFile(path string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) //nolint:errcheck // the first error is the one to tell
		}
	}()
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// ErrNoCircuit reports a name that no saved circuit has.
var ErrNoCircuit = errors.New("no such circuit")

// ResetCircuits closes by hand the circuits of one name, that for answers
// included, or with an empty name all of them, and returns their names. The
// counts stay. A program that is running keeps its own state.
func ResetCircuits(dir, name string) ([]string, error) {
	file, err := ReadCircuits(dir)
	if err != nil {
		return nil, err
	}
	var done []string
	for i := range file.Circuits {
		c := &file.Circuits[i]
		if name == "" || c.State.Name == name || c.State.Name == name+answers {
			c.State = breaker.State{Name: c.State.Name, Phase: breaker.PhaseClosed}
			c.ConsecutiveFailures = 0
			done = append(done, c.State.Name)
		}
	}
	if len(done) == 0 && name != "" {
		return nil, fmt.Errorf("%w: %.100q", ErrNoCircuit, name)
	}
	return done, file.write(dir)
}
