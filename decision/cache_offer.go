package decision

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// offer is a proposal as somebody made it, for whoever asks the same. Nothing
// that it holds is shared with a record, and the input that it was made from is
// not kept.
type offer struct {
	key    cacheKey
	number uint64 // in the order in which they were asked for
	prices pricesAt

	proposal      Proposal
	assessments   []Assessment
	origin        Origin
	reason, model string
	modelError    string
	circuit       string
	probeIn       time.Duration // from answered
	degraded      []string

	answered, until time.Time // by the cache's clock

	kept, refused bool // guarded by Cache.mu
}

// newOffer copies what a record says of its proposal.
func newOffer(f *flight, made *Record, answered time.Time, lifetime time.Duration) *offer {
	res := &made.Result
	return &offer{
		key: f.key, number: f.number, prices: f.prices,
		proposal: deepCopy(made.Proposal), assessments: cloneAssessments(made.Assessments),
		origin: res.Origin, reason: res.Reason, model: res.Model, modelError: made.ModelError,
		circuit: res.Circuit, probeIn: res.ProbeIn, degraded: slices.Clone(res.Degraded),
		answered: answered, until: answered.Add(lifetime),
	}
}

// current reports whether the offer's time has not passed. It does not hold
// either when the clock went back behind the answer.
func (o *offer) current(now time.Time) bool {
	return !now.Before(o.answered) && now.Before(o.until)
}

// fill makes the record one of a proposal that another request asked for:
// nothing was asked and nothing was spent for it.
func (o *offer) fill(rec *Record, now time.Time) {
	rec.Proposal, rec.Assessments = deepCopy(o.proposal), cloneAssessments(o.assessments)
	rec.ModelError = o.modelError
	age := max(now.Sub(o.answered), 0)
	res := &rec.Result
	res.Cached, res.Origin, res.Model, res.Circuit = true, o.origin, o.model, o.circuit
	res.Reason = fmt.Sprintf("%s %s ago", o.reason, age.Truncate(time.Second))
	if o.origin != OriginModel {
		res.Reason = fmt.Sprintf("%s (%s ago)", o.reason, age.Truncate(time.Second))
	}
	res.ProbeIn = max(o.probeIn-age, 0)
	res.Degraded = append(res.Degraded, o.degraded...)
}

// bytes is about what the offer takes in memory.
func (o *offer) bytes() int {
	const perEntry = 512 // numbers and headers
	n := len(o.reason) + len(o.modelError) + len(o.model) + len(o.circuit) + len(o.proposal.Decision.PortfolioRationale)
	for i := range o.proposal.Decision.Decisions {
		d := &o.proposal.Decision.Decisions[i]
		n += perEntry + len(d.Asset) + len(d.Action) + len(d.ExitPlan) + len(d.Rationale) + len(d.RiskLevel)
	}
	for _, list := range [...][]string{o.degraded, o.proposal.Degraded} {
		n += textBytes(list)
	}
	for _, list := range [...][]Assessment{o.assessments, o.proposal.Assessments} {
		for i := range list {
			n += perEntry + len(list[i].Symbol) + textBytes(list[i].Degraded)
		}
	}
	return n
}

func textBytes(list []string) (n int) {
	for _, text := range list {
		n += 16 + len(text)
	}
	return n
}

// pricesAt are the prices that a proposal was made at.
type pricesAt []priceAt

type priceAt struct {
	symbol      string
	last, slack decimal.Decimal // it holds within last ± slack
}

// pricesOf notes each asset's last price, and how far from it a proposal still
// holds: 0.5 % or half of ATR 14, whichever is more.
func pricesOf(in *Input) pricesAt {
	out := make(pricesAt, 0, len(in.Market.Assets))
	for symbol, asset := range in.Market.Assets {
		last := asset.Quote.Last
		slack := last.Mul(decimal.New(5, -3))
		if set, ok := in.Set(symbol, in.Interval); ok {
			if atr, ok := set.ATR14.Last(); ok {
				half, err := decimal.NewFromString(strconv.FormatFloat(atr/2, 'e', -1, 64))
				if err == nil {
					slack = decimal.Max(slack, half)
				}
			}
		}
		out = append(out, priceAt{symbol: symbol, last: last, slack: slack})
	}
	return out
}

// hold reports whether every price is still where a proposal was made at.
func (ps pricesAt) hold(in *Input) bool {
	for _, p := range ps {
		asset, ok := in.Market.Assets[p.symbol]
		if !ok || asset.Quote.Last.Sub(p.last).Abs().GreaterThan(p.slack) {
			return false
		}
	}
	return true
}

// deepCopy is a clone whose assessments share nothing either.
func deepCopy(p Proposal) Proposal {
	p = p.clone()
	p.Assessments = cloneAssessments(p.Assessments)
	return p
}

func cloneAssessments(list []Assessment) []Assessment {
	list = slices.Clone(list)
	for i := range list {
		list[i].Degraded = slices.Clone(list[i].Degraded)
	}
	return list
}
