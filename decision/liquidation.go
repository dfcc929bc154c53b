package decision

import (
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// stake is a position as its liquidation sees it: what it is worth, and what
// may be lost on it before the maintenance margin is all that is left.
//
// When the price has moved by a fraction d against a position of notional N,
// the exchange liquidates once
//
//	equity − N × d < MM(N × k), k = 1 − d for a long, 1 + d for a short
//	MM(n) = n × maintenance rate − deduction, of the bracket that n falls into
//
// which is the condition that exchanges of USD-margined perpetuals publish.
// Unknown brackets count as 1 % without deduction. Fees of the liquidation and
// moves of other positions are not foreseen.
type stake struct {
	side        Side
	mode        MarginMode
	notionalUSD decimal.Decimal
	equityUSD   decimal.Decimal
	perUSD      decimal.Decimal // equity that each USD of new notional brings with it
	brackets    []marketdata.Bracket
}

// unknownMaintenancePercent is assumed without the exchange's brackets.
const unknownMaintenancePercent = 1

// maintenanceUSD is MM(n).
func maintenanceUSD(brackets []marketdata.Bracket, notionalUSD decimal.Decimal) decimal.Decimal {
	if len(brackets) == 0 {
		return percentOf(notionalUSD, unknownMaintenancePercent)
	}
	b := bracketOf(brackets, notionalUSD)
	needs := notionalUSD.Mul(b.MaintenancePercent).Shift(-2)
	if b.DeductionUSD.IsZero() {
		return needs
	}
	return decimal.Max(needs.Sub(b.DeductionUSD), decimal.Zero)
}

// bracketOf is the step that a notional falls into. Beyond the last step the
// last one holds.
func bracketOf(brackets []marketdata.Bracket, notionalUSD decimal.Decimal) marketdata.Bracket {
	for _, b := range brackets {
		if !b.UpToUSD.Valid || notionalUSD.LessThanOrEqual(b.UpToUSD.Decimal) {
			return b
		}
	}
	return brackets[len(brackets)-1]
}

// scale is k: what the notional is multiplied with when the price has moved by
// the fraction against the side.
func scale(side Side, fraction decimal.Decimal) decimal.Decimal {
	if side == Short {
		return one.Add(fraction)
	}
	return one.Sub(fraction)
}

// stands reports whether the position outlives a move of this fraction: at its
// end, and wherever the notional passes into another bracket on the way, which
// matters where a table without deductions jumps.
func (s *stake) stands(fraction decimal.Decimal) bool {
	if s.notionalUSD.IsZero() {
		return !s.equityUSD.IsNegative()
	}
	end := s.notionalUSD.Mul(scale(s.side, fraction))
	low, high := decimal.Min(s.notionalUSD, end), decimal.Max(s.notionalUSD, end)
	for i := range len(s.brackets) - 1 {
		edge := s.brackets[i].UpToUSD
		if !edge.Valid || edge.Decimal.GreaterThanOrEqual(high) {
			break
		}
		if edge.Decimal.LessThan(low) {
			continue
		}
		left := s.equityUSD.Sub(s.notionalUSD.Sub(edge.Decimal).Abs())
		if left.LessThan(maintenanceUSD(s.brackets[i+1:i+2], edge.Decimal)) {
			return false
		}
	}
	return s.equityUSD.Sub(s.notionalUSD.Mul(fraction)).GreaterThanOrEqual(maintenanceUSD(s.brackets, end))
}

// distance is the fraction of the price after which the position is
// liquidated, rounded down to 8 places; zero when it would be at once, and one
// for a long that never is.
func (s *stake) distance() decimal.Decimal {
	if !s.notionalUSD.IsPositive() {
		return one
	}
	steps := s.steps()
	nearest := decimal.Zero // where the bracket that is looked at begins
	at := len(steps) - 1
	for i := range steps {
		if !steps[i].UpToUSD.Valid || s.notionalUSD.LessThanOrEqual(steps[i].UpToUSD.Decimal) {
			at = i
			break
		}
	}
	for {
		d := decimal.Max(s.crossing(steps[at]), nearest)
		edge, next, ok := s.edge(steps, at)
		if !ok || d.LessThanOrEqual(edge) {
			return decimal.Min(d, s.farthest())
		}
		nearest, at = decimal.Max(edge, nearest), next
	}
}

// crossing is where equity meets the maintenance margin of one bracket, or
// nothing where its deduction leaves no margin to be kept.
func (s *stake) crossing(b marketdata.Bracket) decimal.Decimal {
	rate := b.MaintenancePercent.Shift(-2)
	left := s.equityUSD.Add(b.DeductionUSD).Sub(s.notionalUSD.Mul(rate))
	slope := one.Sub(rate)
	if s.side == Short {
		slope = one.Add(rate)
	}
	d := divDown(left, s.notionalUSD.Mul(slope))
	if b.DeductionUSD.IsPositive() {
		d = decimal.Min(d, divDown(s.equityUSD, s.notionalUSD))
	}
	return d
}

// edge is the fraction at which the notional leaves a bracket, and the bracket
// it then enters: the one below for a long, the one above for a short.
func (s *stake) edge(steps []marketdata.Bracket, at int) (fraction decimal.Decimal, next int, ok bool) {
	var bound decimal.Decimal
	switch {
	case s.side == Short && at+1 < len(steps) && steps[at].UpToUSD.Valid:
		bound, next = steps[at].UpToUSD.Decimal, at+1
	case s.side != Short && at > 0 && steps[at-1].UpToUSD.Valid:
		bound, next = steps[at-1].UpToUSD.Decimal, at-1
	default:
		return decimal.Decimal{}, 0, false
	}
	return divDown(bound.Sub(s.notionalUSD).Abs(), s.notionalUSD), next, true
}

// farthest is the longest distance that a price can move.
func (s *stake) farthest() decimal.Decimal {
	if s.side == Short {
		return decimal.New(1, 6) // a million times the price
	}
	return one
}

// largest is the most notional that can be added while the position stands at
// the fraction. Null is without bound, negative when it does not even stand as
// it is.
func (s *stake) largest(fraction decimal.Decimal) decimal.NullDecimal {
	if !s.stands(fraction) {
		return decimal.NewNullDecimal(one.Neg())
	}
	k := scale(s.side, fraction)
	return tighter(s.largestAtEnd(fraction, k), s.largestOnTheWay(k))
}

// roomAcrossJumps is largest where an addition passes into another bracket, null
// elsewhere: in a table that jumps a smaller position may fall where a larger
// one stands, and the envelope ends at the smaller one.
func (s *stake) roomAcrossJumps(addUSD, fraction decimal.Decimal) decimal.NullDecimal {
	if len(s.brackets) < 2 {
		return decimal.NullDecimal{}
	}
	k := scale(s.side, fraction)
	from, to := s.notionalUSD.Mul(decimal.Min(k, one)), s.notionalUSD.Add(addUSD).Mul(decimal.Max(k, one))
	for i := range len(s.brackets) - 1 {
		edge := s.brackets[i].UpToUSD
		if !edge.Valid || edge.Decimal.GreaterThanOrEqual(to) {
			break
		}
		if edge.Decimal.GreaterThanOrEqual(from) {
			return s.largest(fraction)
		}
	}
	return decimal.NullDecimal{}
}

// largestAtEnd looks at the end of the move alone.
func (s *stake) largestAtEnd(fraction, k decimal.Decimal) decimal.NullDecimal {
	steps := s.steps()
	var most decimal.NullDecimal
	for i, b := range steps {
		room := s.roomIn(b, fraction, k)
		if !b.UpToUSD.Valid || i == len(steps)-1 {
			if room.Valid && room.Decimal.LessThan(most.Decimal) {
				return most // what the step before left
			}
			return room
		}
		upper := divDown(b.UpToUSD.Decimal, k).Sub(s.notionalUSD)
		if upper.IsNegative() {
			continue
		}
		if room.Valid && room.Decimal.LessThan(upper) {
			return decimal.NewNullDecimal(decimal.Max(room.Decimal, most.Decimal))
		}
		most = decimal.NewNullDecimal(upper)
		after := s.grown(upper)
		left := after.equityUSD.Sub(after.notionalUSD.Mul(fraction))
		if left.LessThan(maintenanceUSD(steps[i+1:i+2], b.UpToUSD.Decimal)) {
			return most // the next step asks for more at once
		}
	}
	return most
}

// largestOnTheWay looks at the brackets that a falling long passes: above the
// bound u of one, equity − (N − u) must cover what the next one needs. A rising
// short enters the next bracket at the end of its move, if at all.
func (s *stake) largestOnTheWay(k decimal.Decimal) (most decimal.NullDecimal) {
	if s.side == Short || !s.perUSD.LessThan(one) {
		return most
	}
	for i := range len(s.brackets) - 1 {
		edge := s.brackets[i].UpToUSD
		if !edge.Valid {
			continue
		}
		beyond := divDown(edge.Decimal, k).Sub(s.notionalUSD) // from here on the move ends above the bound
		if !beyond.IsPositive() {
			continue
		}
		left := s.equityUSD.Sub(s.notionalUSD).Add(edge.Decimal).Sub(maintenanceUSD(s.brackets[i+1:i+2], edge.Decimal))
		if room := divDown(left, one.Sub(s.perUSD)); room.LessThan(beyond) {
			most = tighter(most, decimal.NewNullDecimal(decimal.Max(room, edge.Decimal.Sub(s.notionalUSD))))
		}
	}
	return most
}

// roomIn solves equity + add × perUSD − N × d = N × k × rate − deduction, with
// N = notional + add, for add; null when every add stands. Where the deduction is
// larger than the margin it is equity + add × perUSD = N × d.
func (s *stake) roomIn(b marketdata.Bracket, fraction, k decimal.Decimal) decimal.NullDecimal {
	room := s.roomAt(b, fraction, k)
	if b.DeductionUSD.IsZero() || !room.Valid {
		return room
	}
	if needs := s.notionalUSD.Add(room.Decimal).Mul(k).Mul(b.MaintenancePercent).Shift(-2); needs.LessThan(b.DeductionUSD) {
		return s.roomAt(marketdata.Bracket{}, fraction, k)
	}
	return room
}

func (s *stake) roomAt(b marketdata.Bracket, fraction, k decimal.Decimal) decimal.NullDecimal {
	cost := fraction.Add(k.Mul(b.MaintenancePercent).Shift(-2)) // of each USD of notional
	net := cost.Sub(s.perUSD)
	if !net.IsPositive() {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(divDown(s.equityUSD.Add(b.DeductionUSD).Sub(s.notionalUSD.Mul(cost)), net))
}

// grown is the stake with addUSD more.
func (s *stake) grown(addUSD decimal.Decimal) *stake {
	out := *s
	out.notionalUSD = s.notionalUSD.Add(addUSD)
	out.equityUSD = s.equityUSD.Add(addUSD.Mul(s.perUSD))
	return &out
}

// steps are the brackets, or the one that is assumed.
func (s *stake) steps() []marketdata.Bracket {
	if len(s.brackets) > 0 {
		return s.brackets
	}
	return []marketdata.Bracket{{MaintenancePercent: decimal.NewFromInt(unknownMaintenancePercent)}}
}
