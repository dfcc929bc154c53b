// Package storetest checks that a store.Store and a store.Halts keep their
// promises. Every implementation runs it, memory first, so that the suite
// itself is proven:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return memory.New() })
//	}
//
//	func TestHalts(t *testing.T) {
//		storetest.RunHalts(t, func(t *testing.T) store.Halts { return memory.New() })
//	}
package storetest
