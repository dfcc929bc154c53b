//go:build unix

package haltfile_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	pathVariable = "HALTFILE_TEST_PATH"
	nameVariable = "HALTFILE_TEST_NAME"
	manyVariable = "HALTFILE_TEST_MANY"
)

// TestWriter is a process of its own: it turns one switch after another on,
// and every second one off again, and says so after each.
func TestWriter(t *testing.T) {
	t.Parallel()
	path, name := os.Getenv(pathVariable), os.Getenv(nameVariable)
	if path == "" {
		t.Skip("only as a child of the tests below")
	}
	many, err := strconv.Atoi(os.Getenv(manyVariable))
	require.NoError(t, err)
	f := open(t, path)
	for i := range many {
		id := fmt.Sprintf("%s-%03d", name, i)
		require.NoError(t, f.SetHalt(t.Context(), id, halt(id)))
		fmt.Println("on", id)
		if i%2 == 1 {
			require.NoError(t, f.SetHalt(t.Context(), id, nil))
			fmt.Println("off", id)
		}
	}
}

// writer starts a process that sets so many switches.
func writer(t *testing.T, path, name string, many int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestWriter$")
	cmd.Env = append(os.Environ(), pathVariable+"="+path, nameVariable+"="+name, manyVariable+"="+strconv.Itoa(many))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// Processes write at once and are killed, again and again: every switch is as
// it was last said to be, but for the one that each was about to change.
func TestWhatAProcessSaidSurvivesItsKill(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	for round := range 3 {
		type process struct {
			cmd  *exec.Cmd
			said *bufio.Scanner
			last []string
		}
		processes := make([]process, 3)
		for i := range processes {
			processes[i].cmd, processes[i].said = writer(t, path, fmt.Sprintf("%d.%d", round, i), 10_000)
		}
		for i := range processes {
			p := &processes[i]
			for range 10 + 5*round {
				require.True(t, p.said.Scan())
				p.last = append(p.last, p.said.Text())
			}
			require.NoError(t, p.cmd.Process.Kill()) // at whatever it is doing
		}
		for i := range processes {
			p := &processes[i]
			for p.said.Scan() { // what it said before it died
				if strings.Count(p.said.Text(), " ") == 1 {
					p.last = append(p.last, p.said.Text())
				}
			}
			require.Error(t, p.cmd.Wait(), "it was killed")
		}
		f := open(t, path)
		for _, p := range processes {
			on := map[string]bool{}
			for _, line := range p.last {
				what, id, _ := strings.Cut(line, " ")
				on[id] = what == "on"
			}
			what, last, _ := strings.Cut(p.last[len(p.last)-1], " ")
			for id, want := range on {
				h, err := f.Halted(t.Context(), id)
				require.NoError(t, err)
				if id == last && what == "on" {
					continue // it may have been turning it off
				}
				require.Equal(t, want, h != nil, "%s in round %d", id, round)
			}
		}
	}
}

func TestProcessesAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	failures := make([]error, 3)
	var wait sync.WaitGroup
	for i := range failures {
		cmd, said := writer(t, path, fmt.Sprint(i), 40)
		wait.Go(func() {
			for said.Scan() { // to its end, as Wait closes the pipe
			}
			failures[i] = cmd.Wait()
		})
	}
	wait.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	all, err := open(t, path).Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3*20)
}

func TestAPipeHaltsAndKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	require.ErrorContains(t, halts(t, path), "must be a regular file")
}
