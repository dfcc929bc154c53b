// Package columns turns rows of the history into values of database columns
// and back, once for every SQL store:
//
//	Append → store.Project → Encode → INSERT
//	SELECT → Decode → store.Row
//
// What Encode is given comes back from Decode, digit for digit; empty lists
// come back nil.
package columns
