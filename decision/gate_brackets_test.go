package decision_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// table has a bracket for each "up to, rate, deduction".
func table(rows ...[3]string) (out []marketdata.Bracket) {
	for _, row := range rows {
		b := step(row[0], "20")
		b.MaintenancePercent, b.DeductionUSD = dt.D(row[1]), dt.D(row[2])
		out = append(out, b)
	}
	return out
}

// TestLiquidationAgreesWithTheOracleAtEveryEdgeOfATable asks for the sizes at
// which a position, or what a move by the buffer of 15 % leaves of it, passes
// from one bracket into the next, and for a cent less and more. An amount is
// kept when the oracle lets it and every smaller one of those stand: where a
// table jumps the envelope ends before the jump.
func TestLiquidationAgreesWithTheOracleAtEveryEdgeOfATable(t *testing.T) {
	t.Parallel()
	for name, brackets := range map[string][]marketdata.Bracket{
		"none":       nil,
		"one":        table([3]string{"", "2", "0"}),
		"continuous": table([3]string{"1000", "1", "0"}, [3]string{"2500", "3", "20"}, [3]string{"", "8", "145"}),
		"jumping":    table([3]string{"1000", "1", "0"}, [3]string{"2500", "3", "0"}, [3]string{"", "8", "0"}),
		"steep":      table([3]string{"1000", "1", "0"}, [3]string{"2500", "30", "0"}, [3]string{"6000", "30", "0"}),
		"falling":    table([3]string{"1000", "9", "0"}, [3]string{"2500", "1", "0"}, [3]string{"", "4", "0"}),
		"generous":   table([3]string{"1000", "1", "50"}, [3]string{"", "5", "90"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, refused := 0, 0
			for _, c := range edgeCases(brackets) {
				k, r := c.compare(t, brackets)
				kept, refused = kept+k, refused+r
			}
			require.Greater(t, kept, 100)
			require.Greater(t, refused, 100)
		})
	}
}

type edgeCase struct {
	in   decision.Input
	side decision.Side
	held decimal.Decimal
}

// edgeCases are positions of some sizes, in either mode, backed by more and by
// less.
func edgeCases(brackets []marketdata.Bracket) (out []edgeCase) {
	for _, side := range []decision.Side{decision.Long, decision.Short} {
		for _, units := range []string{"0", "5", "10", "12", "25"} {
			for _, leverage := range []string{"2", "4", "5", "5.12", "6.25", "6.4"} {
				out = append(out, newEdgeCase(brackets, decision.MarginIsolated, side, units, leverage, "10000"))
			}
			for _, balance := range []string{"90", "170", "200", "420", "700", "1000", "2500"} {
				out = append(out, newEdgeCase(brackets, decision.MarginCross, side, units, "20", balance))
			}
			out = append(out, newEdgeCase(brackets, "", side, units, "5", "300"))
		}
	}
	return out
}

func newEdgeCase(brackets []marketdata.Bracket, mode decision.MarginMode, side decision.Side, units, leverage, balance string) edgeCase {
	in := dt.Input("BTCUSDT")
	in.Account.MarginMode, in.Account.Leverage, in.Account.BalanceUSD = mode, dt.D(leverage), dt.D(balance)
	if len(brackets) > 0 {
		instrument(marketdata.Instrument{Brackets: brackets})(&in)
	}
	c := edgeCase{in: in, side: side, held: dt.D(units).Mul(dt.D("100"))}
	if c.held.IsPositive() {
		p := dt.Position("BTCUSDT", side, units)
		p.Leverage, p.EntryPrice = dt.D(leverage), dt.D("99")
		c.in.Account.Positions = []decision.Position{p}
	}
	c.in.Account.MaxPositionSizeUSD = dt.D("20000")
	return c
}

// amounts are the sizes worth asking for, ascending.
func (c edgeCase) amounts(brackets []marketdata.Bracket, room decimal.Decimal) []decimal.Decimal {
	cent := dt.D("0.01")
	out := []decimal.Decimal{cent, room, room.Add(cent), dt.D("7000")}
	k := dt.D("0.85")
	if c.side == decision.Short {
		k = dt.D("1.15")
	}
	for _, b := range brackets {
		if b.UpToUSD.Valid {
			for _, edge := range []decimal.Decimal{b.UpToUSD.Decimal.Sub(c.held), b.UpToUSD.Decimal.DivRound(k, 8).Sub(c.held)} {
				out = append(out, edge.Sub(cent), edge, edge.Add(cent))
			}
		}
	}
	out = slices.DeleteFunc(out, func(d decimal.Decimal) bool {
		return !d.IsPositive() || d.Add(c.held).GreaterThan(c.in.Account.MaxPositionSizeUSD)
	})
	slices.SortFunc(out, decimal.Decimal.Cmp)
	return out
}

func (c edgeCase) compare(t *testing.T, brackets []marketdata.Bracket) (kept, refused int) {
	t.Helper()
	rules := decision.Rules{decision.PositionSize{}, decision.LiquidationBuffer{}}
	e, _ := rules.Envelope(c.in).Asset("BTCUSDT")
	room, enter := e.MaxLongUSD, dt.Buy
	if c.side == decision.Short {
		room, enter = e.MaxShortUSD, dt.Sell
	}
	stands := true // so far
	for _, usd := range c.amounts(brackets, room) {
		p := dt.Propose(enter("BTCUSDT", usd.String()))
		stands = stands && !slices.Contains(dt.Judge(c.in, p)[0].Refused, "liquidation_buffer")
		v := decision.Rules{decision.LiquidationBuffer{}}.Gate(c.in, p)
		about := fmt.Sprintf("%s of %s on %s %s, %s margin at %sx of %s, room %s", c.side, usd, c.held, "USD", c.in.Account.MarginMode, c.in.Account.Leverage, c.in.Account.BalanceUSD, room)
		require.Equal(t, stands, len(v.Refused) == 0, about)
		if usd.Equal(usd.RoundDown(2)) {
			require.Equal(t, usd.LessThanOrEqual(room), stands, about)
		}
		if stands {
			kept++
		} else {
			refused++
		}
	}
	return kept, refused
}
