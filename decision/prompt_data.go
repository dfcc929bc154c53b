package decision

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/marketdata"
)

// promptWriter appends one compact JSON object. Its first error sticks.
type promptWriter struct {
	b   []byte // what is not in out yet
	out strings.Builder
	err error
}

func (w *promptWriter) raw(text string) { w.b = append(w.b, text...) }

// paste writes a long text without copying it twice. A bracket must follow.
func (w *promptWriter) paste(text string) {
	w.out.Write(w.b)
	w.out.WriteString(text)
	w.b = w.b[:0]
}

// String is everything written.
func (w *promptWriter) String() string {
	w.paste("")
	return w.out.String()
}

// open begins an object or array; name is empty inside an array.
func (w *promptWriter) open(name string, bracket byte) {
	w.key(name)
	w.b = append(w.b, bracket)
}

func (w *promptWriter) close(bracket byte) { w.b = append(w.b, bracket) }

func (w *promptWriter) key(name string) {
	if n := len(w.b); n > 0 && w.b[n-1] != '{' && w.b[n-1] != '[' && w.b[n-1] != '\n' {
		w.b = append(w.b, ',')
	}
	if name != "" {
		w.b = append(append(append(w.b, '"'), name...), '"', ':')
	}
}

func (w *promptWriter) text(name, value string) {
	w.key(name)
	w.b = jsonx.AppendText(w.b, value)
}

func (w *promptWriter) flag(name string, value bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, value)
}

func (w *promptWriter) count(name string, value int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *promptWriter) at(name string, value time.Time) {
	w.key(name)
	w.b = append(value.UTC().AppendFormat(append(w.b, '"'), time.RFC3339), '"')
}

var errPromptNumber = errors.New("has an exponent outside of ±60")

// number writes every digit in plain notation.
func (w *promptWriter) number(name string, value decimal.Decimal) {
	w.key(name)
	if e := value.Exponent(); (e > 60 || e < -60) && w.err == nil {
		w.err = fmt.Errorf("%s %w", name, errPromptNumber) // it would be written as that many zeros
		return
	}
	w.b = appendDecimal(w.b, value)
}

// appendDecimal appends what Decimal.String returns, without its allocations
// where the digits fit a machine word.
func appendDecimal(b []byte, d decimal.Decimal) []byte {
	exponent := int(d.Exponent())
	if exponent > 0 || exponent < -18 || d.NumDigits() > 18 {
		return append(b, d.String()...)
	}
	n := d.CoefficientInt64()
	for exponent < 0 && n%10 == 0 { // as String does
		n /= 10
		exponent++
	}
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	from := len(b)
	b = strconv.AppendInt(b, n, 10)
	if exponent == 0 {
		return b
	}
	for len(b)-from <= -exponent {
		b = slices.Insert(b, from, '0')
	}
	return slices.Insert(b, len(b)+exponent, '.')
}

// optional writes null for what is unknown.
func (w *promptWriter) optional(name string, value decimal.NullDecimal) {
	if value.Valid {
		w.number(name, value.Decimal)
		return
	}
	w.key(name)
	w.raw("null")
}

// known leaves out what is unknown.
func (w *promptWriter) known(name string, value decimal.NullDecimal) {
	if value.Valid {
		w.number(name, value.Decimal)
	}
}

func (b *PromptBuilder) writeData(w *promptWriter, in Input) {
	v := newView(&in, &Proposal{})
	w.open("", '{')
	w.at("at", in.At)
	w.writeAccount(v)
	w.writeLimits(v, b.caps)
	w.open("positions", '[')
	for _, p := range orderedPositions(&in) {
		w.writePosition(v, p)
	}
	w.close(']')
	w.open("assets", '[')
	for _, symbol := range in.Symbols {
		b.writeAsset(w, v, symbol)
	}
	w.close(']')
	w.close('}')
}

func (w *promptWriter) writeAccount(v *view) {
	a := &v.in.Account
	unrealized := a.UnrealizedPnLUSD()
	w.open("account", '{')
	w.number("balance_usd", a.BalanceUSD)
	w.number("available_usd", a.AvailableUSD)
	w.number("unrealized_pnl_usd", unrealized)
	w.number("equity_usd", a.BalanceUSD.Add(unrealized))
	w.number("margin_usd", v.marginUSD)
	w.number("leverage", a.Leverage)
	w.number("maker_fee_bps", a.MakerFeeBps)
	w.number("taker_fee_bps", a.TakerFeeBps)
	w.close('}')
}

func (w *promptWriter) writeLimits(v *view, caps marginCaps) {
	a, s := &v.in.Account, &v.in.Strategy
	pnl, dailyLimit := v.pnlUSD, v.pnlLimitUSD
	w.open("limits", '{')
	w.flag("halted", v.in.Halted || a.Halted)
	w.number("max_position_size_usd", a.MaxPositionSizeUSD)
	w.number("max_risk_per_trade_percent", s.Risk.MaxRiskPerTrade)
	w.number("max_loss_per_trade_usd", v.maxLossUSD)
	w.number("max_daily_loss_percent", s.Risk.MaxDailyLoss)
	w.number("daily_loss_limit_usd", dailyLimit)
	w.number("pnl_today_usd", pnl)
	w.flag("stop_required", s.Risk.StopRequired)
	w.number("stop_loss_percent", s.Risk.StopLossPercentage)
	w.number("take_profit_ratio", s.Risk.TakeProfitRatio)
	w.number("max_leverage", s.Risk.MaxLeverage)
	w.count("max_positions", int64(s.MaxPositions))
	w.count("open_positions", int64(len(a.Positions)))
	w.count("free_positions", int64(v.in.Envelope.NewPositions))
	w.number("total_new_allocation_usd", v.in.Envelope.TotalUSD)
	if caps.maxAll > 0 {
		w.count("max_margin_percent_of_balance", caps.maxAll)
		w.count("warn_margin_percent_of_balance", caps.warnAll)
	}
	if caps.maxAsset > 0 {
		w.count("max_asset_margin_percent_of_balance", caps.maxAsset)
		w.count("warn_asset_margin_percent_of_balance", caps.warnAsset)
	}
	w.count("cooldown_seconds", int64(s.Risk.CooldownSeconds))
	w.number("funding_limit_bps", s.Risk.MaxFundingRateBps)
	w.number("weigh_funding_from_bps", s.FundingRateThreshold.Mul(hundred))
	w.number("liquidation_buffer", s.Risk.LiquidationBuffer)
	w.optional("min_confidence", s.Risk.MinConfidence)
	w.text("position_sizing", string(s.PositionSizing))
	w.text("order_preference", string(s.OrderPreference))
	w.close('}')
}

// orderedPositions are the requested ones in the order of the request, then
// the others by symbol.
func orderedPositions(in *Input) []*Position {
	out := make([]*Position, len(in.Account.Positions))
	for i := range out {
		out[i] = &in.Account.Positions[i]
	}
	rank := func(p *Position) int {
		if i := slices.Index(in.Symbols, p.Symbol); i >= 0 {
			return i
		}
		return len(in.Symbols)
	}
	slices.SortFunc(out, func(a, b *Position) int {
		if byRank := rank(a) - rank(b); byRank != 0 {
			return byRank
		}
		return strings.Compare(a.Symbol, b.Symbol)
	})
	return out
}

func (w *promptWriter) writePosition(v *view, p *Position) {
	w.open("", '{')
	name := p.Symbol
	if !promptSymbol(name) {
		name = "a symbol that cannot be shown" // it counts in the limits all the same
	}
	w.text("asset", name)
	w.flag("requested", slices.Contains(v.in.Symbols, p.Symbol))
	w.text("side", string(p.Side))
	w.number("quantity", p.Quantity)
	w.number("entry_price", p.EntryPrice)
	w.number("mark_price", p.MarkPrice)
	w.number("notional_usd", p.NotionalUSD())
	w.number("margin_usd", p.MarginUSD())
	w.number("unrealized_pnl_usd", p.UnrealizedPnLUSD())
	w.number("leverage", p.Leverage)
	w.optional("tp_price", p.TPPrice)
	w.optional("sl_price", p.SLPrice)
	if !p.OpenedAt.IsZero() {
		w.at("opened_at", p.OpenedAt)
	}
	w.close('}')
}

func (b *PromptBuilder) writeAsset(w *promptWriter, v *view, symbol string) {
	w.open("", '{')
	defer w.close('}')
	w.text("asset", symbol)
	envelope, ok := v.in.Envelope.Asset(symbol)
	if !ok {
		w.err = errors.Join(w.err, fmt.Errorf("%s has no envelope", symbol))
		return
	}
	w.writeEnvelope(envelope)
	if age, limit, active := (Cooldown{}).active(v, symbol); active {
		w.count("cooldown_left_seconds", int64((limit-age+time.Second-1)/time.Second))
	}
	asset, ok := v.in.Market.Assets[symbol]
	if !ok {
		w.text("failure", failureReason(v.in.Market.Failures[symbol].Reason))
		return
	}
	w.writeQuote(asset.Quote)
	w.writeInstrument(asset.Instrument)
	w.open("candles", '{')
	b.writeSeries(w, v.in, &asset, symbol, v.in.Interval)
	if v.in.LongInterval != v.in.Interval {
		b.writeSeries(w, v.in, &asset, symbol, v.in.LongInterval)
	}
	w.close('}')
}

// failureReason lets no text of a source through.
func failureReason(r marketdata.Reason) string {
	switch r {
	case marketdata.ReasonStale, marketdata.ReasonGap, marketdata.ReasonBadCandle, marketdata.ReasonUnknownSymbol:
		return string(r)
	case marketdata.ReasonUnavailable:
	}
	return string(marketdata.ReasonUnavailable)
}

func (w *promptWriter) writeEnvelope(e AssetEnvelope) {
	w.open("allowed_actions", '[')
	for _, a := range e.Actions {
		w.text("", string(a))
	}
	w.close(']')
	w.number("max_long_usd", e.MaxLongUSD)
	w.text("long_limited_by", e.LongLimit)
	w.number("max_short_usd", e.MaxShortUSD)
	w.text("short_limited_by", e.ShortLimit)
	w.known("suggested_long_usd", e.SuggestedLongUSD)
	w.known("suggested_short_usd", e.SuggestedShortUSD)
	w.number("stop_percent_assumed", e.StopPercent)
	w.number("max_loss_usd", e.MaxLossUSD)
	w.known("max_stop_percent", e.MaxStopPercent)
}

func (w *promptWriter) writeQuote(q marketdata.Quote) {
	w.number("last", q.Last)
	w.at("last_at", q.LastAt)
	w.optional("mark", q.Mark)
	w.optional("change_24h_percent", q.Change24hPercent)
	w.optional("quote_volume_24h", q.QuoteVolume24h)
	if q.FundingRate.Valid {
		w.number("funding_bps", q.FundingRate.Decimal.Shift(4))
	}
	if hours := q.FundingInterval / time.Hour; hours > 0 && q.FundingInterval%time.Hour == 0 {
		w.count("funding_interval_hours", int64(hours))
	} else if q.FundingInterval > 0 {
		w.number("funding_interval_hours", decimal.NewFromInt(int64(q.FundingInterval)).DivRound(decimal.NewFromInt(int64(time.Hour)), 4))
	}
	w.known("open_interest_base", q.OpenInterest)
}

func (w *promptWriter) writeInstrument(i *marketdata.Instrument) {
	if i == nil {
		return
	}
	w.known("tick_size", i.TickSize)
	w.known("lot_size", i.LotSize)
	w.known("min_quantity", i.MinQuantity)
	w.known("min_notional_usd", i.MinNotionalUSD)
}
