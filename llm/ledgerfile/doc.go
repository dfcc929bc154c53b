// Package ledgerfile keeps a budget's ledger in a file, so that a crash cannot
// set it back.
//
//	ledger, err := ledgerfile.Open(ledgerfile.Config{Path: "data/budget.jsonl"})
//	defer ledger.Close()
//	budget, err := llm.NewBudget(llm.BudgetConfig{Client: client, Ledger: ledger, Daily: limits, Prices: prices})
//
// The file is a journal of JSON lines, written through to the disk before a
// call is made and after it. One process has it open at a time; one that finds
// its journal or lock replaced or removed stops with ErrReplaced. An empty file
// in the journal's place is a *CorruptError, since a journal that lost its
// contents would set the budget back: remove it to begin anew. What a process
// reserved and did not settle before it died counts, from the next Open on, as
// spent at its bound: nobody can know what those calls cost.
package ledgerfile
