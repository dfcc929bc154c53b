// Package indicator computes technical indicators of closed candles: EMA,
// MACD, RSI, Bollinger bands, ATR, realised volatility and Ichimoku.
//
// It is the one place where prices are floats. Every function returns lines
// as long as its input: entry i belongs to the close of candle i, depends on
// no later candle, and is NaN while the indicator warms up. Input shorter
// than the period is a line of NaN, not an error. A result is finite or an
// error, never an infinity.
//
// The functions compute one indicator of slices. Compute does all of them for
// a marketdata.Series, and Kernels for a marketdata.Snapshot:
//
//	source.Snapshot → Kernels.Indicate → Values → fallback, decision
//
// Package cinar, one folder below, is the other Provider; indicatortest holds
// what any Provider must do.
//
// Multiplications are rounded before they are added, so the results have the
// same bits on processors that could fuse the two.
package indicator
