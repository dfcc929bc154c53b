package llm_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

func TestFailoverAsksACheaperModelThatTheBudgetStillFits(t *testing.T) {
	t.Parallel()
	dear := &llm.BudgetError{
		Reason: llm.BudgetExhausted, Limits: llm.Limits{USD: decimal.NewNullDecimal(decimal.New(1, -1))},
		Asked: llm.Amount{USD: decimal.New(1, 0)},
	}
	f := failover(t, llm.Hop{Model: "dear", Client: failing(dear)}, llm.Hop{Model: "cheap", Client: answering("{}")})
	resp, err := f.Complete(t.Context(), llm.Request{})
	require.NoError(t, err)
	require.Equal(t, "cheap", resp.Hop)
}
