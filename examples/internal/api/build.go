package api

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
)

// NewDecision is the answer for a recorded result. Took is the time that
// making it really needed; circuit is nil without a model.
func NewDecision(res decision.Result, rec decision.Record, scores []decision.Assessment, circuit *Circuit, took time.Duration) (Decision, error) {
	in := rec.Input
	hash, err := in.Strategy.Hash()
	if err != nil {
		return Decision{}, fmt.Errorf("api: %w", err)
	}
	out := Decision{
		Decision: res.Decision,
		Context: Context{
			Symbols: in.Symbols, AccountID: in.Account.ID, AsOf: in.At, AccountState: in.Account,
			MarketData: MarketData{Assets: assets(in)}, Risk: risk(in, scores),
		},
		Validation: validation(res),
		Metadata: Metadata{
			DecisionID: res.ID, GenerationTimeMs: took.Milliseconds(), ModelUsed: known(res.Model), Strategy: in.Strategy.ID, StrategyHash: hash,
			Cached: res.Cached, Source: res.Origin, Reason: res.Reason, Degraded: list(res.Degraded),
			Usage: usage(res.Usage, asked(rec, res)), Refused: list(res.Refused), Attempts: attempts(res.Tried),
		},
	}
	if circuit != nil {
		out.Metadata.CircuitState, out.Metadata.NextProbeSeconds = &circuit.State, WholeSeconds(circuit.Wait)
	}
	return out, nil
}

// asked reports whether a model may have been paid.
func asked(rec decision.Record, res decision.Result) bool {
	made := func(a llm.Attempt) bool { return a.Kind != llm.KindOther }
	return len(rec.Request.Messages) > 0 && (len(res.Tried) == 0 || slices.ContainsFunc(res.Tried, made))
}

func attempts(tried []llm.Attempt) []Attempt {
	out := make([]Attempt, len(tried))
	for i, a := range tried {
		out[i] = Attempt{
			Model: a.Model, Endpoint: a.Endpoint, Outcome: string(a.Kind), DurationMs: a.Took.Milliseconds(),
			Usage: usage(a.Usage, a.Kind != llm.KindOther),
		}
		if a.Kind == "" {
			out[i].Outcome = OutcomeAnswered
		}
		if a.Kind == llm.KindOther {
			out[i].Outcome = OutcomeNotAsked
		}
	}
	return out
}

func assets(in decision.Input) map[string]Asset {
	out := make(map[string]Asset, len(in.Market.Assets))
	for symbol, a := range in.Market.Assets {
		asset := Asset{
			Symbol: symbol, AsOf: a.Quote.LastAt, CurrentPrice: Of(a.Quote.Last), PriceChange24h: Number{a.Quote.Change24hPercent},
			Volume24h: Number{a.Quote.QuoteVolume24h}, FundingRate: Number{a.Quote.FundingRate}, Indicators: in.Indicators[symbol],
		}
		if set, ok := in.Set(symbol, in.Interval); ok {
			if v, ok := set.VolatilityPercent.Last(); ok {
				asset.Volatility = &v
			}
		}
		series := a.Series[in.Interval]
		if c, ok := series.Last(); ok {
			asset.LastCandle = &Candle{
				OpenTime: c.OpenTime, CloseTime: series.CloseTime(),
				Open: Of(c.Open), High: Of(c.High), Low: Of(c.Low), Close: Of(c.Close), Volume: Of(c.Volume),
			}
		}
		out[symbol] = asset
	}
	return out
}

func risk(in decision.Input, scores []decision.Assessment) Risk {
	out := Risk{
		MaxTotalAllocationUSD: Of(in.Envelope.TotalUSD), MaxNewPositions: in.Envelope.NewPositions,
		Assets: make(map[string]AssetRisk, len(in.Envelope.Assets)),
	}
	for _, e := range in.Envelope.Assets {
		out.Assets[e.Asset] = AssetRisk{
			MaxLongUSD: Of(e.MaxLongUSD), MaxShortUSD: Of(e.MaxShortUSD), LongLimit: e.LongLimit, ShortLimit: e.ShortLimit,
			SuggestedLongUSD: Number{e.SuggestedLongUSD}, SuggestedShortUSD: Number{e.SuggestedShortUSD},
			StopPercent: Of(e.StopPercent), MaxLossUSD: Of(e.MaxLossUSD), Scores: scoresOf(scores, e.Asset),
		}
	}
	return out
}

func scoresOf(scores []decision.Assessment, symbol string) *decision.Assessment {
	for _, s := range scores {
		if s.Symbol == symbol {
			s.Degraded = list(s.Degraded)
			return &s
		}
	}
	return nil
}

func validation(res decision.Result) Validation {
	errs := []decision.Violation{}
	for _, r := range res.Refused {
		for _, v := range r.Violations {
			if v.Asset == "" && slices.Contains(errs, v) {
				continue // one of the whole proposal stands in each refusal that it caused
			}
			errs = append(errs, v)
		}
	}
	return Validation{IsValid: len(res.Refused) == 0, Errors: errs, Warnings: list(res.Warnings)}
}

// usage tells what was not reported from what was not used.
func usage(u llm.Usage, asked bool) Usage {
	if !asked {
		zero := 0
		return Usage{PromptTokens: &zero, CompletionTokens: &zero, CostUSD: Of(decimal.Zero)}
	}
	return Usage{PromptTokens: known(u.PromptTokens), CompletionTokens: known(u.CompletionTokens), CostUSD: Number{u.CostUSD}}
}

// known is null for the zero value, which stands for what was not reported.
func known[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
