package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/internal/columns"
)

// line is a row of decisions; texts that a legacy row lacks read as empty.
type line struct {
	id         int64
	decision   columns.Decision
	executed   bool
	executedAt time.Time
	linked     any // seq; nil: legacy
	seq        int64
	digest     []byte
	previous   []byte
	hash       []byte
	damage     error
}

const lineColumns = `d.id, d.uid, (SELECT a.name FROM accounts a WHERE a.id = d.account_id), d.timestamp, d.strategy_used, d.strategy_hash,
	d.model_used, d.source, d.reason, d.portfolio_rationale, d.total_allocation_usd, d.portfolio_risk_level, d.is_valid,
	d.errors, d.warnings, d.degraded, d.cached, d.generation_time_ms, d.prompt_tokens, d.completion_tokens, d.cost_usd,
	d.executed, d.executed_at, d.seq, d.record_hash, d.previous_hash, d.link_hash`

// targets are where lineColumns are scanned to.
func (l *line) targets(d *damage) []any {
	c := &l.decision
	return []any{
		&l.id, d.text("uid", &c.UID), d.text("account", &c.Account), d.time("timestamp", &c.At), d.text("strategy_used", &c.Strategy),
		d.text("strategy_hash", &c.StrategyHash), d.text("model_used", &c.Model), d.text("source", &c.Source), d.text("reason", &c.Reason),
		d.text("portfolio_rationale", &c.PortfolioRationale), d.number("total_allocation_usd", &c.TotalAllocationUSD),
		d.text("portfolio_risk_level", &c.PortfolioRiskLevel), d.flag("is_valid", &c.IsValid),
		d.blob("errors", &c.Errors), d.blob("warnings", &c.Warnings), d.blob("degraded", &c.Degraded), d.flag("cached", &c.Cached),
		d.maybe("generation_time_ms", &c.GenerationTimeMS), d.whole("prompt_tokens", &c.PromptTokens),
		d.whole("completion_tokens", &c.CompletionTokens), d.maybe("cost_usd", &c.CostUSD),
		d.flag("executed", &l.executed), d.time("executed_at", &l.executedAt), &l.linked,
		d.blob("record_hash", &l.digest), d.blob("previous_hash", &l.previous), d.blob("link_hash", &l.hash),
	}
}

// lines reads rows whose first columns are lineColumns; more are those after
// them.
func lines(ctx context.Context, q querier, more func(d *damage) []any, f func(), l *line, text string, args ...any) error {
	var d damage
	targets := append(l.targets(&d), more(&d)...)
	return each(ctx, q, targets, func() error {
		l.seq = 0
		if seq, ok := l.linked.(int64); ok {
			l.seq = seq
		} else if l.linked != nil {
			d.err = errors.New("seq is no number")
		}
		l.damage = d.take()
		f()
		return nil
	}, text, args...)
}

// link is zero for a legacy row.
func (l *line) link() (store.Link, error) {
	if l.linked == nil {
		return store.Link{}, nil
	}
	link, err := store.Link{Seq: l.seq}, error(nil)
	for _, h := range [...]struct {
		name string
		from []byte
		to   *store.Hash
	}{{"record_hash", l.digest, &link.Digest}, {"previous_hash", l.previous, &link.Previous}, {"link_hash", l.hash, &link.Hash}} {
		if copy(h.to[:], h.from); len(h.from) != len(h.to) {
			err = errors.Join(err, fmt.Errorf("%s must have %d bytes, had %d", h.name, len(h.to), len(h.from)))
		}
	}
	return link, err
}

// inIDs is a condition on decision_id for the argument that idList makes.
const inIDs = ` WHERE decision_id IN (SELECT value FROM json_each(?))`

func idList(ids []int64) string {
	text := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return string(append(text, ']'))
}

// assetLists reads the assets of decisions, in their order; damages has the
// first damage of each decision.
func assetLists(ctx context.Context, q querier, ids string, damages map[int64]error) (map[int64][]columns.Asset, error) {
	assets := make(map[int64][]columns.Asset)
	var (
		d            damage
		id, position int64
		a            columns.Asset
	)
	targets := []any{
		&id, d.whole("position", &position), d.text("asset", &a.Asset), d.text("action", &a.Action), d.number("allocation_usd", &a.AllocationUSD),
		d.maybe("tp_price", &a.TPPrice), d.maybe("sl_price", &a.SLPrice), d.text("exit_plan", &a.ExitPlan), d.text("rationale", &a.Rationale),
		d.number("confidence", &a.Confidence), d.text("risk_level", &a.RiskLevel), d.blob("position_adjustment", &a.PositionAdjustment),
		d.blob("order_adjustment", &a.OrderAdjustment), d.flag("refused", &a.Refused), d.blob("refusal", &a.Refusal),
	}
	err := each(ctx, q, targets, func() error {
		a.Position = int(position)
		assets[id] = append(assets[id], a)
		note(damages, id, d.take())
		return nil
	}, `SELECT decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level,
		position_adjustment, order_adjustment, refused, refusal FROM asset_decisions`+inIDs+` ORDER BY decision_id, position`, ids)
	return assets, err
}

// callLists reads the calls of decisions as assetLists does assets.
func callLists(ctx context.Context, q querier, ids string, damages map[int64]error) (map[int64][]columns.Call, error) {
	calls := make(map[int64][]columns.Call)
	var (
		d           damage
		id, attempt int64
		c           columns.Call
	)
	targets := []any{
		&id, d.whole("attempt", &attempt), d.text("model", &c.Model), d.text("endpoint", &c.Endpoint), d.text("status", &c.Status),
		d.number("latency_ms", &c.LatencyMS), d.whole("prompt_tokens", &c.PromptTokens), d.whole("completion_tokens", &c.CompletionTokens),
		d.maybe("cost_usd", &c.CostUSD),
	}
	err := each(ctx, q, targets, func() error {
		c.Attempt = int(attempt)
		calls[id] = append(calls[id], c)
		note(damages, id, d.take())
		return nil
	}, `SELECT decision_id, attempt, model, endpoint, status, latency_ms, prompt_tokens, completion_tokens, cost_usd FROM llm_calls`+
		inIDs+` ORDER BY decision_id, attempt`, ids)
	return calls, err
}

func note(damages map[int64]error, id int64, err error) {
	if err != nil && damages[id] == nil {
		damages[id] = err
	}
}
