// Package memory keeps all that package store names in the memory of the
// process, for tests, backtests, simulations and hosts that record elsewhere as
// well. It is bounded: the records that were appended first are forgotten
// first, with their fills and outcomes. An account's chain then keeps its head
// and its count, while Links begins later. What is never forgotten (accounts,
// strategies, assignments, halts, breakers, candles) is refused beyond a bound.
//
// It survives neither a crash nor the end of the process: of the promises of
// decision.Store and store.Halts it keeps only the part that holds while the
// process lives. A host that trades composes a durable store instead:
//
//	decision.New(decision.Config{Store: memory.New(), …})   // simulate
//	decision.New(decision.Config{Store: postgresStore, …})  // trade
package memory
