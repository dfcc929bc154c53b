package decision

import (
	"fmt"

	"github.com/ballast-go/ballast/marketdata/indicator"
)

// HighRiskShare warns when the entries that whoever proposed marked RiskHigh ÷
// all entries are above 0.5, which is Ballast's own figure. It never refuses.
type HighRiskShare struct{}

// Name is "high_risk_share".
func (HighRiskShare) Name() string { return "high_risk_share" }

// Check implements Rule.
func (r HighRiskShare) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

func (r HighRiskShare) check(v *view, found *findings) {
	high := 0
	for i := range v.entries {
		if v.entries[i].d.RiskLevel == RiskHigh {
			high++
		}
	}
	if 2*high > len(v.entries) {
		found.whole(Violation{
			Rule: r.Name(), Severity: SeverityWarning, Limit: "0.5", Value: fmt.Sprintf("%d/%d", high, len(v.entries)),
			Message: fmt.Sprintf("%d of %d assets are marked high risk", high, len(v.entries)),
		})
	}
}

// Correlation warns about two positions on the same side, new or open, whose
// simple returns of the last Bars candles of the interval have a Pearson
// coefficient above WarnPercent ÷ 100. Assets without that many candles are not
// compared. DefaultRules warn above 0.90 over 50 candles, which are Ballast's
// own figures.
type Correlation struct {
	Bars        int
	WarnPercent int64
}

// Name is "correlation".
func (Correlation) Name() string { return "correlation" }

// Check implements Rule.
func (r Correlation) Check(in Input, p Proposal) []Violation { return checkAlone(r, in, p) }

type held struct {
	asset   string
	side    Side
	returns []float64
}

func (r Correlation) check(v *view, found *findings) {
	if !v.anyRisk() {
		return
	}
	positions := r.positions(v)
	for i, a := range positions {
		for _, b := range positions[i+1:] {
			if a.side != b.side {
				continue
			}
			first, second := a.asset, b.asset
			if second < first {
				first, second = second, first
			}
			if c, ok := indicator.Correlation(a.returns, b.returns); ok && c*100 > float64(r.WarnPercent) {
				found.whole(Violation{
					Rule: r.Name(), Severity: SeverityWarning, Limit: fmt.Sprintf("%.2f", float64(r.WarnPercent)/100), Value: fmt.Sprintf("%.4f", c),
					Message: fmt.Sprintf("%s and %s move together on the %s side: correlation %.2f over %d candles", first, second, a.side, c, r.Bars),
				})
			}
		}
	}
}

// positions are the open ones and those that the proposal enters.
func (r Correlation) positions(v *view) []held {
	var out []held
	add := func(asset string, side Side) {
		for i := range out {
			if out[i].asset == asset {
				return
			}
		}
		closes := v.in.Market.Assets[asset].Series[v.in.Interval].Columns().Close
		if len(closes) > r.Bars {
			out = append(out, held{asset, side, indicator.Returns(closes[len(closes)-r.Bars-1:])})
		}
	}
	for i := range v.in.Account.Positions {
		add(v.in.Account.Positions[i].Symbol, v.in.Account.Positions[i].Side)
	}
	for i := range v.entries {
		if e := &v.entries[i]; e.addUSD.IsPositive() {
			add(e.d.Asset, e.ask.side)
		}
	}
	return out
}
