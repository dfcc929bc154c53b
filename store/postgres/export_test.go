package postgres

import (
	"context"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/store"
)

// CheckVersion is what Open thinks of a server's number.
var CheckVersion = checkVersion

// AppendEncoded is Append of a record that is encoded once, whatever id and
// account it then gets.
func (s *Store) AppendEncoded(r decision.Record) (func(ctx context.Context, id, account string) error, error) {
	encoded, err := s.prepare(r)
	return func(ctx context.Context, id, account string) error {
		p := *encoded
		p.id, p.account, p.decision.UID, p.decision.Account = id, account, store.Key(id), store.Key(account)
		return s.append(ctx, &p)
	}, err
}
