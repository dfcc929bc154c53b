package decision

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// cacheKey says which requests are identical.
type cacheKey [sha256.Size]byte

// cacheKey is made from all that a proposal is made for, except what changes
// from moment to moment: prices, and the amounts that follow from them.
func (e *Engine) cacheKey(in *Input) (cacheKey, error) {
	strategy, err := in.Strategy.Hash()
	if err != nil {
		return cacheKey{}, err
	}
	w := keyWriter{b: make([]byte, 0, 1024)}
	w.text(strategy)
	w.question(e, in)
	w.account(in)
	w.market(in)
	return sha256.Sum256(w.b), nil
}

// keyWriter writes fields one after the other so that no two lists of fields
// give the same bytes: each begins with its length, each list with its count.
type keyWriter struct{ b []byte }

func (w *keyWriter) text(s string) {
	w.count(len(s))
	w.b = append(w.b, s...)
}

func (w *keyWriter) count(n int) { w.b = binary.AppendUvarint(w.b, uint64(max(n, 0))) }

func (w *keyWriter) flag(on bool) { w.text(strconv.FormatBool(on)) }

// number writes equal numbers equally, however they were written.
func (w *keyWriter) number(d decimal.Decimal) { w.text(d.String()) }

// optional writes an absent number as a text that no number has.
func (w *keyWriter) optional(d decimal.NullDecimal) {
	if !d.Valid {
		w.text("")
		return
	}
	w.number(d.Decimal)
}

func (w *keyWriter) time(t time.Time) { w.text(t.UTC().Format(time.RFC3339Nano)) }

// question writes whom the engine asks and how.
func (w *keyWriter) question(e *Engine, in *Input) {
	cfg, caps := &e.cfg, e.prompts.caps
	w.flag(cfg.LLM != nil)
	w.flag(cfg.Scorer != nil)
	w.text(cfg.Model)
	w.optional(cfg.Temperature)
	w.count(cfg.MaxTokens)
	w.count(cfg.Candles)
	w.text(string(in.Interval))
	w.text(string(in.LongInterval))
	prompt := keyWriter{b: make([]byte, 0, len(e.prompts.static)+len(in.Strategy.Prompt)+64)}
	prompt.text(e.prompts.static)
	prompt.text(in.Strategy.Prompt)
	for _, percent := range [...]int64{caps.warnAll, caps.maxAll, caps.warnAsset, caps.maxAsset} {
		prompt.text(strconv.FormatInt(percent, 10))
	}
	hash := sha256.Sum256(prompt.b)
	w.text(string(hash[:]))
}

// account writes who asks and what is open: what the market or the account's
// balance makes of it is not part of it.
func (w *keyWriter) account(in *Input) {
	a := &in.Account
	w.text(a.ID)
	w.flag(in.Halted)
	w.flag(a.Halted)
	w.number(a.Leverage)
	w.number(a.MaxPositionSizeUSD)
	w.text(string(a.MarginMode))
	positions := slices.SortedFunc(slices.Values(a.Positions), func(p, q Position) int { return cmp.Compare(p.Symbol, q.Symbol) })
	w.count(len(positions))
	for i := range positions {
		p := &positions[i]
		w.text(p.Symbol)
		w.text(string(p.Side))
		w.number(p.Quantity)
		w.number(p.EntryPrice)
		w.number(p.Leverage)
		w.optional(p.SLPrice)
		w.optional(p.TPPrice)
		w.text(string(p.MarginMode))
	}
}

// market writes what is asked about and until when it is known.
func (w *keyWriter) market(in *Input) {
	w.count(len(in.Symbols))
	for _, symbol := range slices.Sorted(slices.Values(in.Symbols)) {
		w.text(symbol)
		asset, ok := in.Market.Assets[symbol]
		w.flag(ok)
		w.time(asset.Series[in.Interval].CloseTime())
	}
}
