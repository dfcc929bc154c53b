package migrations

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers branch on.
var (
	// ErrNewerSchema says that a newer program migrated the database; nothing
	// was touched. The error is a *VersionError.
	ErrNewerSchema = errors.New("migrations: the database is newer than the program")
	// ErrOldSchema says that the database must be migrated before it is used.
	// The error is a *VersionError.
	ErrOldSchema = errors.New("migrations: the database is older than the program")
	// ErrChanged says that an applied migration had another text. The error is
	// a *ChangedError.
	ErrChanged = errors.New("migrations: an applied migration was changed")
	// ErrUnknownVersion says that there is no such version.
	ErrUnknownVersion = errors.New("migrations: unknown version")
	// ErrForeignSchema says that the database holds tables of the same names
	// that are neither this module's nor a single-asset system's. The error is
	// a *ForeignError.
	ErrForeignSchema = errors.New("migrations: the tables are not of a schema that can be converted")
)

// VersionError says which versions do not fit.
type VersionError struct{ Database, Program int64 }

// Error says what to do.
func (e *VersionError) Error() string {
	if e.Database > e.Program {
		return fmt.Sprintf("%v: its schema is %04d, the program knows up to %04d: run a newer program", ErrNewerSchema, e.Database, e.Program)
	}
	return fmt.Sprintf("%v: its schema is %04d, the program needs %04d: run `ballast migrate up`", ErrOldSchema, e.Database, e.Program)
}

// Unwrap is ErrNewerSchema or ErrOldSchema.
func (e *VersionError) Unwrap() error {
	if e.Database > e.Program {
		return ErrNewerSchema
	}
	return ErrOldSchema
}

// ChangedError says which migration was changed after it was applied.
type ChangedError struct {
	Version  int64
	Name     string
	Applied  string // SHA-256 of the text that ran
	Embedded string // of the text in this program
}

// Error names the migration and both checksums.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%v: %04d_%s ran with sha256 %s, the program has %s", ErrChanged, e.Version, e.Name, e.Applied, e.Embedded)
}

// Unwrap is ErrChanged.
func (e *ChangedError) Unwrap() error { return ErrChanged }

// ForeignError says what differs from the single-asset schema.
type ForeignError struct{ Problems []string }

// Error names all differences.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%v: %s; use another database, and `ballast import-legacy` for decisions of this one",
		ErrForeignSchema, strings.Join(e.Problems, "; "))
}

// Unwrap is ErrForeignSchema.
func (e *ForeignError) Unwrap() error { return ErrForeignSchema }
