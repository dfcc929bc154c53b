package openrouter_test

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
)

func TestARequestsFormatIsHonouredOrRefused(t *testing.T) {
	t.Parallel()
	const refused = "refused"
	for _, tc := range []struct {
		dialect openrouter.Dialect
		format  llm.Format
		sent    string // response_format.type; empty: none
	}{
		{openrouter.OpenRouter(), "", "json_schema"},
		{openrouter.OpenRouter(), llm.FormatSchema, "json_schema"},
		{openrouter.OpenRouter(), llm.FormatObject, "json_object"},
		{openrouter.OpenRouter(), llm.FormatText, ""},
		{openrouter.DeepSeek(), "", "json_object"},
		{openrouter.DeepSeek(), llm.FormatSchema, refused},
		{openrouter.DeepSeek(), llm.FormatObject, "json_object"},
		{openrouter.DeepSeek(), llm.FormatText, ""},
		{openrouter.Dialect{Name: "bare"}, "", ""},
		{openrouter.Dialect{Name: "bare"}, llm.FormatSchema, refused},
		{openrouter.Dialect{Name: "bare"}, llm.FormatObject, refused},
		{openrouter.Dialect{Name: "bare"}, llm.FormatText, ""},
	} {
		t.Run(tc.dialect.Name+" "+string(tc.format), func(t *testing.T) {
			t.Parallel()
			server := llmtest.New(t)
			req := fullRequest()
			req.Format = tc.format
			_, err := open(t, openrouter.Config{BaseURL: server.URL(), Dialect: tc.dialect}).Complete(t.Context(), req)
			if tc.sent == refused {
				var failure *llm.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, llm.KindConfig, failure.Kind)
				require.True(t, failure.FormatRejected)
				require.Empty(t, server.Requests())
				return
			}
			require.NoError(t, err)
			var body struct {
				Format *struct{ Type string } `json:"response_format"`
			}
			require.NoError(t, json.Unmarshal(server.Requests()[0].Body, &body))
			if tc.sent == "" {
				require.Nil(t, body.Format)
				return
			}
			require.Equal(t, tc.sent, body.Format.Type)
		})
	}
}

func TestAnUnknownFormatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	req := fullRequest()
	req.Format = "xml"
	_, err := open(t, openrouter.Config{BaseURL: server.URL()}).Complete(t.Context(), req)
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	require.Contains(t, failure.Message, `format must be json_schema, json_object, text or empty, was "xml"`)
	require.False(t, failure.FormatRejected)
}

func TestOnlyARejectedFormatSaysSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		step     llmtest.Step
		format   llm.Format
		rejected bool
	}{
		"the parameter is named":           {llmtest.UnsupportedFormat(), "", true},
		"as an object":                     {llmtest.UnsupportedFormat(), llm.FormatObject, true},
		"no provider is left":              {llmtest.ConstraintFiltered(), "", true},
		"by its message":                   {llmtest.Status(422, "JSON_SCHEMA is not supported here"), "", true},
		"inside a 200":                     {raw(`{"error":{"code":400,"message":"no structured outputs"}}`), "", true},
		"no format was sent":               {llmtest.UnsupportedFormat(), llm.FormatText, false},
		"no provider is left for the rest": {llmtest.ConstraintFiltered(), llm.FormatText, false},
		"another parameter":                {llmtest.UnsupportedTemperature(), "", false},
		"another parameter, with words":    {raw400(`{"error":{"message":"with json_schema","param":"seed"}}`), "", false},
		"an unknown model":                 {llmtest.InvalidModel(), "", false},
		"a server's failure":               {llmtest.Status(500, "json_schema"), "", false},
		"no permission":                    {llmtest.Status(403, "json_schema"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := fullRequest()
			req.Format = tc.format
			client := open(t, openrouter.Config{BaseURL: llmtest.New(t, tc.step).URL(), Dialect: openrouter.OpenRouter()})
			_, err := client.Complete(t.Context(), req)
			var failure *llm.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tc.rejected, failure.FormatRejected)
		})
	}
	_, err := open(t, openrouter.Config{BaseURL: llmtest.New(t, llmtest.ConstraintFiltered()).URL()}).Complete(t.Context(), ask("q"))
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	require.False(t, failure.FormatRejected, "there was no schema")
}

func raw400(body string) llmtest.Step { return llmtest.Step{Status: 400, Pieces: []string{body}} }

func TestLadderFindsWhatTheEndpointTakes(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t, llmtest.UnsupportedFormat(), llmtest.ConstraintFiltered(), llmtest.Answer("{}"))
	ladder := llm.NewLadder(open(t, openrouter.Config{BaseURL: server.URL(), Dialect: openrouter.OpenRouter()}))
	for range 2 {
		_, err := ladder.Complete(t.Context(), fullRequest())
		require.NoError(t, err)
	}
	require.Len(t, server.Requests(), 4, "three to learn, one to use it")
	require.NotContains(t, string(server.Requests()[3].Body), "response_format")
	require.Contains(t, server.Requests()[3].Messages[0].Content, `{"type":"object"`)
}

func TestAnErrorInsideAnAnswerSaysThatPartCame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		step    llmtest.Step
		partial bool
	}{
		"streamed":      {llmtest.StreamError("{", `"429"`), true},
		"one document":  {llmtest.Error200C(), true},
		"nothing came":  {llmtest.Error200A(), false},
		"null choices":  {llmtest.Error200B(), false},
		"no 200 at all": {llmtest.RateLimited(""), false},
		"reasoning alone": {
			events(`{"model":"test/model","choices":[{"delta":{"reasoning":"hm"}}]}`, `{"error":{"code":429,"message":"late"}}`), true,
		},
	} {
		_, err := open(t, openrouter.Config{BaseURL: llmtest.New(t, tc.step).URL()}).Complete(t.Context(), ask("q"))
		var failure *llm.Error
		require.ErrorAs(t, err, &failure, name)
		require.Equal(t, tc.partial, failure.Partial, name)
	}
}

func TestPricesAndContextsOfTheModelList(t *testing.T) {
	t.Parallel()
	models := []openrouter.ModelInfo{
		{ID: "a", ContextLength: 8191, PromptUSD: price("0.00003"), CompletionUSD: price("0.00006"), RequestUSD: price("0.01")},
		{ID: "router"},
		{ID: "free", PromptUSD: price("0"), CompletionUSD: price("0")},
	}
	prices := openrouter.Prices(models)
	require.Len(t, prices, 2)
	require.Equal(t, "30", prices["a"].PromptUSD.String())
	require.Equal(t, "60", prices["a"].CompletionUSD.String())
	require.Equal(t, "0.01009", prices["a"].Cost(1, 1).String())
	require.True(t, prices["free"].Cost(100, 100).Equal(decimal.Zero))
	require.Equal(t, map[string]int{"a": 8191}, openrouter.Contexts(models))
}

// What a budget may not charge: a server that was never reached.
func TestARefusedConnectionCostsNothing(t *testing.T) {
	t.Parallel()
	server := llmtest.New(t)
	url := server.URL()
	server.Close()
	budget, err := llm.NewBudget(llm.BudgetConfig{
		Client: open(t, openrouter.Config{BaseURL: url}), Ledger: llm.NewMemoryLedger(), Daily: llm.Limits{Tokens: 1_000_000},
	})
	require.NoError(t, err)
	req := ask("q")
	req.MaxTokens = 10
	_, err = budget.Complete(t.Context(), req)
	require.Error(t, err)
	balance, err := budget.Balance(t.Context(), "")
	require.NoError(t, err)
	require.Zero(t, balance.Spent.Tokens)
}
