//go:build !unix

package pgtest

import (
	"os"
	"os/exec"
	"syscall"
)

func exited(*os.Process) bool { return false }

func gone(int) bool { return false }

func signalServer(p *os.Process, _ syscall.Signal) {
	_ = p.Kill() //nolint:errcheck // it ended by itself
}

func handOver(...string) error { return nil }

func confine(*exec.Cmd) {}
