// Package store keeps the records of decisions and finds them again, and keeps
// kill switches.
//
// The engine needs Append alone (decision.Store); a Store can also be read.
// Package store/memory forgets with the process, store/sqlite and
// store/postgres do not, and store/storetest holds every implementation to
// the same promises:
//
//	engine  → Append  → Store
//	replay, API, evaluation → Record, Records → Store
//
// The engine asks whether an account is halted (decision.Halts); people turn
// Halts on and off. Package store/haltfile keeps them without a database:
//
//	engine → Halted → Halts
//	CLI, API → SetHalt, Halts → Halts
package store
