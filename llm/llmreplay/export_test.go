package llmreplay

import (
	"io"

	"github.com/ballast-go/ballast/llm"
)

// RecordBounded is Record with lower bounds.
func RecordBounded(client llm.Client, w io.Writer, line, calls int, file int64) *Recorder {
	return record(client, w, limits{line: line, calls: calls, file: file})
}

// OpenBounded is Open with lower bounds.
func OpenBounded(r io.Reader, line, calls int, file int64) (*Player, error) {
	return open(r, limits{line: line, calls: calls, file: file})
}
