//go:build unix && !linux

package pgtest

import "syscall"

// dieWithParent does nothing: only Linux can signal the death of a parent.
func dieWithParent(*syscall.SysProcAttr) {}

// children is empty where there is no /proc: the server's children end by
// themselves soon after it.
func children(int) []int { return nil }
