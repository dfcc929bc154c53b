package decision

import "strings"

// staticPrompt is the part of the system message that no Input changes, first
// so that providers can cache it. It shows no sample answer, because models
// echo samples.
func staticPrompt() string {
	var b strings.Builder
	b.WriteString(promptRole)
	for _, m := range [...]struct{ name, about string }{
		{"portfolio_rationale", aboutPortfolioRationale},
		{"decisions", aboutDecisions + " Each entry is an object with:"},
		{"  asset", aboutAsset},
		{"  rationale", aboutRationale},
		{"  action", aboutAction},
		{"  allocation_usd", aboutAllocation},
		{"  position_adjustment", aboutPositionAdjustment + " The object has:"},
		{"    adjustment_type", aboutAdjustmentType},
		{"    adjustment_amount_usd", aboutAdjustmentAmount},
		{"    adjustment_percentage", aboutAdjustmentPercentage},
		{"    new_tp_price, new_sl_price", aboutNewPrice},
		{"  order_adjustment", aboutOrderAdjustment + " The object has:"},
		{"    adjust_tp", aboutAdjustTP},
		{"    adjust_sl", aboutAdjustSL},
		{"    cancel_tp", aboutCancelTP},
		{"    cancel_sl", aboutCancelSL},
		{"    new_tp_price", aboutNewTP},
		{"    new_sl_price", aboutNewSL},
		{"  tp_price", aboutTP},
		{"  sl_price", aboutSL},
		{"  exit_plan", aboutExitPlan},
		{"  confidence", aboutConfidence},
		{"  risk_level", aboutRiskLevel + " low, medium or high."},
		{"total_allocation_usd", aboutTotal},
		{"portfolio_risk_level", aboutPortfolioRisk + " low, medium or high."},
	} {
		b.WriteString(m.name + ": " + m.about + "\n")
	}
	b.WriteString(promptRules)
	return b.String()
}

const promptRole = `You decide on a portfolio of perpetual futures. You get the account, its limits, the open positions and the market of each requested asset, and answer with one decision for each asset. A risk gate checks every decision against the limits afterwards and refuses what breaks one; a refused action becomes a hold.

# Answer
Reply with exactly one JSON object and nothing else: no code fence, no text before or after it, no comments. All members are required, no others are allowed. Numbers are plain JSON numbers: no quotes, no thousands separators, no units. An action other than adjust_position and adjust_orders leaves both adjustment objects null.
`

const promptRules = `
# Data
All amounts are USD, times are UTC. null or an absent member means unknown, not zero. Only closed candles are shown.
account: balance_usd is the wallet without unrealised profit, equity_usd includes it. leverage holds for new positions.
limits: bind whatever adds risk; closing and reducing is always allowed. A trade may lose max_loss_per_trade_usd at its stop: notional x stop distance in percent / 100, what is open already included. pnl_today_usd must stay above daily_loss_limit_usd, or nothing may be added today. The margin of all positions together and of each asset is capped in percent of the balance. total_new_allocation_usd is the most that all new positions together may be. funding_limit_bps is the most that a side may pay per funding interval; from weigh_funding_from_bps on weigh funding explicitly. liquidation_buffer is the least distance to the estimated liquidation price as a fraction of price. min_confidence is the least confidence of an action that adds risk.
positions: all open positions. Those with "requested": false count in every limit, but are not yours to decide.
assets: allowed_actions are the actions the limits leave. max_long_usd and max_short_usd are the largest allocation_usd for buy and sell, 0 when the side may not be entered, with the limit that binds beside it; they assume a stop stop_percent_assumed percent away, a wider stop allows only max_loss_usd x 100 / distance in percent. suggested_long_usd and suggested_short_usd are the sizes that position_sizing gives, within those limits. A stop more than max_stop_percent percent away would come after liquidation and is refused. cooldown_left_seconds must pass before the asset may be entered again. change_24h_percent is the change over 24 hours, quote_volume_24h the volume in the quote asset. funding_bps is what longs pay to shorts per funding interval (negative: shorts pay longs). An asset with a failure has no usable data: it can only be held or reduced.
candles: by interval, each list oldest first, its last entry belonging to the candle that closed at closed_at; volume is in base units. Indicators are aligned to the same closes: ema_20, ema_50, macd (12, 26), macd_signal (9), rsi_14, bollinger bands (20, 2 standard deviations) and atr_14 as lists; of volatility_percent (per day) and the Ichimoku lines tenkan, kijun, span_a, span_b (the cloud in force) only the newest value.

# Rules
1. Decide every requested asset exactly once, with its symbol exactly as requested.
2. Stay within allowed_actions and the largest allocations; when in doubt, hold.
3. buy and sell need a stop loss on the losing side of the price when stop_required is true, and a target on the winning side if there is one.
4. Never enter against an open position in the same asset: close it first.
5. Base every statement on the data given. Do not invent prices, news or levels.

# Strategy
`
