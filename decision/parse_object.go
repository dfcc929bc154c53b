package decision

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// answerParser reads one answer. Its position is kept as indices and our own
// member names, so that a path never repeats what the model wrote.
type answerParser struct {
	dec     *jsonx.Decoder
	text    string
	symbols []string
	out     Decision

	asset  int    // index in decisions; -1 outside
	nested string // the adjustment object that is being read
	member string // the member that is being read
	entry  AssetDecision
	adjust PositionAdjustment
	orders OrderAdjustment
}

// answerMember is one member of an object: how it is called and how it is read.
// Nothing to read makes it an optional one that is skipped.
type answerMember struct {
	name string
	read func(*answerParser) error
}

func (p *answerParser) parse() error {
	if err := p.object(p.topMembers()); err != nil {
		return err
	}
	if err := p.dec.End(); err != nil {
		return p.syntax(err)
	}
	return p.checkDecision()
}

func (p *answerParser) topMembers() []answerMember {
	return []answerMember{
		{"decisions", (*answerParser).readDecisions},
		{"portfolio_rationale", func(p *answerParser) error { return p.readText(&p.out.PortfolioRationale) }},
		{"total_allocation_usd", func(p *answerParser) error { return p.readAmount(&p.out.TotalAllocationUSD) }},
		{"portfolio_risk_level", func(p *answerParser) error { return p.readRisk(&p.out.PortfolioRiskLevel) }},
		{"timestamp", nil},
		{"reasoning", nil},
		{"analysis", nil},
	}
}

func (p *answerParser) assetMembers() []answerMember {
	return []answerMember{
		{"asset", (*answerParser).readAsset},
		{"rationale", func(p *answerParser) error { return p.readText(&p.entry.Rationale) }},
		{"action", (*answerParser).readAction},
		{"allocation_usd", func(p *answerParser) error { return p.readAmount(&p.entry.AllocationUSD) }},
		{"position_adjustment", (*answerParser).readPositionAdjustment},
		{"order_adjustment", (*answerParser).readOrderAdjustment},
		{"tp_price", func(p *answerParser) error { return p.readPrice(&p.entry.TPPrice) }},
		{"sl_price", func(p *answerParser) error { return p.readPrice(&p.entry.SLPrice) }},
		{"exit_plan", func(p *answerParser) error { return p.readText(&p.entry.ExitPlan) }},
		{"confidence", func(p *answerParser) error { return p.readPercent(&p.entry.Confidence) }},
		{"risk_level", func(p *answerParser) error { return p.readRisk(&p.entry.RiskLevel) }},
		{"reasoning", nil},
		{"analysis", nil},
	}
}

func (p *answerParser) adjustmentMembers() []answerMember {
	return []answerMember{
		{"adjustment_type", (*answerParser).readAdjustmentType},
		{"adjustment_amount_usd", func(p *answerParser) error { return p.readAmount(&p.adjust.AmountUSD) }},
		{"adjustment_percentage", (*answerParser).readAdjustmentPercentage},
		{"new_tp_price", func(p *answerParser) error { return p.readPrice(&p.adjust.NewTPPrice) }},
		{"new_sl_price", func(p *answerParser) error { return p.readPrice(&p.adjust.NewSLPrice) }},
	}
}

func (p *answerParser) orderMembers() []answerMember {
	return []answerMember{
		{"adjust_tp", func(p *answerParser) error { return p.readFlag(&p.orders.AdjustTP) }},
		{"adjust_sl", func(p *answerParser) error { return p.readFlag(&p.orders.AdjustSL) }},
		{"cancel_tp", func(p *answerParser) error { return p.readFlag(&p.orders.CancelTP) }},
		{"cancel_sl", func(p *answerParser) error { return p.readFlag(&p.orders.CancelSL) }},
		{"new_tp_price", func(p *answerParser) error { return p.readPrice(&p.orders.NewTPPrice) }},
		{"new_sl_price", func(p *answerParser) error { return p.readPrice(&p.orders.NewSLPrice) }},
	}
}

// object reads an object that has exactly these members.
func (p *answerParser) object(members []answerMember) error {
	if err := p.expect('{', "an object"); err != nil {
		return err
	}
	if _, err := p.dec.Token(); err != nil {
		return p.syntax(err)
	}
	var seen uint16
	for {
		more, err := p.dec.More()
		if err != nil {
			return p.syntax(err)
		}
		if !more {
			break
		}
		i, err := p.name(members)
		if err != nil {
			return err
		}
		seen |= 1 << i
		p.member = members[i].name
		if err := p.value(members[i]); err != nil {
			return err
		}
		p.member = ""
	}
	for i, m := range members {
		if m.read != nil && seen&(1<<i) == 0 {
			p.member = m.name
			return p.fail("is missing")
		}
	}
	return nil
}

// name reads a member name. Names with escapes are unknown ones.
func (p *answerParser) name(members []answerMember) (int, error) {
	raw, err := p.dec.Raw()
	if err != nil {
		return 0, p.syntax(err)
	}
	if len(raw) >= 2 {
		for i := range members {
			if string(raw[1:len(raw)-1]) == members[i].name {
				return i, nil
			}
		}
	}
	return 0, p.fail("unknown member %+.40q", strings.Trim(string(raw), `"`))
}

func (p *answerParser) value(m answerMember) error {
	if m.read != nil {
		return m.read(p)
	}
	if err := p.dec.Skip(maxAnswerDepth); err != nil {
		return p.syntax(err)
	}
	return nil
}

func (p *answerParser) readDecisions() error {
	if err := p.expect('[', "an array"); err != nil {
		return err
	}
	if _, err := p.dec.Token(); err != nil {
		return p.syntax(err)
	}
	p.out.Decisions = make([]AssetDecision, 0, len(p.symbols))
	members := p.assetMembers()
	for i := 0; ; i++ {
		more, err := p.dec.More()
		if err != nil {
			return p.syntax(err)
		}
		if !more {
			p.asset = -1
			return nil
		}
		p.asset, p.member, p.entry = i, "", AssetDecision{}
		if err := p.object(members); err != nil {
			return err
		}
		if err := p.checkAsset(); err != nil {
			return err
		}
		p.out.Decisions = append(p.out.Decisions, p.entry)
	}
}

func (p *answerParser) readPositionAdjustment() error {
	if p.dec.Kind() == 'n' {
		return p.skipNull()
	}
	p.nested, p.adjust = "position_adjustment", PositionAdjustment{}
	if err := p.object(p.adjustmentMembers()); err != nil {
		return err
	}
	if !p.adjust.AmountUSD.IsPositive() {
		p.member = "adjustment_amount_usd"
		return p.fail("must be above 0, was %s", p.adjust.AmountUSD)
	}
	p.nested = ""
	read := p.adjust
	p.entry.PositionAdjustment = &read
	return nil
}

func (p *answerParser) readOrderAdjustment() error {
	if p.dec.Kind() == 'n' {
		return p.skipNull()
	}
	p.nested, p.orders = "order_adjustment", OrderAdjustment{}
	if err := p.object(p.orderMembers()); err != nil {
		return err
	}
	p.nested = ""
	read := p.orders
	p.entry.OrderAdjustment = &read
	return nil
}

func (p *answerParser) skipNull() error {
	if _, err := p.dec.Token(); err != nil {
		return p.syntax(err)
	}
	return nil
}

// expect fails unless a value of this kind comes next. What is not JSON at all
// is left for the read to report.
func (p *answerParser) expect(want jsonx.Kind, words string) error {
	got := p.dec.Kind()
	if got == want || got == 0 {
		return nil
	}
	if want == '0' && got == '"' {
		words = "a JSON number without quotes"
	}
	return p.fail("must be %s, was %s", words, kindWords(got))
}

func kindWords(k jsonx.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 0, '}', ']':
	}
	return "a delimiter"
}

// fail is an error at the current place that the model may correct.
func (p *answerParser) fail(format string, args ...any) error {
	return &AnswerError{Class: AnswerAskAgain, Path: p.path(), Message: fmt.Sprintf(format, args...)}
}

// syntax translates what the JSON decoder says.
func (p *answerParser) syntax(err error) error {
	out := &AnswerError{Class: AnswerAskAgain, Path: p.path(), Message: "not valid JSON"}
	at, ok := errors.AsType[*jsonx.SyntaxError](err)
	if !ok {
		return out
	}
	switch {
	case errors.Is(err, jsonx.ErrTruncated):
		out.Class, out.Message = AnswerRetry, "the JSON ends too early"
	case errors.Is(err, jsonx.ErrDepth):
		out.Class, out.Message = AnswerReject, fmt.Sprintf("nested deeper than %d levels", maxAnswerDepth)
	case errors.Is(err, jsonx.ErrTrailing):
		out.Message = "expected one JSON object and nothing else, got more after it"
	case errors.Is(err, jsonx.ErrDuplicate):
		out.Message = "the same member twice"
	default:
		from := min(max(int(at.Offset), 0), len(p.text))
		out.Message = fmt.Sprintf("not valid JSON at byte %d: %+.40q", from, p.text[from:])
	}
	return out
}

func (p *answerParser) path() string {
	var b strings.Builder
	join := func(name string) {
		if b.Len() > 0 && name != "" {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	if p.asset >= 0 {
		join("decisions[" + strconv.Itoa(p.asset) + "]")
	}
	join(p.nested)
	if p.member != p.nested {
		join(p.member)
	}
	return b.String()
}
