package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/marketdata/marketreplay"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitDegraded = 3
)

type commands struct {
	Decide     decideCommand       `cmd:"" help:"Decide once and show what to do with each asset, and why."`
	Score      scoreCommand        `cmd:"" help:"Show the technical risk score of each asset with what contributed to it."`
	Market     marketCommand       `cmd:"" help:"Show one asset as the exchange has it, or list the symbols."`
	Validate   validateCommand     `cmd:"" help:"Check a decision of yours as the risk gate would, without doing anything."`
	Strategies strategiesCommand   `cmd:"" help:"List the built-in strategies, show one, or check files with your own."`
	History    historyCommand      `cmd:"" help:"List what was decided, newest first."`
	Show       showCommand         `cmd:"" help:"Show one decision with all that it was made from."`
	Verify     verifyCommand       `cmd:"" help:"Check that the history is as it was written, and print checkpoints to keep elsewhere."`
	Replay     replayCommand       `cmd:"" help:"Derive decisions again from their records and compare, without any network."`
	Export     exportCommand       `cmd:"" help:"Write records as lines of JSON, or decisions as CSV."`
	Import     importLegacyCommand `cmd:"" name:"import-legacy" help:"Import the decisions of a single-asset system from its database."`
	Migrate    migrateCommand      `cmd:"" help:"Bring the database to another schema, with its data, and show which it has."`
	Breakers   breakersCommand     `cmd:"" help:"Show the circuits of models as the last runs left them, or close them by hand."`
	Halt       haltCommand         `cmd:"" help:"Halt every account or one: nothing that adds risk passes until it is resumed."`
	Resume     resumeCommand       `cmd:"" help:"Take a halt back."`
	Halts      haltsCommand        `cmd:"" help:"Show what is halted, since when and why."`
}

const description = `Decisions for perpetual futures from candles, an account and, when there is one, a language model.

Settings come from the environment: OPENROUTER_API_KEY, OPENROUTER_BASE_URL, OPENROUTER_REFERER, OPENROUTER_APP_TITLE,
LLM_MODEL, LLM_FALLBACK_MODELS, LLM_TEMPERATURE, LLM_MAX_TOKENS, LLM_TIMEOUT, LLM_ATTEMPT_TIMEOUT, LLM_MAX_RETRIES,
LLM_BACKOFF_FACTOR, LLM_CONTEXT_TOKENS, LLM_DAILY_BUDGET_USD, BREAKER_FAILURE_THRESHOLD, BREAKER_RECOVERY_TIMEOUT, DATA_DIR, ASSETS, INTERVAL,
LONG_INTERVAL, LEVERAGE, MAX_POSITION_SIZE_USD, MIN_CONFIDENCE, MAX_RISK_SCORE, DATABASE_URL, DB_POOL_SIZE,
DB_MAX_OVERFLOW, DB_POOL_TIMEOUT, LOG_LEVEL (logs go to stderr, and only
when it is set). For --market aster: ASTERDEX_NETWORK (mainnet or testnet), ASTERDEX_BASE_URL, ASTERDEX_WS_URL, the keys
ASTERDEX_SIGNER_KEY with ASTERDEX_USER (V3) or ASTERDEX_API_KEY with ASTERDEX_API_SECRET (V1), WORKER_THREADS,
MAX_CONCURRENT_REQUESTS.
Flags win. Nothing is required: without any of them a simulated market and a paper account are used.
MIN_CONFIDENCE and MAX_RISK_SCORE bind the technical fallback only; what a model proposes is bound by the strategy.
LEVERAGE and MAX_POSITION_SIZE_USD are those of the paper account, and with keys of the one at the exchange, whose own
leverage is used without LEVERAGE: with --state, the limits in the file win.
Models that fail are left alone for a while, by later runs too: DATA_DIR keeps their circuits. DATABASE_URL keeps what
was decided, what was spent of LLM_DAILY_BUDGET_USD and what is halted: postgresql://…, sqlite://FILE (default
ballast.db in DATA_DIR) or memory:, with which DATA_DIR has the last two. Halts that cannot be read halt everything.
While the database is down, records wait in DATA_DIR.

Exit codes: 0 fine, 1 failed, bad data or not valid, 2 bad usage or configuration, 3 refused or degraded with --strict.`

// session is what a command needs of the world. Its output is shown only
// when the command succeeds or has decided, so that nothing is ever half printed.
type session struct {
	env    map[string]string
	now    func() time.Time
	stdin  io.Reader
	stdout io.Writer // for exports alone, which are as long as they are
	out    bytes.Buffer
	stderr io.Writer
	style  render.Style
	warned bool // of what is wrong with the settings
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, env map[string]string, now func() time.Time, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{env: env, now: now, stdin: stdin, stdout: stdout, stderr: stderr, style: styleOf(stdout, env)}
	err := s.execute(ctx, args)
	if isDecided(err) {
		if _, failed := stdout.Write(s.out.Bytes()); failed != nil {
			err = failed
		}
	}
	if err == nil {
		return exitOK
	}
	for _, line := range oneLineEach(err) {
		_, _ = fmt.Fprintln(stderr, "ballast: "+line) // nowhere left to report to
	}
	return exitCode(err)
}

func (s *session) execute(ctx context.Context, args []string) error {
	exited := false
	parser, err := kong.New(&commands{}, kong.Name("ballast"), kong.Description(description), kong.Writers(&s.out, &s.out),
		kong.Exit(func(int) { exited = true }), kong.Vars{"strategy": decision.DefaultStrategy},
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 100}))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if exited { // the help was asked for and is in s.out
		return nil
	}
	if err != nil {
		return usageError{fmt.Errorf("%w (see ballast --help)", err)}
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(s)
}

// usageError is a mistake of whoever runs the program.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// degradedError reports a decision that --strict does not accept.
type degradedError struct{ refused, degraded int }

func (e *degradedError) Error() string {
	return fmt.Sprintf("--strict: %d actions refused, %d things degraded", e.refused, e.degraded)
}

// recordError reports a recording that is not whole, of a decision that is.
type recordError struct {
	flag string
	err  error
}

func (e *recordError) Error() string {
	return e.flag + ": the recording is not whole: " + e.err.Error()
}

func (e *recordError) Unwrap() error { return e.err }

// invalidError reports what did not stand a check. The output says more.
type invalidError struct{ err error }

func (e *invalidError) Error() string { return e.err.Error() }

func (e *invalidError) Unwrap() error { return e.err }

// isDecided reports whether there is an output to show: without an error, and
// beside one that says what is wrong with a decision, its recording or what
// was checked.
func isDecided(err error) bool {
	var degraded *degradedError
	var record *recordError
	var invalid *invalidError
	return err == nil || errors.As(err, &degraded) || errors.As(err, &record) || errors.As(err, &invalid)
}

func exitCode(err error) int {
	var usage usageError
	var data *app.DataError
	var degraded *degradedError
	var record *recordError
	switch {
	case errors.As(err, &record):
		return exitFailed
	case errors.As(err, &usage), errors.As(err, &data) && data.Unknown():
		return exitUsage
	case errors.As(err, &degraded):
		return exitDegraded
	}
	return exitFailed
}

// oneLineEach is every joined problem as a clean line.
func oneLineEach(err error) []string {
	var data *app.DataError
	var venue *app.VenueError
	var missing *marketreplay.NotRecordedError
	switch {
	case errors.As(err, &data):
		err = data
	case errors.As(err, &venue):
		err = venue
	case errors.As(err, &missing):
		err = fmt.Errorf("--market replay: %w; give the --symbols, the intervals and a time of the recording", missing)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = render.Clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// styleOf gives a terminal its width, and colours unless NO_COLOR forbids them.
func styleOf(stdout io.Writer, env map[string]string) render.Style {
	file, ok := stdout.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a descriptor is small
		return render.Style{}
	}
	style := render.Style{Color: env["NO_COLOR"] == "" && env["TERM"] != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil { //nolint:gosec // a descriptor is small
		style.Width = min(width, maxWidth)
	}
	return style
}

// maxWidth keeps lines readable on wide terminals.
const maxWidth = 140

// logger writes to stderr when a level was asked for: a person reads the
// table, not a log.
func (s *session) logger(level *slog.Level) *slog.Logger {
	if level == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: level}))
}
