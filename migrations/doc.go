// Package migrations brings a database to the schema of this module and back,
// with its data: PostgreSQL and SQLite, from the single-asset schema (0001) or
// from nothing.
//
// Each step and what the log says of it is one transaction. Programs that start
// at once wait for each other. What a way down cannot hold is set aside in
// tables named archive_…, from which the way up restores it.
package migrations
