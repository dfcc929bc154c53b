// Package fallback decides without a model: a risk score from four technical
// factors, and cautious entries and stops from that score. It is the Scorer
// that keeps an engine deciding while the model does not answer.
//
//	Input → Factors (RSI, volatility, trend, 24 h change, from closed candles)
//	      → Assess (a score for a long and one for a short)
//	      → Score (hold, enter or tighten a stop, within Input.Envelope)
//
// Its proposal passes the same gate as a model's. It never closes a position:
// a score is no reason to take a loss.
package fallback
