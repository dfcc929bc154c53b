// Package astertest is an AsterDEX that runs in the process of a test: its REST
// interface, V3 and V1, its streams, and an account that trades, pays fees and
// funding and can be liquidated. It is an independent reading of the venue's
// documentation and shares no code with package aster, so that a mistake in one
// is not repeated by the other; signatures are checked by recovering the
// signer from the bytes that arrived.
//
// An Exchange is started, given to the client under test, driven and closed:
//
//	ex, err := astertest.New(astertest.Config{Accounts: []astertest.Account{…}})
//	defer ex.Close()
//	… aster.Network(ex.Network()) … Now: ex.Now …
//	ex.Fault(astertest.Fault{Kind: astertest.Lost, Path: "/order", Times: 1})
//	ex.Advance(time.Hour)
//
// Time stands still until Advance moves it. Then everything that became due
// happens in order: prices move, orders fill and trigger, funding is paid,
// positions are liquidated, candles close, streams report it. The same
// configuration and calls give the same prices and fills on every machine.
//
// Prices are the simulator's of package marketdata, or those of candle files.
// Between the closes the price runs on straight lines from the open over both
// extremes to the close, so the open candle never shows what is still to come.
//
// What the documentation leaves open is decided here: a nonce used twice is
// answered with -4225, the bid is the last price and the ask one tick above
// it, orders fill whole, a client order id of an open order is refused with
// -4116, a listen key that is not known refuses the connection, and orders
// with closePosition stay until they trigger. The mark price is within two
// basis points of the last. Trailing stops, calendar months and multi-asset
// margin are refused. There is no path for batches of changes, public trades,
// index components, strategy orders, self-trade prevention, ADL, forced orders
// and the history of margins, and no stream of trades and of the book's levels.
package astertest
