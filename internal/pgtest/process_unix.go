//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// exited reports whether a child ended, and reaps it then.
func exited(p *os.Process) bool {
	pid, err := syscall.Wait4(p.Pid, nil, syscall.WNOHANG, nil)
	return err == nil && pid == p.Pid
}

// gone reports whether no process has the number.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// signalServer signals a server. A crash takes its children first, while it
// cannot make others: each leads a group of its own.
func signalServer(p *os.Process, sig syscall.Signal) {
	if sig == syscall.SIGKILL {
		_ = syscall.Kill(p.Pid, syscall.SIGSTOP) //nolint:errcheck // the next signal reports it
		for _, child := range children(p.Pid) {
			_ = syscall.Kill(child, sig) //nolint:errcheck // it ended by itself
		}
	}
	if err := syscall.Kill(p.Pid, sig); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: signal the server:", err)
	}
}

// unprivileged is who runs a server in place of root, which PostgreSQL refuses
// to be run by; nil when this process is somebody else.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nobody to become, and no failure
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root cannot run PostgreSQL, and there is no user postgres or nobody")
}

// handOver gives files to who runs the server.
func handOver(paths ...string) error {
	who, err := unprivileged()
	if err != nil || who == nil {
		return err
	}
	for _, path := range paths {
		if err := os.Chown(path, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// confine makes a child of its own group, unprivileged, and mortal with us
// where the system can.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if who, err := unprivileged(); err == nil { // handOver reported it
		cmd.SysProcAttr.Credential = who
	}
	dieWithParent(cmd.SysProcAttr)
}
