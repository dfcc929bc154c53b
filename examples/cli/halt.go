package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/haltfile"
)

type haltCommand struct {
	Account *string `placeholder:"NAME" help:"Account to halt. Default every account."`
	Reason  string  `placeholder:"TEXT" help:"Why, for whoever meets the halt; at most 500 bytes."`
	By      string  `placeholder:"NAME" help:"Who halts; at most 100 bytes."`
}

// Run halts.
func (c *haltCommand) Run(ctx context.Context, s *session) error {
	account, err := switchOf(c.Account)
	if err != nil {
		return err
	}
	h := decision.Halt{AccountID: account, Reason: c.Reason, By: c.By, At: s.now().UTC()}
	if err := h.Validate(); err != nil {
		return usageError{byFlag(err)}
	}
	return s.withSwitches(ctx, false, func(switches *app.Switches) error {
		where, err := switches.Halt(ctx, h)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(&s.out, "%s is halted until it is resumed, as %s says: nothing that adds risk passes, while closing and reducing stay possible\n",
			whose(account), render.Clean(where))
		return err
	})
}

type resumeCommand struct {
	Account *string `placeholder:"NAME" help:"Account to resume. Default the halt of every account, which leaves those of single accounts."`
}

// Run takes a halt back.
func (c *resumeCommand) Run(ctx context.Context, s *session) error {
	account, err := switchOf(c.Account)
	if err != nil {
		return err
	}
	return s.withSwitches(ctx, false, func(switches *app.Switches) error {
		was, still, err := switches.Resume(ctx, account)
		if err != nil {
			return err
		}
		text := whose(account) + " is resumed"
		if !was {
			text = whose(account) + " was not halted"
		}
		_, err = fmt.Fprintln(&s.out, text+stillOn(account, still))
		return err
	})
}

// stillOn says what else keeps a resumed account halted.
func stillOn(account string, still []decision.Halt) string {
	switch {
	case len(still) == 0:
		return ""
	case still[0].AccountID == "", account == "" && len(still) == 1:
		return "; still on: " + render.Clean(still[0].String())
	case account == "":
		return fmt.Sprintf("; still on: the halts of %d accounts, see ballast halts", len(still))
	}
	return ""
}

type haltsCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists what is halted.
func (c *haltsCommand) Run(ctx context.Context, s *session) error {
	return s.withSwitches(ctx, true, func(switches *app.Switches) error {
		all, err := switches.Halts(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return api.Write(&s.out, api.NewHalts(all))
		}
		if len(all) == 0 {
			_, err = fmt.Fprintln(&s.out, "nothing is halted with DATA_DIR "+render.Clean(s.settingsToHalt().DataDir))
			return err
		}
		for _, h := range all {
			_, _ = fmt.Fprintln(&s.out, render.Clean(h.String()))
		}
		return nil
	})
}

// withSwitches opens the kill switches for one command.
func (s *session) withSwitches(ctx context.Context, readOnly bool, use func(*app.Switches) error) error {
	switches, err := app.OpenSwitches(ctx, s.settingsToHalt(), readOnly)
	if err != nil {
		return explained(err)
	}
	if err := errors.Join(use(switches), switches.Close()); err != nil {
		return explained(err)
	}
	return nil
}

// settingsToHalt are the settings, whatever is wrong with others of them: a
// mistake is no reason not to halt.
func (s *session) settingsToHalt() config.Config {
	cfg, err := config.Read(s.env, nil)
	if err != nil && !s.warned {
		s.warned = true
		for _, line := range oneLineEach(err) {
			s.warn(line)
		}
	}
	if dir, err := filepath.Abs(cfg.DataDir); err == nil {
		cfg.DataDir = dir // said in full: a halt counts for this folder alone
	}
	return cfg
}

var errNoAccount = errors.New("--account must name an account, was empty: leave it out for every account")

// switchOf is the account of a switch, empty for the global one. An empty name
// is a variable that is not set, not the wish to name every account.
func switchOf(account *string) (string, error) {
	switch {
	case account == nil:
		return "", nil
	case *account == "":
		return "", usageError{errNoAccount}
	case store.CheckHalt(*account, nil) != nil:
		return "", usageError{fmt.Errorf("--account must be at most %d bytes of UTF-8, had %d", store.MaxHaltAccountBytes, len(*account))}
	}
	return *account, nil
}

func whose(account string) string {
	if account == "" {
		return "every account"
	}
	return "account " + render.Clean(account)
}

// explained says what a file means that cannot be read.
func explained(err error) error {
	var corrupt *haltfile.CorruptError
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w; until somebody repairs or removes it, everything is halted", err)
	}
	return err
}

// byFlag names the flags in what is wrong with a halt.
func byFlag(err error) error {
	return errors.New(strings.NewReplacer("decision: halt: reason", "--reason", "decision: halt: by", "--by").Replace(err.Error()))
}
