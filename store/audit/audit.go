package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-go/ballast/store"
)

// What is wrong with a link.
type What string

// The kinds of break.
const (
	EditedRecord  What = "edited_record"  // the record is not the one that was linked
	EditedColumns What = "edited_columns" // a column does not say what the record says
	Removed       What = "removed"        // a link is missing before others
	Reordered     What = "reordered"      // links or records changed places
	Inserted      What = "inserted"       // a link was never written in this place
	Truncated     What = "truncated"      // the end is missing
	Rewritten     What = "rewritten"      // consistent, but not what the checkpoint saw
	Misplaced     What = "misplaced"      // the record of another account or id
	Unreadable    What = "unreadable"     // what is kept cannot be read
)

// BreakError is the first link of a chain that is not as it was written.
type BreakError struct {
	AccountID string `json:"account_id"`
	Seq       int64  `json:"seq"`
	ID        string `json:"id,omitempty"` // of the decision, as its columns say; empty: there is none
	What      What   `json:"what"`
	Field     string `json:"field,omitempty"` // JSON pointer into the row, or previous, digest, hash, head
	Expected  string `json:"expected"`
	Found     string `json:"found"`
}

// Error names account, link and what is wrong with it.
func (b *BreakError) Error() string {
	at := fmt.Sprintf("audit: account %q: link %d", b.AccountID, b.Seq)
	if b.ID != "" {
		at += fmt.Sprintf(" (decision %q)", b.ID)
	}
	what := strings.ReplaceAll(string(b.What), "_", " ")
	if b.Field != "" {
		what += ": " + b.Field
	}
	return fmt.Sprintf("%s: %s: expected %s, found %s", at, what, cmp.Or(b.Expected, "nothing"), cmp.Or(b.Found, "nothing"))
}

// Account is what was found of one chain.
type Account struct {
	AccountID string           `json:"account_id"`
	Links     int64            `json:"links"`            // that were read
	Verified  int64            `json:"verified"`         // before the first broken one
	Head      store.Checkpoint `json:"head"`             // the last link that is as it was written
	Broken    *BreakError      `json:"broken,omitempty"` // nil: nothing
}

// Report is the state of every chain, by account id.
type Report struct {
	Accounts []Account `json:"accounts"`
}

// Err joins the breaks; nil when every chain is as it was written.
func (r Report) Err() error {
	var all []error
	for i := range r.Accounts {
		if b := r.Accounts[i].Broken; b != nil {
			all = append(all, b)
		}
	}
	return errors.Join(all...)
}

// Links is how many links were read.
func (r Report) Links() (n int64) {
	for i := range r.Accounts {
		n += r.Accounts[i].Links
	}
	return n
}

// Checkpoints are the heads of the chains without a break, to be kept
// elsewhere.
func (r Report) Checkpoints() []store.Checkpoint {
	var out []store.Checkpoint
	for i := range r.Accounts {
		if a := &r.Accounts[i]; a.Broken == nil {
			out = append(out, a.Head)
		}
	}
	return out
}

// Progress is how far a verification has come.
type Progress struct {
	AccountID string
	Links     int64 // of this account
	Of        int64 // by its head; 0: unknown
	Total     int64 // of all accounts
}

// Options of a verification. The zero value checks every account.
type Options struct {
	Accounts []string // check these alone; an account that is not there is a BreakError
	// Checkpoints must lie on their chains. Those of other accounts than
	// Accounts names are not looked at.
	Checkpoints []store.Checkpoint
	Progress    func(Progress) // called for every link; nil: nobody
}

func (o *Options) selects(account string) bool {
	return len(o.Accounts) == 0 || slices.Contains(o.Accounts, account)
}

// of are the checkpoints of an account.
func (o *Options) of(account string) []store.Checkpoint {
	var out []store.Checkpoint
	for _, c := range o.Checkpoints {
		if c.AccountID == account {
			out = append(out, c)
		}
	}
	return out
}

// named are the accounts that must be there.
func (o *Options) named() []string {
	out := slices.Clone(o.Accounts)
	for _, c := range o.Checkpoints {
		if c.Seq > 0 && o.selects(c.AccountID) {
			out = append(out, c.AccountID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Verify walks the chains of a store. The error is that of reading, or of the
// context; what is wrong with a chain stands in the Report. Links that are
// appended meanwhile are checked or not.
func Verify(ctx context.Context, chain store.Chain, o Options) (Report, error) {
	heads, err := chain.Heads(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("audit: %w", err)
	}
	byAccount := make(map[string]*store.Checkpoint, len(heads))
	accounts := o.named()
	for i := range heads {
		byAccount[heads[i].AccountID] = &heads[i]
		if o.selects(heads[i].AccountID) {
			accounts = append(accounts, heads[i].AccountID)
		}
	}
	slices.Sort(accounts)
	var out Report
	for _, account := range slices.Compact(accounts) {
		w := newWalk(account, o.of(account))
		w.head, w.rows = byAccount[account], true
		if err := w.read(ctx, chain, &o, out.Links()); err != nil {
			return out, err
		}
		out.Accounts = append(out.Accounts, w.end())
	}
	return out, nil
}

// read walks one chain of a store.
func (w *walk) read(ctx context.Context, chain store.Chain, o *Options, before int64) error {
	for c, err := range chain.Links(ctx, w.out.AccountID, 0) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return fmt.Errorf("audit: account %q: %w", w.out.AccountID, err)
		}
		w.next(c, err)
		if o.Progress != nil {
			p := Progress{AccountID: w.out.AccountID, Links: w.out.Links, Total: before + w.out.Links}
			if w.head != nil {
				p.Of = w.head.Seq
			}
			o.Progress(p)
		}
	}
	return nil
}
