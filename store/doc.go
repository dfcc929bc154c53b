// Package store keeps the records of decisions and finds them again.
//
// The engine needs Append alone (decision.Store); a Store can also be read.
// Package store/memory forgets with the process, store/sqlite and
// store/postgres do not, and store/storetest holds every implementation to
// the same promises:
//
//	engine  → Append  → Store
//	replay, API, evaluation → Record, Records → Store
package store
