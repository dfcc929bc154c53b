package markettest

import (
	"context"
	"slices"

	"github.com/ballast-go/ballast/marketdata"
)

// Fixed is a source that always gives the same snapshot, cut to the symbols,
// intervals and candles that are asked for. A symbol that the snapshot does
// not have is unknown. The snapshot must not be changed afterwards.
func Fixed(snapshot marketdata.Snapshot) marketdata.SourceFunc {
	return func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		if err := q.Validate(); err != nil {
			return marketdata.Snapshot{}, err
		}
		if err := ctx.Err(); err != nil {
			return marketdata.Snapshot{}, err
		}
		out := marketdata.Snapshot{
			At: snapshot.At, Notes: slices.Clone(snapshot.Notes),
			Assets: map[string]marketdata.Asset{}, Failures: map[string]marketdata.Failure{},
		}
		for _, symbol := range q.Symbols {
			if asset, ok := snapshot.Assets[symbol]; ok {
				out.Assets[symbol] = cut(asset, q)
			} else if failure, ok := snapshot.Failures[symbol]; ok {
				out.Failures[symbol] = failure
			} else {
				out.Failures[symbol] = marketdata.Failure{
					Symbol: symbol, Reason: marketdata.ReasonUnknownSymbol,
					Detail: "not in the fixed snapshot", Err: marketdata.ErrUnknownSymbol,
				}
			}
		}
		return out, nil
	}
}

func cut(asset marketdata.Asset, q marketdata.Query) marketdata.Asset {
	series := make(map[marketdata.Interval]marketdata.Series, len(q.Intervals))
	for _, i := range q.Intervals {
		if s, ok := asset.Series[i]; ok {
			series[i] = s.Tail(q.CandleCount())
		}
	}
	asset.Series, asset.Degraded = series, slices.Clone(asset.Degraded)
	return asset
}

// Failing is a source that answers every query with the error.
func Failing(err error) marketdata.SourceFunc {
	return func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		return marketdata.Snapshot{}, err
	}
}
