package decision

import (
	"slices"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// AnswerSchemaName names the schema to providers; it changes with the schema.
const AnswerSchemaName = "trading_decision_v1"

// AnswerSchema is the JSON schema of an answer about these symbols, one or
// more. It keeps to what every strict mode supports: all members required,
// none besides, enumerations and null; no numeric or length keywords, their
// bounds stand in the descriptions and are enforced by DecodeAnswer. Reasons
// stand before actions and sizes, because models write in this order. The same
// set of symbols gives the same bytes.
func AnswerSchema(symbols []string) []byte {
	price := nullable(schemaField{Type: "number"})
	return schemaObject(
		schemaField{Name: "portfolio_rationale", Type: "string", About: aboutPortfolioRationale},
		schemaField{Name: "decisions", Type: "array", About: aboutDecisions, Items: schemaObject(
			schemaField{Name: "asset", Type: "string", Enum: slices.Sorted(slices.Values(symbols)), About: aboutAsset},
			schemaField{Name: "rationale", Type: "string", About: aboutRationale},
			schemaField{Name: "action", Type: "string", Enum: words(Actions()), About: aboutAction},
			schemaField{Name: "allocation_usd", Type: "number", About: aboutAllocation},
			schemaField{Name: "position_adjustment", About: aboutPositionAdjustment, AnyOf: nullable(schemaField{Items: schemaObject(
				schemaField{Name: "adjustment_type", Type: "string", Enum: words([]AdjustmentType{AdjustIncrease, AdjustDecrease}), About: aboutAdjustmentType},
				schemaField{Name: "adjustment_amount_usd", Type: "number", About: aboutAdjustmentAmount},
				schemaField{Name: "adjustment_percentage", AnyOf: price, About: aboutAdjustmentPercentage},
				schemaField{Name: "new_tp_price", AnyOf: price, About: aboutNewPrice},
				schemaField{Name: "new_sl_price", AnyOf: price, About: aboutNewPrice},
			)})},
			schemaField{Name: "order_adjustment", About: aboutOrderAdjustment, AnyOf: nullable(schemaField{Items: schemaObject(
				schemaField{Name: "adjust_tp", Type: "boolean", About: aboutAdjustTP},
				schemaField{Name: "adjust_sl", Type: "boolean", About: aboutAdjustSL},
				schemaField{Name: "cancel_tp", Type: "boolean", About: aboutCancelTP},
				schemaField{Name: "cancel_sl", Type: "boolean", About: aboutCancelSL},
				schemaField{Name: "new_tp_price", AnyOf: price, About: aboutNewTP},
				schemaField{Name: "new_sl_price", AnyOf: price, About: aboutNewSL},
			)})},
			schemaField{Name: "tp_price", AnyOf: price, About: aboutTP},
			schemaField{Name: "sl_price", AnyOf: price, About: aboutSL},
			schemaField{Name: "exit_plan", Type: "string", About: aboutExitPlan},
			schemaField{Name: "confidence", Type: "number", About: aboutConfidence},
			schemaField{Name: "risk_level", Type: "string", Enum: riskLevels(), About: aboutRiskLevel},
		)},
		schemaField{Name: "total_allocation_usd", Type: "number", About: aboutTotal},
		schemaField{Name: "portfolio_risk_level", Type: "string", Enum: riskLevels(), About: aboutPortfolioRisk},
	)
}

// What each member means, in the same words for the schema and the prompt.
const (
	aboutPortfolioRationale   = "Why the decisions fit together, in plain text."
	aboutDecisions            = "Exactly one entry for every requested asset, none twice, none left out."
	aboutAsset                = "The asset exactly as requested."
	aboutRationale            = "Why, from the data given. Written before the action is chosen. At most 8 KiB of plain text."
	aboutAction               = "buy opens (or adds to) a long, sell opens (or adds to) a short, hold changes nothing, adjust_position changes the size of an open position, close_position closes it, adjust_orders moves or cancels its take profit or stop loss."
	aboutAllocation           = "USD, 0 or more: the notional of the position to open (price x quantity); the margin that it ties up is allocation / leverage. Above 0 for buy and sell, 0 for every other action."
	aboutPositionAdjustment   = "An object for adjust_position, null for every other action."
	aboutAdjustmentType       = "increase adds to the position, decrease takes away from it."
	aboutAdjustmentAmount     = "USD, above 0: the notional (price x quantity) to add or to take away."
	aboutAdjustmentPercentage = "The same as percent of the position, 0 to 100, or null. Informative."
	aboutNewPrice             = "Replaces the resting order's price, above 0; null leaves it unchanged."
	aboutOrderAdjustment      = "An object for adjust_orders, null for every other action."
	aboutAdjustTP             = "Move the take profit to new_tp_price. Not together with cancel_tp."
	aboutAdjustSL             = "Move the stop loss to new_sl_price. Not together with cancel_sl."
	aboutCancelTP             = "Cancel the take profit."
	aboutCancelSL             = "Cancel the stop loss. Counts as new risk."
	aboutNewTP                = "Price above 0 when adjust_tp is true, otherwise null."
	aboutNewSL                = "Price above 0 when adjust_sl is true, otherwise null."
	aboutTP                   = "Take profit price of the entry, above 0, or null. A long needs sl_price < price < tp_price, a short tp_price < price < sl_price."
	aboutSL                   = "Stop loss price of the entry, above 0, or null where the strategy does not require one."
	aboutExitPlan             = "When and how to leave. Not blank for buy and sell. At most 8 KiB of plain text."
	aboutConfidence           = "How sure you are that the action is right, on a scale of 0 to 100 (85 means 85 percent, 0.85 means less than one percent). Do not answer 0 for everything."
	aboutRiskLevel            = "How risky the action is."
	aboutTotal                = "USD: the exact sum of allocation_usd over all decisions."
	aboutPortfolioRisk        = "How risky the portfolio is after the decisions."
)

// schemaField is one member of a schema object, or the schema of an array's items.
type schemaField struct {
	Name  string
	Type  string
	About string
	Enum  []string
	Items []byte // schema of an array's items, or a whole schema when Type is empty
	AnyOf []byte
}

// schemaObject is the schema of an object with exactly these members in this order.
func schemaObject(fields ...schemaField) []byte {
	b := []byte(`{"type":"object","properties":{`)
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsonx.AppendText(b, f.Name), ':')
		b = f.append(b)
	}
	b = append(b, `},"required":[`...)
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonx.AppendText(b, f.Name)
	}
	return append(b, `],"additionalProperties":false}`...)
}

func (f schemaField) append(b []byte) []byte {
	if f.Type == "" && f.AnyOf == nil {
		return append(b, f.Items...)
	}
	b = append(b, '{')
	if f.AnyOf != nil {
		b = append(append(b, `"anyOf":`...), f.AnyOf...)
	} else {
		b = jsonx.AppendText(append(b, `"type":`...), f.Type)
	}
	if f.Enum != nil {
		b = append(b, `,"enum":[`...)
		for i, word := range f.Enum {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonx.AppendText(b, word)
		}
		b = append(b, ']')
	}
	if f.Type == "array" {
		b = append(append(b, `,"items":`...), f.Items...)
	}
	if f.About != "" {
		b = jsonx.AppendText(append(b, `,"description":`...), f.About)
	}
	return append(b, '}')
}

// nullable is the alternatives of a member that may be null.
func nullable(f schemaField) []byte { return append(f.append([]byte("[")), `,{"type":"null"}]`...) }

func riskLevels() []string { return words([]RiskLevel{RiskLow, RiskMedium, RiskHigh}) }

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
