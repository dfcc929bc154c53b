package storetest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Start is the time of the records that Run appends: a whole number of
// microseconds, UTC.
func Start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC) }

// Sample is a record with this id and time in which every part is filled:
// account "acct-1", strategy "conservative_swing", symbols BTCUSDT and
// ETHUSDT, a proposed entry that was refused and a stop that was tightened.
// Calls share nothing that can be changed.
func Sample(id string, at time.Time) decision.Record {
	in := sampleInput(at)
	proposal := decision.Decision{
		Decisions:          []decision.AssetDecision{entry(), tighten()},
		PortfolioRationale: "one entry, one stop", TotalAllocationUSD: dec("1250.55"), PortfolioRiskLevel: decision.RiskMedium, Timestamp: at,
	}
	result := proposal
	hold := decision.AssetDecision{Asset: "BTCUSDT", Action: decision.ActionHold, Rationale: "refused", RiskLevel: decision.RiskHigh}
	result.Decisions, result.TotalAllocationUSD = []decision.AssetDecision{hold, tighten()}, decimal.Zero
	seed := int64(42)
	return decision.Record{
		Schema: decision.RecordSchema, Input: in,
		Request: llm.Request{
			Model: "vendor/model", Messages: []llm.Message{{Role: llm.RoleSystem, Content: "rules"}, {Role: llm.RoleUser, Content: "market"}},
			Schema:      &llm.Schema{Name: "trading_decision_v1", JSON: []byte(`{"type":"object"}`)},
			Temperature: null("0.1"), MaxTokens: 2000, Seed: &seed, User: "pseudonym",
		},
		Responses: []llm.Response{{
			ID: "gen-1", Provider: "p", Model: "vendor/model", Content: `{"decisions":[]}`, FinishReason: llm.FinishStop,
			Usage: llm.Usage{PromptTokens: 900, CompletionTokens: 80, CostUSD: null("0.000123")}, Took: 1500 * time.Millisecond,
		}},
		ModelError: "decisions is empty",
		Recheck: &decision.Recheck{
			At: at, Quotes: map[string]marketdata.Quote{"BTCUSDT": {Last: dec("64001"), LastAt: at}},
			Failures: map[string]marketdata.Failure{"ETHUSDT": {Symbol: "ETHUSDT", Reason: marketdata.ReasonStale, Detail: "61 s"}},
		},
		Proposal:    decision.Proposal{Decision: proposal, Assessments: []decision.Assessment{assessment(at)}, Degraded: []string{"ETHUSDT: trend"}},
		Assessments: []decision.Assessment{assessment(at)},
		Result: decision.Result{
			ID: id, At: at, Decision: result, Origin: decision.OriginFallback, Reason: "circuit open", Model: "vendor/model",
			Refused:  []decision.Refusal{{Asset: "BTCUSDT", Was: entry(), Violations: []decision.Violation{violation(decision.SeverityError)}}},
			Warnings: []decision.Violation{violation(decision.SeverityWarning)}, Degraded: []string{"model"},
			Usage: llm.Usage{PromptTokens: 900, CompletionTokens: 80}, Took: 1600 * time.Millisecond,
		},
	}
}

func sampleInput(at time.Time) decision.Input {
	series := sampleSeries(at)
	line := indicator.Line{1.5, 2.25}
	set := indicator.Set{Interval: marketdata.Interval1h, CloseTime: series.CloseTime(), RSI14: line, ATR14: append(indicator.Line(nil), line...)}
	return decision.Input{
		At: at, Symbols: []string{"BTCUSDT", "ETHUSDT"}, Interval: marketdata.Interval1h, LongInterval: marketdata.Interval4h,
		Account: decision.Account{
			ID: "acct-1", BalanceUSD: dec("10000.000000000000000001"), AvailableUSD: dec("9000"), Leverage: dec("2"), MaxPositionSizeUSD: dec("5000"),
			Positions: []decision.Position{{
				Symbol: "ETHUSDT", Side: decision.Long, Quantity: dec("0.5"), EntryPrice: dec("3000"), MarkPrice: dec("3100"),
				Leverage: dec("2"), SLPrice: null("2900"), OpenedAt: at.Add(-time.Hour),
			}},
			RealizedPnLTodayUSD: dec("-12.5"), LastEntryAt: map[string]time.Time{"ETHUSDT": at.Add(-time.Hour)},
		},
		Strategy: decision.Strategy{ID: "conservative_swing", Name: "Conservative", TimeframePreference: []marketdata.Interval{marketdata.Interval4h}},
		Market: marketdata.Snapshot{
			At: at,
			Assets: map[string]marketdata.Asset{"BTCUSDT": {
				Symbol: "BTCUSDT", Quote: marketdata.Quote{Last: dec("64000.10"), LastAt: at, FundingRate: null("-0.0001")},
				Instrument: &marketdata.Instrument{Symbol: "BTCUSDT", TickSize: null("0.1"), Brackets: []marketdata.Bracket{{MaxLeverage: dec("20"), MaintenancePercent: dec("0.5")}}},
				Series:     map[marketdata.Interval]marketdata.Series{marketdata.Interval1h: series}, Degraded: []string{"no ticks"},
			}},
			Failures: map[string]marketdata.Failure{"ETHUSDT": {Symbol: "ETHUSDT", Reason: marketdata.ReasonGap, Detail: "11:00"}},
			Notes:    []string{"simulated market"},
		},
		Indicators: map[string]map[marketdata.Interval]indicator.Set{"BTCUSDT": {marketdata.Interval1h: set}},
		Envelope: decision.Envelope{
			Assets:   []decision.AssetEnvelope{{Asset: "BTCUSDT", Actions: []decision.Action{decision.ActionBuy, decision.ActionHold}, MaxLongUSD: dec("5000")}},
			TotalUSD: dec("8000"), NewPositions: 2,
		},
	}
}

func sampleSeries(at time.Time) marketdata.Series {
	open := marketdata.Interval1h.Floor(at).Add(-2 * time.Hour)
	candles := make([]marketdata.Candle, 2)
	for i := range candles {
		candles[i] = marketdata.Candle{
			OpenTime: open.Add(time.Duration(i) * time.Hour), Open: dec("64000"), High: dec("64100.5"), Low: dec("63900.25"), Close: dec("64050"),
			Volume: dec("12.000000000000000001"), QuoteVolume: dec("768600"),
		}
	}
	series, err := marketdata.NewSeries(marketdata.Interval1h, candles)
	if err != nil {
		panic("storetest: the sample's own candles: " + err.Error())
	}
	return series
}

func entry() decision.AssetDecision {
	return decision.AssetDecision{
		Asset: "BTCUSDT", Action: decision.ActionBuy, AllocationUSD: dec("1250.55"), TPPrice: null("68800"), SLPrice: null("62080"),
		ExitPlan: "stop or target", Rationale: "trend bullish", Confidence: dec("70"), RiskLevel: decision.RiskMedium,
	}
}

func tighten() decision.AssetDecision {
	return decision.AssetDecision{
		Asset: "ETHUSDT", Action: decision.ActionAdjustOrders, Rationale: "trend bearish", Confidence: dec("50"), RiskLevel: decision.RiskHigh,
		OrderAdjustment: &decision.OrderAdjustment{AdjustSL: true, NewSLPrice: null("3050")},
		// An adjustment of the position beside one of the orders is not
		// sensible, but what was proposed is kept as it was proposed.
		PositionAdjustment: &decision.PositionAdjustment{Type: decision.AdjustDecrease, AmountUSD: dec("10")},
	}
}

func assessment(at time.Time) decision.Assessment {
	score := decision.Score{Base: 50, Raw: 55, Score: 55, Contributions: decision.Contributions{RSI: decision.Contribution{Input: "71.42", Points: 5, WeightPercent: 30}}}
	return decision.Assessment{Symbol: "BTCUSDT", AsOf: at, Long: score, Short: score, Degraded: []string{"trend"}}
}

func violation(s decision.Severity) decision.Violation {
	return decision.Violation{Rule: "max_positions", Asset: "BTCUSDT", Severity: s, Limit: "3", Value: "4", Message: "too many"}
}

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func null(text string) decimal.NullDecimal { return decimal.NewNullDecimal(dec(text)) }
