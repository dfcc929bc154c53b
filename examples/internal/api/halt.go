package api

import (
	"time"

	"github.com/ballast-go/ballast/decision"
)

// Halt is one kill switch of "halts --json" that is on.
type Halt struct {
	AccountID *string   `json:"account_id"` // null: every account
	Reason    *string   `json:"reason"`     // null: not given
	By        *string   `json:"by"`         // null: not given
	At        time.Time `json:"at"`         // UTC
}

// NewHalts are the switches in their order.
func NewHalts(halts []decision.Halt) []Halt {
	out := make([]Halt, len(halts))
	for i, h := range halts {
		out[i] = Halt{AccountID: known(h.AccountID), Reason: known(h.Reason), By: known(h.By), At: h.At}
	}
	return out
}
