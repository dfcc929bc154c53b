// Package sqlite keeps records, their chains and everything else of package
// store in one file, in the schema of package migrations:
//
//	path → Open → Store
//
// One connection writes and a few read, in write-ahead mode, so readers and
// the writer never wait for each other. Writers that wait become one
// transaction. A write returns once the disk has it (synchronous=FULL): the
// promise that there is no risk without a record needs no less. Several Stores,
// in one process or in several, may share the file on a local disk; a network
// folder keeps none of these promises.
//
// SQLite has no exact numbers. Amounts are texts with all their digits, and
// what sums them is Go.
//
// Neither copy nor open the file by other means in a process that has a Store
// on it: closing any descriptor of it drops the locks of all.
package sqlite
