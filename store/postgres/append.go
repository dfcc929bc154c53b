package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// Append keeps the record and links it into the chain of its account, in one
// statement. When ctx ends while the database works, the record may be kept
// although the error says otherwise; appending it again is safe.
func (s *Store) Append(ctx context.Context, r decision.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("postgres: append: %w", err)
	}
	if err := store.CheckID(r.Result.ID); err != nil {
		return err
	}
	if err := store.CheckAccountID(r.Input.Account.ID); err != nil {
		return err
	}
	p, err := s.prepare(r)
	if err != nil {
		return fmt.Errorf("postgres: append: %w", err)
	}
	return s.append(ctx, p)
}

// parcel is a record as it goes to the database.
type parcel struct {
	id, account string
	digest      store.Hash
	schema      int
	body        []byte // packed
	canonical   decision.Canonical
	hashes      []store.Hash // of canonical.Series
	decision    columns.Decision
	assets      []columns.Asset
	calls       []columns.Call
}

func (s *Store) prepare(r decision.Record) (*parcel, error) {
	c, err := r.Canonical()
	if err != nil {
		return nil, err
	}
	row, err := store.Project(r)
	if err != nil {
		return nil, err
	}
	p := &parcel{id: row.ID, account: row.AccountID, digest: c.Digest(), schema: r.Schema, body: s.pack.Pack(c.Body), canonical: c}
	if p.decision, p.assets, p.calls, err = columns.Encode(row); err != nil {
		return nil, err
	}
	for _, series := range c.Series {
		p.hashes = append(p.hashes, series.Digest())
	}
	return p, nil
}

// append sends the parcel without the candles that are believed to be kept;
// when that was wrong, with all of them.
func (s *Store) append(ctx context.Context, p *parcel) error {
	bodies, err := s.bodies(p, s.known.has)
	if err != nil {
		return err
	}
	for range maxTries {
		var said reply
		err := s.retrying(ctx, func(db DB) (err error) {
			said, err = send(ctx, db, p, bodies)
			return err
		})
		switch {
		case err == nil && said.Appended:
			s.known.add(p.hashes)
			return nil
		case err == nil && said.Found:
			return same(p, said.Kept)
		case code(err) == codeUnique:
			// Somebody appended it between the look and the insert: look again.
		case err != nil:
			return wrap(ctx, "append", err)
		case said.Missing > 0:
			if bodies, err = s.bodies(p, func(store.Hash) bool { return false }); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("postgres: append: %w", errBusy)
}

var errBusy = errors.New("others changed the same rows again and again")

func same(p *parcel, kept []byte) error {
	if !bytes.Equal(kept, p.digest[:]) {
		return fmt.Errorf("%w: %.128q", store.ErrConflict, p.id)
	}
	return nil
}

// bodies are the packed candles of the parcel, nil for those to leave out.
func (s *Store) bodies(p *parcel, leaveOut func(store.Hash) bool) ([][]byte, error) {
	bodies := make([][]byte, len(p.hashes))
	for i, h := range p.hashes {
		if leaveOut(h) {
			continue
		}
		text, err := p.canonical.Series[i].MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("postgres: append: candles: %w", err)
		}
		bodies[i] = s.pack.Pack(text)
	}
	return bodies, nil
}

// reply is what appendSQL returns.
type reply struct {
	Found    bool   // the id is taken
	Kept     []byte // digest of the record that has it; nil: legacy
	Missing  int64  // series that are neither kept nor sent
	Appended bool
}

func send(ctx context.Context, db DB, p *parcel, bodies [][]byte) (reply, error) {
	return one(ctx, db, pgx.RowToStructByPos[reply], appendSQL, p.arguments(bodies)...)
}
