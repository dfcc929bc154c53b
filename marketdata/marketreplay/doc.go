// Package marketreplay writes down what a market source answered, and answers
// from such a recording instead of a market: for tests on a real day, and for
// looking at a decision again.
//
//	recorder, err := marketreplay.Record(source, file) // ask through it, then look at recorder.Err()
//	replay, err := marketreplay.Open(file, marketreplay.Config{})
//
// A Recorder belongs right around the source, inside of caches, so that each
// answer of the market is one of the recording. A Replay asks nobody: the
// package contains no transport. Candles is a decorator that hands on every
// newly closed candle once, for a store.
//
// # Time
//
// Times are those recorded, so a replay is as fresh as its recording only to a
// clock that stands where the recording does. decision.Config.Now therefore
// has to be set: to Replay.Now when it answers in order, and to the clock of
// Config.Now when it answers by time. For the bytes of the decisions that were
// made live, that clock has to show what the engine's showed then.
//
// # Format
//
// A recording is JSON lines. The first is {"format":"ballast-market",
// "schema":1}; every other one is {"sum":…,"entry":…}, where sum is the SHA-256
// of the sum before (at first of the header line) and the bytes of the entry.
// An entry is either a series of candles, or a query with its snapshot or
// error. Snapshots refer to series by the SHA-256 of their bytes, so a series
// is written once however often it is answered. Of an error that is not a
// context's only the type is kept, and of a failure not its cause but what it
// says, which marketdata wants free of secrets.
package marketreplay
