package postgres

import (
	"container/list"
	"sync"

	"github.com/ballast-go/ballast/store"
)

// known remembers which series are believed to be in record_series, so that
// their bodies need not be sent. It may be wrong: a transaction was rolled
// back, a table pruned. Append checks.
type known struct {
	mu     sync.Mutex
	most   int
	byHash map[store.Hash]*list.Element
	recent *list.List // of store.Hash, the last used first
}

func newKnown(most int) *known {
	return &known{most: most, byHash: make(map[store.Hash]*list.Element), recent: list.New()}
}

func (k *known) has(h store.Hash) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.byHash[h]
	if ok {
		k.recent.MoveToFront(e)
	}
	return ok
}

func (k *known) add(hashes []store.Hash) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range hashes {
		if e, ok := k.byHash[h]; ok {
			k.recent.MoveToFront(e)
			continue
		}
		k.byHash[h] = k.recent.PushFront(h)
	}
	for len(k.byHash) > k.most {
		delete(k.byHash, k.recent.Remove(k.recent.Back()).(store.Hash)) //nolint:errcheck // nothing else is in the list
	}
}
