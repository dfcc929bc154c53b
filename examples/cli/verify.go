package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/ballast-go/ballast/examples/internal/api"
	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/audit"
)

type verifyCommand struct {
	databaseFlags
	Export     string   `placeholder:"FILE" help:"Verify what export wrote instead of a database; - is stdin."`
	Account    []string `placeholder:"NAME" help:"Only this account; again for each. Default all."`
	Checkpoint []string `placeholder:"FILE" help:"File of checkpoints that verify printed before: they must lie on the chains, so that a cut end or a history that was hashed anew shows. Again for each."`
	SignedBy   string   `placeholder:"FILE" help:"Public key (Ed25519, PEM) that must have signed every file of checkpoints."`
	Sign       string   `placeholder:"FILE" help:"Private key (Ed25519, PEM, such as openssl genpkey -algorithm ed25519 makes) to sign the printed checkpoints with."`
	JSON       bool     `name:"json" help:"Print JSON."`
}

var errSigning = errors.New("--sign goes without --json, and --signed-by needs --checkpoint")

var errBrokenChain = errors.New("the history is not as it was written")

// Run walks the chains.
func (c *verifyCommand) Run(ctx context.Context, s *session) error {
	if c.JSON && c.Sign != "" || c.SignedBy != "" && len(c.Checkpoint) == 0 {
		return usageError{errSigning}
	}
	o := audit.Options{Accounts: c.Account}
	var err error
	if o.Checkpoints, err = c.checkpoints(); err != nil {
		return err
	}
	bar := s.progress("links")
	o.Progress = func(p audit.Progress) {
		if bar != nil {
			bar(p.Links, max(p.Of, p.Links))
		}
	}
	if c.Export != "" {
		file, err := s.openInput(c.Export)
		if err != nil {
			return err
		}
		report, err := audit.VerifyExport(ctx, file, o)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		return c.report(s, report)
	}
	return c.open(ctx, s, app.DatabaseOptions{ReadOnly: true}, func(db app.Database) error {
		report, err := audit.Verify(ctx, db, o)
		if err != nil {
			return err
		}
		return c.report(s, report)
	})
}

func (c *verifyCommand) checkpoints() ([]store.Checkpoint, error) {
	var key ed25519.PublicKey
	if c.SignedBy != "" {
		text, err := os.ReadFile(c.SignedBy)
		if err != nil {
			return nil, usageError{notOpened("--signed-by", err)}
		}
		if key, err = audit.ParsePublicKey(text); err != nil {
			return nil, usageError{fmt.Errorf("--signed-by: %w", err)}
		}
	}
	var all []store.Checkpoint
	for _, path := range c.Checkpoint {
		some, err := readCheckpoints(path, key)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

const maxCheckpointBytes = 64 << 20

func readCheckpoints(path string, key ed25519.PublicKey) ([]store.Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usageError{notOpened("--checkpoint", err)}
	}
	if info.Size() > maxCheckpointBytes {
		return nil, usageError{fmt.Errorf("--checkpoint %s: must have at most %d bytes, had %d", path, maxCheckpointBytes, info.Size())}
	}
	if key != nil {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usageError{notOpened("--checkpoint", err)}
		}
		some, err := audit.VerifySignature(key, text)
		if err != nil {
			return nil, fmt.Errorf("--checkpoint %s: %w", path, err)
		}
		return some, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{notOpened("--checkpoint", err)}
	}
	defer func() { _ = file.Close() }() //nolint:errcheck // only read
	some, err := audit.ReadCheckpoints(file)
	if err != nil {
		return nil, fmt.Errorf("--checkpoint %s: %w", path, err)
	}
	return some, nil
}

// report prints what was found. A broken chain fails beside the output.
func (c *verifyCommand) report(s *session, r audit.Report) error {
	if c.JSON {
		if err := api.Write(&s.out, r); err != nil {
			return err
		}
	} else if err := c.text(s, r); err != nil {
		return err
	}
	if r.Err() != nil {
		return &invalidError{errBrokenChain}
	}
	return nil
}

func (c *verifyCommand) text(s *session, r audit.Report) error {
	for _, a := range r.Accounts {
		if a.Broken != nil {
			_, _ = fmt.Fprintf(&s.out, "# %s: as written up to link %d, then: %s\n", render.Clean(a.AccountID), a.Verified, render.Clean(a.Broken.Error()))
			continue
		}
		_, _ = fmt.Fprintf(&s.out, "# %s: %d links, all as they were written\n", render.Clean(a.AccountID), a.Links)
	}
	if len(r.Accounts) == 0 {
		_, _ = fmt.Fprintln(&s.out, "# there is no chain yet")
	}
	checkpoints := r.Checkpoints()
	if c.Sign == "" || r.Err() != nil {
		return audit.WriteCheckpoints(&s.out, checkpoints)
	}
	text, err := os.ReadFile(c.Sign)
	if err != nil {
		return usageError{notOpened("--sign", err)}
	}
	key, err := audit.ParsePrivateKey(text)
	if err != nil {
		return usageError{fmt.Errorf("--sign: %w", err)}
	}
	signed, err := audit.Sign(key, checkpoints)
	if err != nil {
		return err
	}
	s.out.Reset() // the signature is of every line before it
	_, err = s.out.Write(signed)
	return err
}
