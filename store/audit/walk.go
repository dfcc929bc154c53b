package audit

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/store"
)

// walk follows one chain, link by link. After the first break it only looks for
// what tells a removal from a swap.
type walk struct {
	out         Account
	checkpoints []store.Checkpoint
	head        *store.Checkpoint // as the store says; nil: it does not
	rows        bool              // links have the columns of the decision
	anchored    bool              // it may begin after a checkpoint instead of at link 1

	previous store.Hash // the hash before the next link
	seq      int64      // of the link before
	before   Account    // as it was before that link
	last     string     // the id of that link

	broken BreakError
	at     store.Chained // the broken link
	digest store.Hash    // of its record
}

func newWalk(account string, checkpoints []store.Checkpoint) *walk {
	w := &walk{checkpoints: checkpoints, previous: store.Genesis(account)}
	w.out.AccountID = account
	w.out.Head = store.Checkpoint{AccountID: account, Hash: w.previous}
	return w
}

// next looks at the next link; err says that not all of it could be read.
func (w *walk) next(c store.Chained, err error) {
	w.out.Links++
	if w.out.Broken != nil {
		w.classify(c)
		return
	}
	if w.anchored && w.out.Links == 1 && c.Link.Seq > 1 {
		w.begin(c.Link.Seq - 1)
	}
	w.digest = c.Canonical.Digest()
	record := w.link(c, err)
	if w.out.Broken == nil && record != nil {
		w.content(c, *record)
	}
	if w.out.Broken != nil {
		w.at = c
		return
	}
	w.before = w.out
	w.seq, w.previous, w.last = c.Link.Seq, c.Link.Hash, c.Row.ID
	w.out.Verified++
	w.out.Head.Seq, w.out.Head.Hash = c.Link.Seq, c.Link.Hash
	w.out.Head.At = c.Row.At
	if record != nil && !w.rows {
		w.out.Head.At = record.Result.At.UTC().Truncate(time.Microsecond)
	}
	w.checkpoint()
}

// begin starts a part of a chain at a checkpoint.
func (w *walk) begin(seq int64) {
	for _, c := range w.checkpoints {
		if c.Seq == seq {
			w.seq, w.previous, w.out.Head = seq, c.Hash, c
		}
	}
}

// fail notes the first break.
func (w *walk) fail(c store.Chained, seq int64, what What, field, expected, found string) {
	w.broken = BreakError{
		AccountID: w.out.AccountID, Seq: seq, ID: c.Row.ID, What: what, Field: field,
		Expected: jsonx.Shorten(expected), Found: jsonx.Shorten(found),
	}
	w.out.Broken = &w.broken
}

// link checks the place in the chain and returns the record when all of it
// holds.
func (w *walk) link(c store.Chained, err error) *decision.Record {
	want, l := w.seq+1, c.Link
	switch {
	case l.Seq > want:
		w.fail(store.Chained{}, want, Removed, "", "link "+strconv.FormatInt(want, 10), "link "+strconv.FormatInt(l.Seq, 10))
	case err != nil:
		w.fail(c, want, Unreadable, "", "what was written", err.Error())
	case l.Seq < want:
		w.fail(c, l.Seq, Inserted, "", "link "+strconv.FormatInt(want, 10), "link "+strconv.FormatInt(l.Seq, 10)+" again")
	case l.Previous != w.previous && l.Hash == store.Next(w.previous, want, l.Digest):
		w.fail(c, want, EditedColumns, "previous", w.previous.String(), l.Previous.String())
	case l.Previous != w.previous:
		w.unlinked(c)
	case w.digest != l.Digest && l.Hash == store.Next(w.previous, want, w.digest):
		w.fail(c, want, EditedColumns, "digest", w.digest.String(), l.Digest.String())
	case w.digest != l.Digest:
		w.fail(c, want, EditedRecord, "", l.Digest.String(), w.digest.String())
	case l.Hash != store.Next(l.Previous, l.Seq, l.Digest):
		w.fail(c, want, EditedColumns, "hash", store.Next(l.Previous, l.Seq, l.Digest).String(), l.Hash.String())
	}
	if w.out.Broken != nil {
		return nil
	}
	record, err := c.Canonical.Record()
	if err != nil {
		w.fail(c, want, Unreadable, "", "a record of schema 1 to "+strconv.Itoa(decision.RecordSchema), err.Error())
		return nil
	}
	return &record
}

// unlinked words a link that does not follow the one before.
func (w *walk) unlinked(c store.Chained) {
	l, want := c.Link, w.seq+1
	if r, err := c.Canonical.Record(); err == nil && w.digest == l.Digest && r.Input.Account.ID != w.out.AccountID {
		w.fail(c, want, Misplaced, "/account_id", w.out.AccountID, r.Input.Account.ID)
		return
	}
	if w.seq > 0 && l.Hash == w.previous { // the one before, again
		w.fail(c, want, Inserted, "previous", w.previous.String(), l.Previous.String())
		return
	}
	if w.seq > 0 && l.Previous == w.before.Head.Hash { // it follows the one before the last
		w.out.Verified, w.out.Head = w.before.Verified, w.before.Head
		w.fail(store.Chained{Row: store.Row{ID: w.last}}, w.seq, Inserted, "hash", l.Previous.String(), w.previous.String())
		return
	}
	// Until a later link shows that what follows is still there.
	w.fail(c, want, Removed, "previous", w.previous.String(), l.Previous.String())
}

// content checks that the link is about this record, and that the columns say
// what the record says.
func (w *walk) content(c store.Chained, r decision.Record) {
	seq := c.Link.Seq
	if got := r.Input.Account.ID; got != w.out.AccountID {
		w.fail(c, seq, Misplaced, "/account_id", w.out.AccountID, got)
		return
	}
	if !w.rows {
		return
	}
	row, err := store.Project(r)
	if err != nil {
		w.fail(c, seq, Unreadable, "", "a record that has columns", err.Error())
		return
	}
	if row.ID != c.Row.ID {
		w.fail(c, seq, Misplaced, "/id", row.ID, c.Row.ID)
		return
	}
	want, err := jsonx.Marshal(row)
	if err != nil {
		w.fail(c, seq, Unreadable, "", "a record that has columns", err.Error())
		return
	}
	got, err := jsonx.Marshal(c.Row)
	if err != nil {
		w.fail(c, seq, Unreadable, "", "columns of a decision", err.Error())
		return
	}
	if d, differ := jsonx.Diff(want, got); differ {
		w.fail(c, seq, EditedColumns, d.Pointer, d.Left, d.Right)
	}
}

// checkpoint compares the link that was just verified with what was kept of it
// elsewhere, and with the head.
func (w *walk) checkpoint() {
	here := store.Chained{Row: store.Row{ID: w.last}}
	for _, c := range w.checkpoints {
		if c.Seq == w.seq && c.Hash != w.previous {
			w.fail(here, w.seq, Rewritten, "hash", c.Hash.String(), w.previous.String())
			return
		}
	}
	if h := w.head; h != nil && h.Seq == w.seq && h.Hash != w.previous {
		w.fail(here, w.seq, EditedColumns, "head", w.previous.String(), h.Hash.String())
	} else if h != nil && h.Seq == w.seq && !h.At.Equal(w.out.Head.At) {
		w.fail(here, w.seq, EditedColumns, "head/at", w.out.Head.At.Format(time.RFC3339Nano), h.At.UTC().Format(time.RFC3339Nano))
	}
}

// classify tells, by a link after the broken one, what became of that one.
func (w *walk) classify(c store.Chained) {
	b := &w.broken
	switch {
	case b.What == Removed && b.Field == "":
		if c.Link.Seq == b.Seq && c.Link.Previous == w.previous {
			b.What, b.ID = Reordered, w.at.Row.ID
		}
	case b.What == Removed:
		if c.Link.Previous == w.previous { // what follows is still there, later
			b.What = Inserted
		}
		if c.Link.Hash == w.at.Link.Previous || c.Link.Previous == w.previous && w.at.Link.Previous == c.Link.Hash {
			b.What = Reordered
		}
	case b.What == Inserted && b.Field == "previous":
		if c.Link.Hash == w.at.Link.Previous {
			b.What = Reordered
		}
	case b.What == EditedRecord && c.Link.Digest == w.digest:
		b.What = Reordered // the record belongs to a later link
	}
}

// end says what was found, once every link was looked at.
func (w *walk) end() Account {
	if w.out.Broken == nil {
		w.tail()
	}
	return w.out
}

// tail looks for links that the head or a checkpoint saw.
func (w *walk) tail() {
	seen, where := w.seq, ""
	if w.head != nil && w.head.Seq > seen {
		seen, where = w.head.Seq, "head"
	}
	for _, c := range w.checkpoints {
		if c.Seq > seen {
			seen, where = c.Seq, "checkpoint"
		}
		if c.Seq == 0 && c.Hash != store.Genesis(w.out.AccountID) {
			w.fail(store.Chained{}, 0, Rewritten, "hash", c.Hash.String(), store.Genesis(w.out.AccountID).String())
			return
		}
	}
	switch {
	case where != "":
		w.fail(store.Chained{}, w.seq+1, Truncated, "", fmt.Sprintf("link %d, as the %s says", seen, where), fmt.Sprintf("the end after link %d", w.seq))
	case w.rows && w.head == nil:
		w.fail(store.Chained{}, 1, Truncated, "", "the account", "")
	case w.head != nil && w.seq == 0 && w.head.Hash != store.Genesis(w.out.AccountID):
		w.fail(store.Chained{}, 0, EditedColumns, "head", store.Genesis(w.out.AccountID).String(), w.head.Hash.String())
	}
}
