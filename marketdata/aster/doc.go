// Package aster reads markets and accounts of the AsterDEX perpetual futures
// exchange over its own interface, without an SDK.
//
// A Client sends the requests. From the outside in:
//
//	retry of reads( clock( circuit( concurrency( weight( sign( one request ))))))
//
// Weight is what the venue rations per minute and address; the client stops at
// 80 % of it, and waits. The nonce or timestamp is made after that wait, of
// the venue's clock. A read that failed for no reason of its own is repeated;
// a write never is: an answer that leaves open whether it was done is
// ErrUnknownOutcome. Each failure is an *Error whose Kind says what to do.
//
//	agent, err := aster.NewAgent(aster.AgentConfig{Key: key})
//	client, err := aster.New(aster.Config{Signer: agent})
//
// A Source is the venue as a marketdata.Source, and belongs behind a
// marketdata.Cache; Accounts describe the signer's account for the engine. Both
// trust what the venue says only as far as it agrees with itself: a candle is
// closed when the venue's clock and the candles after it say so, and an account
// that contradicts itself is an error, never a guess.
//
//	source, err := aster.NewSource(client, aster.SourceConfig{})
//	market := marketdata.NewCache(source, marketdata.CacheConfig{})
//	accounts, err := aster.NewAccounts(client, aster.AccountConfig{ID: "main", Symbols: symbols, MaxPositionSizeUSD: most})
//
// An Agent signs for the present interface, V3, by a wallet that can trade and
// not withdraw; HMAC signs for V1, whose keys are no longer issued. Without a
// Signer, public endpoints work. Nothing is read from the environment.
package aster
