// Package durable writes files that survive a crash, and keeps other processes
// out meanwhile:
//
//	Resolve → Acquire → Write beside it → Lock.Check → Rename → Lock.Release
//
// Its errors have no prefix of their own: they are those of who calls it.
package durable
