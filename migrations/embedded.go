package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// recordsVersion is the migration that makes accounts with their chains.
const recordsVersion = 3

// Migration is one embedded step.
type Migration struct {
	Version int64
	Name    string // such as "legacy"
	SHA256  string // of the text, hexadecimal

	up, restore, down string
}

// String is such as "0004_timescale".
func (s Migration) String() string { return fmt.Sprintf("%04d_%s", s.Version, s.Name) }

// Embedded are the steps of a dialect in order.
func Embedded(d Dialect) ([]Migration, error) {
	paths, err := fs.Glob(files, string(d)+"/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, 0, len(paths))
	for _, path := range paths {
		text, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := parse(path[len(d)+1:], string(text))
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// parse reads a file: "NNNN_name.sql", sections after lines "-- +ballast Name".
func parse(file, text string) (Migration, error) {
	number, name, ok := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 1 {
		return Migration{}, fmt.Errorf("migrations: the name of a file must be NNNN_name.sql, was %q", file)
	}
	sum := sha256.Sum256([]byte(text))
	s := Migration{Version: version, Name: name, SHA256: hex.EncodeToString(sum[:])}
	for i, section := range strings.Split("\n"+text, "\n-- +ballast ") {
		title, body, _ := strings.Cut(section, "\n")
		switch {
		case i == 0: // the heading
		case title == "Up":
			s.up = body
		case title == "Restore":
			s.restore = body
		case title == "Down":
			s.down = body
		default:
			return Migration{}, fmt.Errorf("migrations: %s: a section must be Up, Restore or Down, was %q", file, title)
		}
	}
	if s.up == "" || s.down == "" {
		return Migration{}, fmt.Errorf("migrations: %s: the sections Up and Down must be there", file)
	}
	return s, nil
}

// fillGenesis gives new accounts the head of an empty chain, which SQLite
// cannot compute: store.Genesis as it was when this migration was released.
func fillGenesis(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT id, name FROM accounts WHERE length(chain_head) = 0")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	heads := make(map[int64][sha256.Size]byte)
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		heads[id] = sha256.Sum256([]byte("ballast.chain.v1\n" + name))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, head := range heads {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET chain_head = ? WHERE id = ?", head[:], id); err != nil {
			return err
		}
	}
	return nil
}
