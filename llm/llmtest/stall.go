package llmtest

import (
	"io"
	"net"
	"net/http"
	"time"
)

// EndHalfClosed ends the server's side of the connection alone, before the
// body is whole, and stays there until the client leaves or the server closes.
const EndHalfClosed End = "half_closed"

// HalfClosed takes the request and ends its own side of the connection.
func HalfClosed() Step { return Step{Name: "half closed", End: EndHalfClosed} }

// Drip is Answer as a stream that pauses after each event.
func Drip(pause time.Duration, content string) Step {
	step := Stream(content)
	step.Name, step.Pause = "drip", pause
	return step
}

// EndlessDrip is a stream that goes on for ever, an event a pause.
func EndlessDrip(pause time.Duration) Step {
	step := StreamCut("and so on ")
	step.Name, step.Pause, step.Repeat = "endless drip", pause, Forever
	return step
}

// KeepAlive is a stream of comments for ever, as while a model is being
// reached that never is.
func KeepAlive(pause time.Duration) Step {
	return Step{
		Name: "keep alive", Header: http.Header{"Content-Type": {"text/event-stream"}},
		Pieces: []string{": OPENROUTER PROCESSING\n\n"}, Pause: pause, Repeat: Forever,
	}
}

// KeepAliveWhitespace is a document of blank lines for ever, slowly.
func KeepAliveWhitespace(pause time.Duration) Step {
	return Step{Name: "keep alive, white space", Pieces: []string{"\n \n"}, Pause: pause, Repeat: Forever}
}

// StreamHang is a stream that stops after some content and stays open.
func StreamHang(content string) Step {
	step := StreamCut(content)
	step.Name, step.End = "stream hangs", EndHang
	return step
}

// halfClose leaves the client's side open, so that only what it reads tells it
// that nothing more comes.
func (p *player) halfClose() {
	conn, buffered, err := http.NewResponseController(p.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // as in drop
	}
	_ = buffered.Flush() //nolint:errcheck // the client may have left
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() //nolint:errcheck // the client may have left
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = io.Copy(io.Discard, conn) //nolint:errcheck // ends when the client leaves, however it does
	}()
	select {
	case <-left:
	case <-p.server.closed:
	}
	_ = conn.Close() //nolint:errcheck // nothing is left to lose
	<-left
}
