package decision

import (
	"fmt"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
)

func (p *answerParser) readAmount(d *decimal.Decimal) error {
	if err := p.expect('0', "a number"); err != nil {
		return err
	}
	raw, err := p.dec.Raw()
	if err != nil {
		return p.syntax(err)
	}
	parsed, err := jsonx.ParseDecimal(string(raw))
	if err != nil || parsed.Exponent() < -maxDecimals || parsed.NumDigits()+int(parsed.Exponent()) > maxDigits {
		return p.fail("must be below 1e%d with at most %d decimals, was %+.40q", maxDigits, maxDecimals, raw)
	}
	if parsed.IsNegative() {
		return p.fail("must not be negative, was %+.40q", raw)
	}
	*d = parsed
	return nil
}

// Bounds of a number in an answer: no price or amount comes near them, and
// what is accepted can be recorded and read again.
const (
	maxDecimals = 18
	maxDigits   = 15
)

func (p *answerParser) readPercent(d *decimal.Decimal) error {
	if err := p.readAmount(d); err != nil {
		return err
	}
	if d.GreaterThan(hundred) {
		return p.fail("must be between 0 and 100, was %s", d)
	}
	return nil
}

func (p *answerParser) readAdjustmentPercentage() error {
	if p.dec.Kind() == 'n' {
		return p.skipNull()
	}
	p.adjust.Percentage.Valid = true
	return p.readPercent(&p.adjust.Percentage.Decimal)
}

func (p *answerParser) readPrice(d *decimal.NullDecimal) error {
	if p.dec.Kind() == 'n' {
		return p.skipNull()
	}
	if err := p.readAmount(&d.Decimal); err != nil {
		return err
	}
	if d.Valid = d.Decimal.IsPositive(); !d.Valid {
		return p.fail("must be a price above 0, or null for none")
	}
	return nil
}

func (p *answerParser) readFlag(b *bool) error {
	if k := p.dec.Kind(); k != 't' && k != 0 {
		if err := p.expect('f', "true or false"); err != nil {
			return err
		}
	}
	kind, err := p.dec.Token()
	if err != nil {
		return p.syntax(err)
	}
	*b = kind == 't'
	return nil
}

// readWord is a string's bytes, valid until the next read.
func (p *answerParser) readWord() ([]byte, error) {
	if err := p.expect('"', "a string"); err != nil {
		return nil, err
	}
	text, err := p.dec.Text()
	if err != nil {
		return nil, p.syntax(err)
	}
	return text, nil
}

func (p *answerParser) readText(s *string) error {
	text, err := p.readWord()
	if err != nil {
		return err
	}
	if len(text) > MaxTextBytes {
		return p.fail("must be at most %d bytes, was %d", MaxTextBytes, len(text))
	}
	*s = string(text)
	for _, r := range *s {
		if r >= ' ' && r < 0x7f || r == '\n' || r == '\t' {
			continue
		}
		if unprintable(r) {
			return &AnswerError{
				Class: AnswerAskAgain, Path: p.path(), Message: fmt.Sprintf("must not contain the character %U", r),
				Alarm: unicode.Is(unicode.Bidi_Control, r) || r >= 0xE0000 && r <= 0xE01EF,
			}
		}
	}
	return nil
}

// unprintable finds what a reader cannot see: control and format characters,
// private use, line separators, and the variation selectors that can hide data.
// The two that choose between text and emoji stay, because models write them.
func unprintable(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) ||
		unicode.Is(unicode.Variation_Selector, r) && r != 0xFE0E && r != 0xFE0F
}
