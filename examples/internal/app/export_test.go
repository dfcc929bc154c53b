package app

import "github.com/ballast-go/ballast/decision"

// Demand puts the check of a market before a source, for tests.
func Demand(source decision.MarketSource, every bool, known string) decision.MarketSource {
	return demanding{source: source, every: every, known: known}
}

// ParseCircuits reads the content of a file of circuits, for tests.
func ParseCircuits(data []byte) (CircuitsFile, error) { return parseCircuits(data) }
