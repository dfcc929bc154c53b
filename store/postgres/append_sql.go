package postgres

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// appendSQL is the whole of an append, all or nothing. locked waits for the
// account's row and then reads it as the one before left it, so that the chain
// has no gap; when others took the account up at the same moment, nothing is
// appended and the caller tries again. Amounts travel as text, which is exact
// whatever types the host's connections have registered.
const appendSQL = `
WITH given AS (
	SELECT hash, body FROM unnest($3::bytea[], $4::bytea[]) AS g (hash, body)
), kept AS (
	SELECT record_hash FROM decisions WHERE uid = $1
), missing AS (
	SELECT count(*) AS n FROM given g WHERE body IS NULL AND NOT EXISTS (SELECT FROM record_series s WHERE s.hash = g.hash)
), clear AS (
	SELECT FROM missing WHERE n = 0 AND NOT EXISTS (SELECT FROM kept)
), locked AS (
	SELECT a.id, a.chain_length + 1 AS seq, a.chain_head AS head
	FROM clear, accounts a WHERE a.name = $2 FOR UPDATE OF a
), made AS (
	INSERT INTO accounts (name, decisions, chain_length, chain_head)
	SELECT $2, 1, 1, sha256($5::bytea || int8send(1) || $6::bytea) FROM clear WHERE NOT EXISTS (SELECT FROM locked)
	ON CONFLICT (name) DO NOTHING
	RETURNING id, chain_length AS seq, $5::bytea AS head, chain_head AS hash
), moved AS (
	UPDATE accounts a SET decisions = a.decisions + 1, chain_length = l.seq, chain_head = sha256(l.head || int8send(l.seq) || $6::bytea)
	FROM locked l WHERE a.id = l.id
	RETURNING a.id, l.seq, l.head, a.chain_head AS hash
), link AS (
	SELECT * FROM made UNION ALL SELECT * FROM moved
), d AS (
	INSERT INTO decisions (uid, account_id, timestamp, strategy_used, strategy_hash, model_used, source, reason,
		portfolio_rationale, total_allocation_usd, portfolio_risk_level, is_valid, errors, warnings, degraded, cached,
		generation_time_ms, prompt_tokens, completion_tokens, cost_usd, seq, record_hash, previous_hash, link_hash)
	SELECT $1, id, $7::timestamptz, $8, $9, $10, $11, $12,
		$13, $14::text::numeric, $15, $16::boolean, $17::text::jsonb, $18::text::jsonb, $19::text::jsonb, $20::boolean,
		$21::text::numeric, $22::bigint, $23::bigint, $24::text::numeric, seq, $6::bytea, head, hash
	FROM link
	RETURNING id
), assets AS (
	INSERT INTO asset_decisions (decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale,
		confidence, risk_level, position_adjustment, order_adjustment, refused, refusal)
	SELECT d.id, a.position - 1, a.asset, a.action, a.allocation::numeric, a.tp::numeric, a.sl::numeric, a.exit_plan, a.rationale,
		a.confidence::numeric, a.risk, a.by_position::jsonb, a.by_order::jsonb, a.refusal IS NOT NULL, a.refusal::jsonb
	FROM d, unnest($25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
		$33::text[], $34::text[], $35::text[], $36::text[]) WITH ORDINALITY
		AS a (asset, action, allocation, tp, sl, exit_plan, rationale, confidence, risk, by_position, by_order, refusal, position)
), calls AS (
	INSERT INTO llm_calls (decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd)
	SELECT d.id, c.attempt, c.model, c.endpoint, c.status, c.latency::numeric, c.prompt, c.completion, c.cost::numeric
	FROM d, unnest($37::text[], $38::text[], $39::text[], $40::text[], $41::bigint[], $42::bigint[], $43::text[]) WITH ORDINALITY
		AS c (model, endpoint, status, latency, prompt, completion, cost, attempt)
), series AS (
	INSERT INTO record_series (hash, body) SELECT g.hash, g.body FROM d, given g WHERE g.body IS NOT NULL
	ON CONFLICT (hash) DO NOTHING
), record AS (
	INSERT INTO decision_records (decision_id, schema, series, body) SELECT id, $44::integer, $3::bytea[], $45::bytea FROM d
)
SELECT EXISTS (SELECT FROM kept), (SELECT record_hash FROM kept), (SELECT n FROM missing), EXISTS (SELECT FROM d)`

// arguments are those of appendSQL.
func (p *parcel) arguments(bodies [][]byte) []any {
	d := p.decision
	hashes := make([][]byte, len(p.hashes))
	for i := range p.hashes {
		hashes[i] = p.hashes[i][:]
	}
	genesis := store.Genesis(p.account)
	args := append(make([]any, 0, 45),
		d.UID, d.Account, hashes, bodies, genesis[:], p.digest[:],
		d.At, d.Strategy, d.StrategyHash, d.Model, d.Source, d.Reason,
		d.PortfolioRationale, d.TotalAllocationUSD.String(), d.PortfolioRiskLevel, d.IsValid, string(d.Errors), string(d.Warnings),
		string(d.Degraded), d.Cached, amount(d.GenerationTimeMS), d.PromptTokens, d.CompletionTokens, amount(d.CostUSD))
	args = assetArguments(args, p.assets)
	args = callArguments(args, p.calls)
	return append(args, p.schema, p.body)
}

func assetArguments(args []any, assets []columns.Asset) []any {
	n := len(assets)
	var (
		texts [6][]string  // never null
		nulls [6][]*string // null: absent
	)
	for i := range texts {
		texts[i], nulls[i] = make([]string, n), make([]*string, n)
	}
	for i := range assets {
		a := &assets[i]
		for column, text := range [...]string{a.Asset, a.Action, a.AllocationUSD.String(), a.Rationale, a.Confidence.String(), a.RiskLevel} {
			texts[column][i] = text
		}
		for column, text := range [...]*string{amount(a.TPPrice), amount(a.SLPrice), &a.ExitPlan, object(a.PositionAdjustment), object(a.OrderAdjustment), object(a.Refusal)} {
			nulls[column][i] = text
		}
	}
	return append(args, texts[0], texts[1], texts[2], nulls[0], nulls[1], nulls[2], texts[3], texts[4], texts[5], nulls[3], nulls[4], nulls[5])
}

func callArguments(args []any, calls []columns.Call) []any {
	n := len(calls)
	models, endpoints, statuses, latencies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	prompts, completions, costs := make([]int64, n), make([]int64, n), make([]*string, n)
	for i := range calls {
		c := &calls[i]
		models[i], endpoints[i], statuses[i], latencies[i] = c.Model, c.Endpoint, c.Status, c.LatencyMS.String()
		prompts[i], completions[i], costs[i] = c.PromptTokens, c.CompletionTokens, amount(c.CostUSD)
	}
	return append(args, models, endpoints, statuses, latencies, prompts, completions, costs)
}

// amount is the number as SQL writes it, nil for null.
func amount(d decimal.NullDecimal) *string {
	if !d.Valid {
		return nil
	}
	text := d.Decimal.String()
	return &text
}

// object is JSON as SQL takes it, nil for null.
func object(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}

// micros is the time as every column keeps it.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
