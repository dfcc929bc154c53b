package memory

import (
	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
)

// What records take on linux/amd64, rounded up: a candle with its six decimals
// and its floats, an asset with indicators on two intervals, and the rest of a
// record without texts.
const (
	bytesPerCandle = 512
	bytesPerAsset  = 6 << 10
	bytesPerRecord = 10 << 10
)

func candleBytes(s marketdata.Series) int64 { return int64(s.Len()) * bytesPerCandle }

// seriesOf lists the candles that a record holds on to.
func seriesOf(r decision.Record) []marketdata.Series {
	out := make([]marketdata.Series, 0, 2*len(r.Input.Market.Assets))
	for _, asset := range r.Input.Market.Assets {
		for _, series := range asset.Series {
			out = append(out, series)
		}
	}
	return out
}

// recordBytes estimates a record without its candles.
func recordBytes(r decision.Record) int64 {
	n := bytesPerRecord + bytesPerAsset*len(r.Input.Market.Assets)
	n += len(r.Input.Strategy.Prompt) + len(r.Input.Strategy.Description) + len(r.ModelError)
	for _, m := range r.Request.Messages {
		n += len(m.Content)
	}
	if r.Request.Schema != nil {
		n += len(r.Request.Schema.JSON)
	}
	for _, a := range r.Responses {
		n += len(a.Content) + len(a.Refusal)
	}
	for _, d := range [...]decision.Decision{r.Proposal.Decision, r.Result.Decision} {
		n += len(d.PortfolioRationale)
		for i := range d.Decisions {
			n += len(d.Decisions[i].Rationale) + len(d.Decisions[i].ExitPlan)
		}
	}
	for i := range r.Result.Refused {
		n += len(r.Result.Refused[i].Was.Rationale) + len(r.Result.Refused[i].Was.ExitPlan)
	}
	return int64(n)
}
