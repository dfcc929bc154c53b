// Package marketdata describes the market that decisions are made from:
// candles, quotes and instruments, and the one-method Source that supplies
// them.
//
// Only closed candles exist here. A Series is gap-free and checked by
// construction, so no consumer meets a missing bar, a negative price or a
// value that is not finite. Prices are decimals; Columns is the one place
// where they become floats, for indicators alone.
//
// Sources compose from the outside in:
//
//	NewCache(breaker.Wrap(exchange client))
//
// Two sources need no exchange: CSV replays candle files as of a time, Sim
// computes a market. Freshness says whether what came is recent enough to be
// decided on, and package markettest checks a source of one's own.
package marketdata
