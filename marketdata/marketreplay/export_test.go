package marketreplay

import (
	"io"

	"github.com/ballast-go/ballast/marketdata"
)

// RecordBounded is Record with lower bounds.
func RecordBounded(source marketdata.Source, w io.Writer, line, answers int, file int64) (*Recorder, error) {
	return record(source, w, limits{line: line, answers: answers, file: file})
}

// OpenBounded is Open with lower bounds.
func OpenBounded(r io.Reader, cfg Config, line, answers int, file int64) (*Replay, error) {
	return open(r, cfg, limits{line: line, answers: answers, file: file})
}
