package spool

// File is what a journal is written to.
type File = file

// Through puts a file of the test's in front of the journal's.
func Through(s *Spool, wrap func(File) File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.file = wrap(s.journal.file)
}

// Frame is a payload as it stands in a journal.
func Frame(payload []byte) []byte { return frame(payload) }

// OpenJournal is what Open does with the file: the number of whole frames and
// their bytes.
func OpenJournal(path string) (frames int, size int64, err error) {
	j, frames, err := openJournal(path)
	if err != nil {
		return frames, 0, err
	}
	return frames, j.size, j.file.Close()
}
