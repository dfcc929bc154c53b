package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

// contrarian is a model that wants the most of everything against the trend.
// Its answers are well formed, so that nothing but the gate is in their way. In
// turn it asks for the largest allocation of every asset, of one asset, for
// far more than that, and to take the stops away.
type contrarian struct{ turn int }

// question is what it reads of the prompt.
type question struct {
	Positions []struct {
		Asset string           `json:"asset"`
		Side  decision.Side    `json:"side"`
		Stop  *decimal.Decimal `json:"sl_price"`
	} `json:"positions"`
	Assets []struct {
		Asset       string              `json:"asset"`
		MaxLongUSD  decimal.Decimal     `json:"max_long_usd"`
		MaxShortUSD decimal.Decimal     `json:"max_short_usd"`
		Last        decimal.Decimal     `json:"last"`
		Tick        decimal.NullDecimal `json:"tick_size"`
		StopPercent decimal.Decimal     `json:"stop_percent_assumed"`
		Candles     map[marketdata.Interval]struct {
			EMA []decimal.Decimal `json:"ema_50"`
		} `json:"candles"`
	} `json:"assets"`
}

var errNoData = errors.New("limits: the prompt has no data")

// Complete answers.
func (c *contrarian) Complete(_ context.Context, req llm.Request) (llm.Response, error) {
	text := req.Messages[len(req.Messages)-1].Content
	start, end := strings.Index(text, "{"), strings.LastIndex(text, "}")
	if start < 0 || end < start {
		return llm.Response{}, errNoData
	}
	var q question
	if err := json.Unmarshal([]byte(text[start:end+1]), &q); err != nil { //nolint:forbidigo // our own prompt
		return llm.Response{}, err
	}
	c.turn++
	answer, err := c.answer(q).MarshalJSON()
	return llm.Response{Model: "contrarian", Content: string(answer), FinishReason: llm.FinishStop}, err
}

func (c *contrarian) answer(q question) decision.Decision {
	out := decision.Decision{PortfolioRationale: "more", PortfolioRiskLevel: decision.RiskLow}
	for i := range q.Assets {
		a := &q.Assets[i]
		d := decision.AssetDecision{
			Asset: a.Asset, Action: decision.ActionHold, Rationale: "against the trend", ExitPlan: "none",
			Confidence: decimal.NewFromInt(100), RiskLevel: decision.RiskLow,
		}
		held := -1
		for j := range q.Positions {
			if q.Positions[j].Asset == a.Asset {
				held = j
			}
		}
		most := decimal.Max(a.MaxLongUSD, a.MaxShortUSD)
		ask := most
		switch c.turn % 4 {
		case 1: // one asset after the other, exactly what is allowed
			if c.turn/4%len(q.Assets) != i {
				ask = decimal.Zero
			}
		case 2:
			ask = most.Mul(decimal.NewFromInt(3)).Add(decimal.NewFromInt(1))
		}
		ema := a.Candles[marketdata.Interval1h].EMA // one interval, because they may contradict each other
		rising := len(ema) > 0 && a.Last.GreaterThan(ema[len(ema)-1])
		c.fill(&d, q, held, ask, rising, a.Last, a.StopPercent, a.Tick)
		out.Decisions = append(out.Decisions, d)
		out.TotalAllocationUSD = out.TotalAllocationUSD.Add(d.AllocationUSD)
	}
	return out
}

func (c *contrarian) fill(d *decision.AssetDecision, q question, held int, ask decimal.Decimal, rising bool, last, stopPercent decimal.Decimal, tick decimal.NullDecimal) {
	switch {
	case held >= 0 && c.turn%4 == 3:
		d.Action = decision.ActionAdjustOrders
		d.OrderAdjustment = &decision.OrderAdjustment{CancelSL: q.Positions[held].Stop != nil, CancelTP: true}
	case held >= 0 && ask.IsPositive():
		d.Action = decision.ActionAdjustPosition
		d.PositionAdjustment = &decision.PositionAdjustment{Type: decision.AdjustIncrease, AmountUSD: ask}
	case held < 0 && ask.IsPositive():
		d.Action, d.AllocationUSD = decision.ActionBuy, ask
		away := stopPercent.Shift(-2).Neg()
		if rising {
			d.Action, away = decision.ActionSell, away.Neg()
		}
		d.SLPrice = decimal.NewNullDecimal(onTick(last.Mul(decimal.NewFromInt(1).Add(away)), tick))
		d.TPPrice = decimal.NewNullDecimal(onTick(last.Mul(decimal.NewFromInt(1).Sub(away)), tick))
	}
}

func onTick(price decimal.Decimal, tick decimal.NullDecimal) decimal.Decimal {
	if !tick.Valid || !tick.Decimal.IsPositive() {
		return price.Round(8)
	}
	return price.Div(tick.Decimal).Floor().Mul(tick.Decimal)
}
