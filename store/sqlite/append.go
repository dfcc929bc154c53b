package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// Append keeps the record and links it into the chain of its account, in one
// transaction, and returns once the disk has it. When the disk itself fails
// while the transaction ends, the record may be kept although the error says
// otherwise; appending it again is safe.
func (s *Store) Append(ctx context.Context, r decision.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlite: append: %w", err)
	}
	if err := store.CheckID(r.Result.ID); err != nil {
		return err
	}
	if err := store.CheckAccountID(r.Input.Account.ID); err != nil {
		return err
	}
	if s.cfg.ReadOnly {
		return store.ErrReadOnly
	}
	p, err := s.prepare(ctx, r)
	if err != nil {
		return wrap(ctx, "append", err)
	}
	return wrap(ctx, "append", s.write(ctx, func(ctx context.Context, t *tx) error { return s.insert(ctx, t, p) }))
}

// parcel is a record as it goes to the database.
type parcel struct {
	id, account string
	digest      store.Hash
	schema      int
	body        []byte // packed
	canonical   decision.Canonical
	hashes      []store.Hash // of canonical.Series
	packed      [][]byte     // the same; nil: was kept already
	decision    columns.Decision
	assets      []columns.Asset
	calls       []columns.Call
}

// prepare does what needs no lock. Candles that are kept already are not
// packed again.
func (s *Store) prepare(ctx context.Context, r decision.Record) (*parcel, error) {
	if year := r.Result.At.UTC().Year(); year < 0 || year > 9999 {
		return nil, fmt.Errorf("at must be in the years 0 to 9999, was in %d", year)
	}
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
	p.packed = make([][]byte, len(p.hashes))
	var kept map[store.Hash]bool
	err = s.read(ctx, func(q querier) error {
		kept, err = present(ctx, q, p.hashes)
		return err
	})
	for i := 0; err == nil && i < len(p.hashes); i++ {
		if !kept[p.hashes[i]] {
			err = s.packSeries(p, i)
		}
	}
	return p, err
}

func (s *Store) packSeries(p *parcel, i int) error {
	text, err := p.canonical.Series[i].MarshalJSON()
	if err != nil {
		return fmt.Errorf("candles: %w", err)
	}
	p.packed[i] = s.pack.Pack(text)
	return nil
}

// insert appends the parcel. What it refuses it refuses before it changes
// anything.
func (s *Store) insert(ctx context.Context, t *tx, p *parcel) error {
	var kept sql.RawBytes
	found := false
	err := each(ctx, t, []any{&kept}, func() error {
		found = true
		if !bytes.Equal(kept, p.digest[:]) {
			return fmt.Errorf("%w: %.128q", store.ErrConflict, p.id)
		}
		return nil
	}, `SELECT record_hash FROM decisions WHERE uid = ?`, p.decision.UID)
	if err != nil || found {
		return err
	}
	account, link, err := nextLink(ctx, t, p)
	if err != nil {
		return err
	}
	if err := s.insertSeries(ctx, t, p); err != nil {
		return err
	}
	d := &p.decision
	result, err := t.exec(ctx, `INSERT INTO decisions (uid, account_id, timestamp, strategy_used, strategy_hash, model_used, source, reason,
		portfolio_rationale, total_allocation_usd, portfolio_risk_level, is_valid, errors, warnings, degraded, cached,
		generation_time_ms, prompt_tokens, completion_tokens, cost_usd, seq, record_hash, previous_hash, link_hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.UID, account, timeText(d.At), d.Strategy, d.StrategyHash, d.Model, d.Source, d.Reason,
		d.PortfolioRationale, d.TotalAllocationUSD.String(), d.PortfolioRiskLevel, bit(d.IsValid), string(d.Errors), string(d.Warnings),
		string(d.Degraded), bit(d.Cached), numberText(d.GenerationTimeMS), d.PromptTokens, d.CompletionTokens, numberText(d.CostUSD),
		link.Seq, link.Digest[:], link.Previous[:], link.Hash[:])
	if err != nil {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	if err := insertParts(ctx, t, p, id); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE accounts SET decisions = decisions + 1, chain_length = ?, chain_head = ? WHERE id = ?`, link.Seq, link.Hash[:], account)
	return err
}

// nextLink is where the chain of the account goes on. The transaction holds
// the only lock that writes, so nobody else continues it.
func nextLink(ctx context.Context, t *tx, p *parcel) (account int64, link store.Link, err error) {
	var head []byte
	err = one(ctx, t, []any{&account, &link.Seq, &head}, `SELECT id, chain_length, chain_head FROM accounts WHERE name = ?`, p.decision.Account)
	link.Previous = store.Genesis(p.account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if account, err = newAccount(ctx, t, p.account); err != nil {
			return 0, link, err
		}
	case err != nil:
		return 0, link, err
	case len(head) == len(link.Previous):
		copy(link.Previous[:], head)
	case len(head) > 0 || link.Seq > 0:
		return 0, link, fmt.Errorf("%w: chain_head of account %.100q must have %d bytes, had %d", store.ErrCorrupt, p.account, len(link.Previous), len(head))
	}
	link.Seq++
	link.Digest = p.digest
	link.Hash = store.Next(link.Previous, link.Seq, link.Digest)
	return account, link, nil
}

// insertSeries keeps candles that are not kept yet. Those that were there when
// the parcel was prepared are looked for again.
func (s *Store) insertSeries(ctx context.Context, t *tx, p *parcel) error {
	kept, err := present(ctx, t, p.hashes)
	if err != nil {
		return err
	}
	for i := range p.hashes {
		if kept[p.hashes[i]] {
			continue
		}
		if p.packed[i] == nil { // pruned meanwhile
			if err := s.packSeries(p, i); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, `INSERT OR IGNORE INTO record_series (hash, body) VALUES (?, ?)`, p.hashes[i][:], p.packed[i]); err != nil {
			return err
		}
	}
	return nil
}

func insertParts(ctx context.Context, t *tx, p *parcel, id int64) error {
	for i := range p.assets {
		a := &p.assets[i]
		_, err := t.exec(ctx, `INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale,
			confidence, risk_level, position_adjustment, order_adjustment, refused, refusal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, a.Position, a.Asset, a.Action, a.AllocationUSD.String(), numberText(a.TPPrice), numberText(a.SLPrice), a.ExitPlan, a.Rationale,
			a.Confidence.String(), a.RiskLevel, jsonText(a.PositionAdjustment), jsonText(a.OrderAdjustment), bit(a.Refused), jsonText(a.Refusal))
		if err != nil {
			return err
		}
	}
	for i := range p.calls {
		c := &p.calls[i]
		_, err := t.exec(ctx, `INSERT INTO llm_calls (decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, c.Attempt, c.Model, c.Endpoint, c.Status, c.LatencyMS.String(), c.PromptTokens, c.CompletionTokens, numberText(c.CostUSD))
		if err != nil {
			return err
		}
	}
	series := make([]byte, 0, len(p.hashes)*len(store.Hash{}))
	for i := range p.hashes {
		series = append(series, p.hashes[i][:]...)
	}
	_, err := t.exec(ctx, `INSERT INTO decision_records (decision_id, schema, series, body) VALUES (?, ?, ?, ?)`, id, p.schema, series, p.body)
	return err
}
