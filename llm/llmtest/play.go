package llmtest

import (
	"bytes"
	"compress/gzip"
	"net"
	"net/http"
	"strconv"
	"time"
)

// player sends one step.
type player struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	req    Request
	step   Step
}

func (p *player) run() {
	pieces, contentType := p.body()
	if !p.wait(p.step.Delay) {
		p.drop(false)
		return
	}
	silent := p.step.Status == 0 && len(pieces) == 0 && len(p.step.Lead) == 0
	if !silent || p.step.End == EndClean {
		p.sendHeader(contentType)
	}
	if !p.send(p.step.Lead) || !p.sendBody(pieces) {
		p.drop(false)
		return
	}
	switch p.step.End {
	case EndClean:
	case EndHang:
		p.wait(Forever)
		p.drop(false)
	case EndCut, EndReset:
		p.drop(p.step.End == EndReset)
	case EndHalfClosed:
		p.halfClose()
	}
}

func (p *player) body() ([]string, string) {
	pieces, contentType := p.step.Pieces, "application/json"
	if p.step.Completion != nil {
		if p.step.Form == FormStream || p.step.Form == FormAsked && p.req.Stream {
			pieces, contentType = p.step.Completion.stream(p.req), "text/event-stream"
		} else {
			pieces = []string{p.step.Completion.document(p.req)}
		}
	}
	if p.step.Gzip {
		pieces = []string{compress(pieces)}
	}
	return pieces, contentType
}

func (p *player) sendHeader(contentType string) {
	header := p.w.Header()
	header.Set("Content-Type", contentType)
	for name, values := range p.step.Header {
		header[name] = values
	}
	if p.step.Gzip {
		header.Set("Content-Encoding", "gzip")
	}
	if p.step.ContentLength > 0 {
		header.Set("Content-Length", strconv.Itoa(p.step.ContentLength))
	}
	status := p.step.Status
	if status == 0 {
		status = http.StatusOK
	}
	p.w.WriteHeader(status)
}

func (p *player) sendBody(pieces []string) bool {
	for sent := 0; sent == 0 || sent < p.step.Repeat || p.step.Repeat == Forever; sent++ {
		if !p.send(pieces) {
			return false
		}
		if len(pieces) == 0 {
			return true
		}
	}
	return true
}

// send reports whether the client is still there.
func (p *player) send(pieces []string) bool {
	for _, piece := range pieces {
		if _, err := p.w.Write([]byte(piece)); err != nil {
			return false
		}
		if err := http.NewResponseController(p.w).Flush(); err != nil {
			return false
		}
		if !p.wait(p.step.Pause) {
			return false
		}
	}
	return true
}

// wait reports whether the pause passed with the client still there; Forever
// ends only when it leaves or the server closes.
func (p *player) wait(pause time.Duration) bool {
	if pause == 0 {
		return p.r.Context().Err() == nil
	}
	var passed <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
		return true
	case <-p.r.Context().Done():
	case <-p.server.closed:
	}
	return false
}

// drop closes the connection under the answer, so that it never looks whole.
func (p *player) drop(reset bool) {
	conn, _, err := http.NewResponseController(p.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to break an answer off
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) //nolint:errcheck // without it the close below still cuts the answer
	}
	_ = conn.Close() //nolint:errcheck // nothing is left to lose
}

func compress(pieces []string) string {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	for _, piece := range pieces {
		_, _ = writer.Write([]byte(piece)) //nolint:errcheck // a bytes.Buffer takes everything
	}
	_ = writer.Close() //nolint:errcheck // as above
	return out.String()
}
