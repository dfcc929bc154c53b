// Package storetest checks that a store keeps its promises: RunAll those of
// every interface of package store, and Run, RunHistory, RunChain, RunOutcomes,
// RunMetrics, RunAccounts, RunStrategies, RunAssignments, RunHalts, RunBreakers
// and RunCandles those of one. Every implementation runs it, memory first, and
// stores with a flaw each, so that the suite itself is proven:
//
//	func TestStore(t *testing.T) {
//		storetest.RunAll(t, func(t *testing.T) storetest.Full { return memory.New() })
//	}
//
//	func TestHalts(t *testing.T) {
//		storetest.RunHalts(t, func(t *testing.T) store.Halts { return memory.New() })
//	}
package storetest
