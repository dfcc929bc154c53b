package memory

import (
	"maps"
	"slices"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
	"github.com/ballast-go/ballast/store"
)

// clone copies whatever of a record can be changed. Decimals, series and
// errors are immutable and shared.
func clone(r decision.Record) decision.Record {
	r = cloneOwn(r)
	r.Input.Market = cloneSnapshot(r.Input.Market)
	r.Input.Indicators = maps.Clone(r.Input.Indicators)
	for symbol, sets := range r.Input.Indicators {
		sets = maps.Clone(sets)
		for interval, set := range sets {
			sets[interval] = cloneSet(set)
		}
		r.Input.Indicators[symbol] = sets
	}
	return r
}

// cloneOwn is clone without the market and its indicators, which are large
// and read-only to everybody once they were made.
func cloneOwn(r decision.Record) decision.Record {
	r.Input = cloneInput(r.Input)
	r.Request = cloneRequest(r.Request)
	r.Responses = slices.Clone(r.Responses)
	for i := range r.Responses {
		r.Responses[i].Tried = slices.Clone(r.Responses[i].Tried)
	}
	r.Normalised = slices.Clone(r.Normalised)
	if r.Recheck != nil {
		recheck := *r.Recheck
		recheck.Quotes, recheck.Failures = maps.Clone(recheck.Quotes), maps.Clone(recheck.Failures)
		recheck.Halt = copied(recheck.Halt)
		r.Recheck = &recheck
	}
	r.Proposal.Decision = cloneDecision(r.Proposal.Decision)
	r.Proposal.Assessments = cloneAssessments(r.Proposal.Assessments)
	r.Proposal.Degraded = slices.Clone(r.Proposal.Degraded)
	r.Assessments = cloneAssessments(r.Assessments)
	r.Result = cloneResult(r.Result)
	return r
}

func cloneInput(in decision.Input) decision.Input {
	in.Symbols = slices.Clone(in.Symbols)
	in.Account.Positions = slices.Clone(in.Account.Positions)
	in.Account.LastEntryAt = maps.Clone(in.Account.LastEntryAt)
	in.Account.TrackRecord = copied(in.Account.TrackRecord)
	in.Halt = copied(in.Halt)
	in.Strategy.TimeframePreference = slices.Clone(in.Strategy.TimeframePreference)
	in.Envelope.Assets = slices.Clone(in.Envelope.Assets)
	for i := range in.Envelope.Assets {
		in.Envelope.Assets[i].Actions = slices.Clone(in.Envelope.Assets[i].Actions)
	}
	return in
}

func cloneSnapshot(s marketdata.Snapshot) marketdata.Snapshot {
	s = s.Clone()
	s.Notes = slices.Clone(s.Notes)
	for symbol, asset := range s.Assets {
		asset.Series = maps.Clone(asset.Series)
		asset.Degraded = slices.Clone(asset.Degraded)
		if asset.Instrument != nil {
			instrument := *asset.Instrument
			instrument.Brackets = slices.Clone(instrument.Brackets)
			asset.Instrument = &instrument
		}
		s.Assets[symbol] = asset
	}
	return s
}

// cloneSet copies all lines into one block.
func cloneSet(set indicator.Set) indicator.Set {
	longest := 0
	for _, l := range set.Lines() {
		longest = max(longest, len(*l.Line))
	}
	return set.Tail(longest)
}

func cloneRequest(r llm.Request) llm.Request {
	r.Skip = slices.Clone(r.Skip)
	r.Messages = slices.Clone(r.Messages)
	if r.Schema != nil {
		schema := *r.Schema
		schema.JSON = slices.Clone(schema.JSON)
		r.Schema = &schema
	}
	r.Seed = copied(r.Seed)
	return r
}

func cloneDecision(d decision.Decision) decision.Decision {
	d.Decisions = slices.Clone(d.Decisions)
	for i := range d.Decisions {
		d.Decisions[i] = cloneAssetDecision(d.Decisions[i])
	}
	return d
}

func cloneAssetDecision(d decision.AssetDecision) decision.AssetDecision {
	d.PositionAdjustment = copied(d.PositionAdjustment)
	d.OrderAdjustment = copied(d.OrderAdjustment)
	return d
}

func cloneAssessments(assessments []decision.Assessment) []decision.Assessment {
	assessments = slices.Clone(assessments)
	for i := range assessments {
		assessments[i].Degraded = slices.Clone(assessments[i].Degraded)
	}
	return assessments
}

// cloneRow copies a row, which shares nothing with its record.
func cloneRow(r store.Row) store.Row {
	r.Decision = cloneDecision(r.Decision)
	r.Refused = cloneRefusals(r.Refused)
	r.Warnings = slices.Clone(r.Warnings)
	r.Degraded = slices.Clone(r.Degraded)
	r.Calls = slices.Clone(r.Calls)
	return r
}

func cloneRefusals(refusals []decision.Refusal) []decision.Refusal {
	refusals = slices.Clone(refusals)
	for i := range refusals {
		refusals[i].Was = cloneAssetDecision(refusals[i].Was)
		refusals[i].Violations = slices.Clone(refusals[i].Violations)
	}
	return refusals
}

func cloneResult(r decision.Result) decision.Result {
	r.Decision = cloneDecision(r.Decision)
	r.Refused = cloneRefusals(r.Refused)
	r.Warnings = slices.Clone(r.Warnings)
	r.Degraded = slices.Clone(r.Degraded)
	r.Tried = slices.Clone(r.Tried)
	return r
}

// copied points to a copy of what p points to.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
