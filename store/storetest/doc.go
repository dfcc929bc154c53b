// Package storetest checks that a store.Store keeps its promises. Every
// implementation runs it, memory first, so that the suite itself is proven:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return memory.New() })
//	}
package storetest
