// Package cinar computes indicators with github.com/cinar/indicator/v2, as
// another indicator.Provider.
//
// # Licence
//
// cinar/indicator v2 is licensed under the GNU AGPL, version 3, or under a
// commercial licence from its author. This package's own text has the licence
// of the rest of Ballast, but a program that imports this package contains
// cinar/indicator: unless its owner holds the commercial licence, the whole
// program must be offered under AGPL-3.0, and so must its source to those who
// use it over a network. No other package of Ballast imports cinar/indicator.
// A program that does not want these terms imports indicator alone and uses
// indicator.Kernels, which computes the same lines from code of its own.
//
// # Composition
//
//	source.Snapshot → cinar.Provider.Indicate → indicator.Values
//
// cinar/indicator computes on channels, dozens of goroutines an indicator, and
// costs a few hundred times as much as the kernels. A Provider therefore
// computes a series once per closed candle, shares the result with everybody
// who asks, and bounds how much it remembers and how much runs at a time.
//
// # How cinar/indicator is used
//
// Its pipelines block for ever when outputs are not read together, withhold
// rows, spread one NaN over all that follow, and panic in a goroutine of their
// own on a negative period. Here every input is a marketdata.Series, which is
// checked and finite; periods are constants; input shorter than the warm-up
// never reaches a pipeline; outputs are read in lock-step, counted, and must
// be finite; and every pipeline has a context that is cancelled when its
// reader leaves.
package cinar
