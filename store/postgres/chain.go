package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// Heads are the ends of the chains of all accounts.
func (s *Store) Heads(ctx context.Context) ([]store.Checkpoint, error) {
	type head struct {
		Name string
		Seq  int64
		Hash []byte
		At   *time.Time
	}
	heads, err := all(ctx, s.db, pgx.RowToStructByPos[head], `SELECT a.name, a.chain_length, a.chain_head,
		(SELECT d.timestamp FROM decisions d WHERE d.account_id = a.id AND d.seq = a.chain_length) FROM accounts a`)
	if err != nil {
		return nil, wrap(ctx, "heads", err)
	}
	checkpoints := make([]store.Checkpoint, len(heads))
	for i, h := range heads {
		c := &checkpoints[i]
		c.AccountID, c.Seq = store.FromKey(h.Name), h.Seq
		copy(c.Hash[:], h.Hash)
		if h.At != nil {
			c.At = h.At.UTC()
		}
	}
	slices.SortFunc(checkpoints, func(a, b store.Checkpoint) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return checkpoints, nil
}

// chained is a row of decisions with the record as its table has it; nil: gone.
type chained struct {
	line
	series [][]byte
	body   []byte
	has    bool
}

func scanChained(row pgx.CollectableRow) (c chained, err error) {
	err = row.Scan(append(c.targets(), &c.series, &c.body, &c.has)...)
	c.nulls()
	return c, err
}

// Links yields the links of an account after a sequence number. It reads in
// batches, so the store may be used meanwhile.
func (s *Store) Links(ctx context.Context, accountID string, after int64) iter.Seq2[store.Chained, error] {
	return func(yield func(store.Chained, error) bool) {
		for {
			batch, err := s.linkBatch(ctx, accountID, after)
			if err != nil {
				yield(store.Chained{}, wrap(ctx, "links", err))
				return
			}
			for i := range batch {
				if !yield(batch[i].chained, batch[i].err) {
					return
				}
				after = batch[i].chained.Link.Seq
			}
			if len(batch) < batchRecords {
				return
			}
		}
	}
}

// readLink is a link, and why not all of it can be read.
type readLink struct {
	chained store.Chained
	err     error
}

func (s *Store) linkBatch(ctx context.Context, accountID string, after int64) ([]readLink, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lines, err := all(ctx, s.db, scanChained, `SELECT `+lineColumns+`, r.series, r.body, r.decision_id IS NOT NULL
		FROM decisions d LEFT JOIN decision_records r ON r.decision_id = d.id
		WHERE d.account_id = (SELECT id FROM accounts WHERE name = $1) AND d.seq > $2 ORDER BY d.seq LIMIT $3`,
		plain(store.Key(accountID)), after, batchRecords)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	ids, batch := make([]int64, len(lines)), make([]kept, len(lines))
	for i := range lines {
		l := &lines[i]
		ids[i], batch[i] = l.ID, kept{UID: l.Decision.UID, Digest: l.Digest, Series: l.series, Body: l.body}
	}
	series, err := s.series(ctx, batch)
	if err != nil {
		return nil, err
	}
	assets, err := s.assets(ctx, ids)
	if err != nil {
		return nil, err
	}
	calls, err := s.calls(ctx, ids)
	if err != nil {
		return nil, err
	}
	links := make([]readLink, len(lines))
	for i := range lines {
		links[i] = s.readLink(&lines[i], &batch[i], series, assets[lines[i].ID], calls[lines[i].ID])
		links[i].chained.AccountID = accountID
	}
	return links, nil
}

func (s *Store) readLink(l *chained, k *kept, series map[string]candles, assets []columns.Asset, calls []columns.Call) readLink {
	var (
		c        store.Chained
		problems [3]error
	)
	c.Link, problems[0] = l.link()
	c.Row, problems[1] = columns.Decode(l.Decision, assets, calls)
	if l.has {
		c.Canonical, problems[2] = canonical(s.pack, k, series)
	} else {
		c.Canonical, problems[2] = decision.Canonical{}, errors.New("its record is missing")
	}
	if err := errors.Join(problems[:]...); err != nil {
		return readLink{c, fmt.Errorf("%w: link %d: %w", store.ErrCorrupt, c.Link.Seq, err)}
	}
	return readLink{chained: c}
}

func (s *Store) calls(ctx context.Context, ids []int64) (map[int64][]columns.Call, error) {
	rows, err := s.db.Query(ctx, `SELECT decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd
		FROM llm_calls WHERE decision_id = ANY($1) ORDER BY decision_id, attempt`, ids)
	if err != nil {
		return nil, err
	}
	calls := make(map[int64][]columns.Call, len(ids))
	var (
		id int64
		c  columns.Call
	)
	_, err = pgx.ForEachRow(rows, []any{
		&id, &c.Attempt, &c.Model, &c.Endpoint, &c.Status, &c.LatencyMS, &c.PromptTokens, &c.CompletionTokens, &c.CostUSD,
	}, func() error {
		nulls(&c.CostUSD)
		calls[id] = append(calls[id], c)
		return nil
	})
	return calls, err
}
