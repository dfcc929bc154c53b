package openrouter

import (
	"bufio"
	"bytes"
	"io"
)

// events reads server-sent events, of which only data matters. Lines end in LF
// or CRLF; an event that the body's end cuts off is dropped, as the standard
// asks.
type events struct {
	lines *bufio.Scanner
	data  []byte
	begun bool
}

// newEvents reads from body, which must be bounded by limit itself.
func newEvents(body io.Reader, limit int64) *events {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 4<<10), int(limit)+bufio.MaxScanTokenSize)
	return &events{lines: lines}
}

// next is the data of the next event, valid until the following call, or
// io.EOF itself at the end of the body.
func (e *events) next() ([]byte, error) {
	e.data = e.data[:0]
	some := false
	for e.lines.Scan() {
		line := e.lines.Bytes()
		if !e.begun {
			line, e.begun = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), true
		}
		if len(line) == 0 {
			if some {
				return e.data, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		if string(field) != "data" {
			continue
		}
		if some {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, bytes.TrimPrefix(value, []byte(" "))...)
		some = true
	}
	if err := e.lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
