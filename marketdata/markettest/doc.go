// Package markettest holds the conformance suite of marketdata.Source, which
// every source of this module passes and a host's own should, and small fake
// sources for tests.
//
//	func TestMySource(t *testing.T) {
//		markettest.Run(t, func(t *testing.T) markettest.Harness {
//			return markettest.Harness{Source: mine, Symbols: []string{"BTCUSDT", "ETHUSDT"}, Unknown: "NOPE",
//				Intervals: []marketdata.Interval{marketdata.Interval1h, marketdata.Interval4h}}
//		})
//	}
package markettest
