// Package spool keeps records on the local disk while the store is down, and
// delivers them in order when it is back.
//
// A Spool is a decision.Store in front of another:
//
//	engine → Spool → store
//	           ↓ ↑ while the store fails
//	         journal
//
// Append is nil once the record is in the store or, through to the disk, in the
// journal. When neither takes it, the engine returns only actions that reduce
// risk: no record, no risk. A record that is in the journal is in no history,
// chain or statistics until it was delivered; Stats says how many are waiting.
package spool
