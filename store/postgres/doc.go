// Package postgres keeps records, their chains and everything else of package
// store in PostgreSQL 14 or newer, in the schema of package migrations.
//
//	host's pool, connection or transaction → New → Store
//	URL → Open → Store with a pool of its own
//
// A decision and all that belongs to it is one statement, and so one round
// trip and one transaction. Within a transaction of the host (Store.With) it is
// a savepoint: what the host rolls back was never appended.
//
// Candles are kept once, however many records share them, and a statement that
// leaves some out, because they were there, checks that they still are. Whoever
// deletes from record_series must first take
//
//	LOCK TABLE record_series IN SHARE ROW EXCLUSIVE MODE
//
// in the same transaction, which waits for appends on their way and holds up
// later ones.
package postgres
