// Package audit tells whether the history of decisions was edited. It reads the
// hash chain of every account and checks it against the records, the columns
// that lists are made of, and checkpoints that were kept elsewhere:
//
//	store.Chain → Verify       → Report: the first broken link of each account
//	export file → VerifyExport → the same, without a database
//
// What each link holds is specified in docs/record.md. A chain alone shows an
// edit, a removal or a swap; whoever can rewrite the whole database can also
// hash it anew, or cut its end off. A checkpoint that was printed, signed or
// sent elsewhere before shows that too.
package audit
