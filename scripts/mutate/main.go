// Command mutate changes the risk gate in one small way after another and
// reports the changes that no test notices.
//
//	go run ./scripts/mutate -out report.md
//
// A mutant is one edit of one function: a limit that is one step off, a
// condition turned round, a sum made a difference, a statement left out. All
// mutants are compiled into one test binary, each as a copy of its function
// that an environment variable switches on, because building a binary takes
// ten times as long as running it. Mutants outside functions get a binary each.
// The build reads the edited text through -overlay: no file of the tree is
// written. The table tests run first, the properties only for what they let
// live, always with the same seed.
//
// Exit codes: 0, 1 when a survivor is not explained in the file -accepted or an
// explanation matches none, 2 when the run itself failed.
//
// Why not gremlins (Apache-2.0, v0.6.0 of 2025-12) or avito-tech/go-mutesting (MIT; the proxy has no version):
// both change tokens alone, never Add, LessThan or IsPositive of a decimal, and know no list of explained survivors.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

// errFindings is a run that ended well and found something to be done.
var errFindings = errors.New("survivors without explanation, or explanations without survivor")

// gateTests are the files whose tests have the gate for their subject. Others
// notice mutants too, as the golden files of prompts do, but say nothing of what
// is wrong with a limit.
const gateTests = "gate*,envelope*,rule*,reduction*,liquidation*,sizing*,assess*,halt*,hostile*,peer_gate*,peer_limits*,engine_test.go"

type config struct {
	dir, files, tests, run, out, accepted, only string
	checks, workers, sample                     int
	timeout                                     time.Duration
	list                                        bool
}

// readFlags returns the usage too where the flags ask for it or are wrong.
func readFlags(args []string) (c config, usage string, err error) {
	var said strings.Builder
	fs := flag.NewFlagSet("mutate", flag.ContinueOnError)
	fs.SetOutput(&said)
	fs.StringVar(&c.dir, "dir", "./decision", "folder of the package")
	fs.StringVar(&c.files, "files", "rule*.go,view.go,envelope.go,sizing.go,assess.go,liquidation*.go,halt.go", "globs of the files to mutate; a glob may match none")
	fs.StringVar(&c.tests, "tests", gateTests, "globs of the files whose tests run")
	fs.StringVar(&c.run, "run", "", "of these tests only those whose name matches this expression")
	fs.IntVar(&c.checks, "checks", 200, "rapid checks a property")
	fs.DurationVar(&c.timeout, "timeout", 30*time.Second, "for the tests of a mutant")
	fs.IntVar(&c.workers, "workers", 1, "mutants tested at a time")
	fs.StringVar(&c.out, "out", "", "file for the report; standard output when empty")
	fs.StringVar(&c.accepted, "accepted", "scripts/mutate/accepted.txt", "explained survivors")
	fs.StringVar(&c.only, "only", "", "test only mutants whose key matches this expression")
	fs.IntVar(&c.sample, "sample", 0, "test only this many, evenly spread; 0 is all")
	fs.BoolVar(&c.list, "list", false, "list the mutants and test none")
	if err := fs.Parse(args); err != nil {
		return c, said.String(), err
	}
	var problems []error
	for _, f := range []struct {
		name         string
		value, least int
	}{{"checks", c.checks, 1}, {"workers", c.workers, 1}, {"sample", c.sample, 0}, {"timeout in seconds", int(c.timeout / time.Second), 1}} {
		if f.value < f.least {
			problems = append(problems, fmt.Errorf("%s must be at least %d, was %d", f.name, f.least, f.value))
		}
	}
	if fs.NArg() > 0 {
		problems = append(problems, fmt.Errorf("no arguments are taken, had %q", fs.Args()))
	}
	return c, "", errors.Join(problems...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := mutate(ctx, os.Args[1:], os.Stdout, func(line string) { fmt.Fprintln(os.Stderr, line) })
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFindings):
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
}

func mutate(ctx context.Context, args []string, stdout io.Writer, progress func(line string)) error {
	c, usage, err := readFlags(args)
	if usage != "" {
		progress(usage)
	}
	if err != nil {
		return err
	}
	only, err := regexp.Compile(c.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	sources, err := readSources(c.dir, c.files)
	if err != nil {
		return err
	}
	all := findMutants(sources)
	chosen := choose(all, only, c.sample)
	if c.list {
		return write(stdout, listing(chosen))
	}
	explained, err := readAccepted(c.accepted)
	if err != nil {
		return err
	}
	results, err := testMutants(ctx, c, sources, chosen, progress)
	if err != nil {
		return err
	}
	r := newReport(c, sources, all, results, explained)
	if err := saveReport(c.out, stdout, r.markdown()); err != nil {
		return err
	}
	if len(r.unexplained)+len(r.stale) > 0 {
		return errFindings
	}
	return nil
}

// choose keeps the mutants whose key matches, and of those an evenly spread
// sample.
func choose(all []mutant, only *regexp.Regexp, sample int) []mutant {
	var out []mutant
	for _, m := range all {
		if only.MatchString(m.key()) {
			out = append(out, m)
		}
	}
	if sample == 0 || sample >= len(out) {
		return out
	}
	spread := make([]mutant, sample)
	for i := range spread {
		spread[i] = out[i*len(out)/sample]
	}
	return spread
}

func listing(mutants []mutant) string {
	text := ""
	for _, m := range mutants {
		text += m.key() + "\n"
	}
	return text
}

func saveReport(path string, stdout io.Writer, text string) error {
	if path == "" {
		return write(stdout, text)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func write(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
