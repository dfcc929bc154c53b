package api

import (
	"bytes"

	"github.com/ballast-go/ballast/decision"
)

// Strategy is a strategy with the version of its content beside it.
type Strategy struct{ decision.Strategy }

// MarshalJSON writes the strategy's members and strategy_hash.
func (s Strategy) MarshalJSON() ([]byte, error) {
	hash, err := s.Hash()
	if err != nil {
		return nil, err
	}
	data, err := s.Strategy.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return append(bytes.TrimSuffix(data, []byte("}")), `,"strategy_hash":"`+hash+`"}`...), nil
}
