package ledgerfile

// File is what a ledger adds its lines to.
type File = journal

// Intercept puts a file of the test around the ledger's own.
func (l *Ledger) Intercept(around func(File) File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = around(l.file)
}
