// Package store keeps the records of decisions and all that belongs to them,
// and finds them again. Package store/memory forgets with the process,
// store/sqlite and store/postgres do not; store/storetest holds all three to
// the same promises.
//
// The engine needs Append alone (decision.Store). What a store keeps beside
// records is a small interface each, so that whoever reads says what it needs:
//
//	engine     → Append → Store        the record, whole and exact
//	replay     → Record, Records → Store
//	API, CLI   → Page → History        lines of the history, without records
//	audit      → Heads, Links → Chain  what was appended, hashed into a chain
//	host       → AddFill, AddOutcome → Outcomes
//	dashboard  → DecisionMetrics, StrategyPerformance → Metrics
//	host       → Accounts, Strategies, Assignments
//	breakers   → Breakers              their state across restarts
//	replay     → Candles               closed candles
//	budgets    → llm.Ledger            what models may cost
//
// The engine asks whether an account is halted (decision.Halts); people turn
// Halts on and off. Package store/haltfile keeps them without a database:
//
//	engine   → Halted → Halts
//	CLI, API → SetHalt, Halts → Halts
//
// What adapters must not do in ways of their own is here too: Project says
// which columns a record has, Key how databases take an identity, Position how
// pages continue, Next how links are hashed, and DecisionSums, TradeSums and
// Drawdown what statistics are made of.
package store
