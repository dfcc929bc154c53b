// Package memory keeps decision records and kill switches in the memory of the
// process, for tests, backtests, simulations and hosts that record elsewhere as
// well.
//
// It survives neither a crash nor the end of the process: of the promises of
// decision.Store and store.Halts it keeps only the part that holds while the
// process lives. A host that trades composes a durable store instead:
//
//	decision.New(decision.Config{Store: memory.New(), …})   // simulate
//	decision.New(decision.Config{Store: postgresStore, …})  // trade
package memory
