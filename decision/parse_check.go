package decision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

func (p *answerParser) readAsset() error {
	text, err := p.readWord()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.symbols, func(s string) bool { return s == string(text) })
	if i < 0 {
		return p.unknownAsset(string(text))
	}
	for _, d := range p.out.Decisions {
		if d.Asset == p.symbols[i] {
			return p.fail("%s is decided twice", p.symbols[i])
		}
	}
	p.entry.Asset = p.symbols[i]
	return nil
}

// unknownAsset tells a slip of spelling, which the model may correct, from a
// symbol that nobody asked about. Neither is ever mapped to a requested one.
func (p *answerParser) unknownAsset(text string) error {
	if strings.ContainsFunc(text, notASCII) {
		return &AnswerError{Class: AnswerReject, Path: p.path(), Alarm: true, Message: fmt.Sprintf("%+.40q holds characters that no symbol has", text)}
	}
	plain := plainSymbol(text)
	if len(plain) < 2 {
		return p.fail("must be one of the requested assets, was %+.40q", text)
	}
	for _, s := range p.symbols {
		if wanted := plainSymbol(s); strings.HasPrefix(wanted, plain) || strings.HasSuffix(wanted, plain) {
			return p.fail("must be written %q, was %+.40q", s, text)
		}
	}
	return &AnswerError{Class: AnswerReject, Path: p.path(), Alarm: true, Message: fmt.Sprintf("%+.40q was not asked about", text)}
}

func notASCII(r rune) bool { return r >= 0x80 || r < ' ' }

// plainSymbol is a symbol without case and punctuation.
func plainSymbol(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

func (p *answerParser) readAction() error {
	text, err := p.readWord()
	if err != nil {
		return err
	}
	for _, a := range Actions() {
		if string(text) == string(a) {
			p.entry.Action = a
			return nil
		}
	}
	return p.fail("must be one of %v, was %+.40q", Actions(), text)
}

func (p *answerParser) readRisk(level *RiskLevel) error {
	text, err := p.readWord()
	if err != nil {
		return err
	}
	for _, l := range [...]RiskLevel{RiskLow, RiskMedium, RiskHigh} {
		if string(text) == string(l) {
			*level = l
			return nil
		}
	}
	return p.fail("must be one of low, medium, high, was %+.40q", text)
}

func (p *answerParser) readAdjustmentType() error {
	text, err := p.readWord()
	if err != nil {
		return err
	}
	if p.adjust.Type = AdjustmentType(text); !p.adjust.Type.Valid() {
		return p.fail("must be increase or decrease, was %+.40q", text)
	}
	return nil
}

// checkAsset reports members of one entry that contradict each other.
func (p *answerParser) checkAsset() error {
	d := &p.entry
	opens := d.Action == ActionBuy || d.Action == ActionSell
	switch {
	case !opens && !d.AllocationUSD.IsZero():
		p.member = "allocation_usd"
		return p.fail("must be 0 for %s, was %s", d.Action, d.AllocationUSD)
	case (d.Action == ActionAdjustPosition) != (d.PositionAdjustment != nil):
		p.member = "position_adjustment"
		return p.fail("must be an object for adjust_position and null for every other action; the action was %s", d.Action)
	case (d.Action == ActionAdjustOrders) != (d.OrderAdjustment != nil):
		p.member = "order_adjustment"
		return p.fail("must be an object for adjust_orders and null for every other action; the action was %s", d.Action)
	case !opens || !d.SLPrice.Valid || !d.TPPrice.Valid:
		return nil
	case d.Action == ActionBuy && d.SLPrice.Decimal.GreaterThanOrEqual(d.TPPrice.Decimal):
		p.member = "sl_price"
		return p.fail("must be below tp_price %s for buy, was %s", d.TPPrice.Decimal, d.SLPrice.Decimal)
	case d.Action == ActionSell && d.SLPrice.Decimal.LessThanOrEqual(d.TPPrice.Decimal):
		p.member = "sl_price"
		return p.fail("must be above tp_price %s for sell, was %s", d.TPPrice.Decimal, d.SLPrice.Decimal)
	}
	return nil
}

// checkDecision reports what is wrong with the answer as a whole. Missing
// assets come last: their error carries a decision that is sound otherwise.
func (p *answerParser) checkDecision() error {
	p.member = ""
	sum, untouched := decimal.Zero, true
	for i := range p.out.Decisions {
		d := &p.out.Decisions[i]
		sum = sum.Add(d.AllocationUSD)
		untouched = untouched && d.Confidence.IsZero() && d.AllocationUSD.IsZero() && d.Action != ActionClosePosition && !d.SLPrice.Valid && !d.TPPrice.Valid &&
			d.PositionAdjustment == nil && d.OrderAdjustment == nil
	}
	if !sum.Equal(p.out.TotalAllocationUSD) {
		p.member = "total_allocation_usd"
		return p.fail("must be the sum of the allocations, %s, was %s", sum, p.out.TotalAllocationUSD)
	}
	if untouched && len(p.out.Decisions) > 0 {
		return &AnswerError{Class: AnswerAskAgain, Path: "decisions", Message: "every number is 0, confidence included: that is a form, not a judgement", Alarm: true}
	}
	if len(p.out.Decisions) == len(p.symbols) {
		return nil
	}
	missing := &AnswerError{Class: AnswerAskAgain, Path: "decisions", Message: "is missing " + strings.Join(p.missing(), ", ")}
	if len(p.out.Decisions) > 0 {
		missing.Partial = &p.out
	}
	return missing
}

func (p *answerParser) missing() []string {
	return slices.DeleteFunc(slices.Clone(p.symbols), func(s string) bool {
		return slices.ContainsFunc(p.out.Decisions, func(d AssetDecision) bool { return d.Asset == s })
	})
}
