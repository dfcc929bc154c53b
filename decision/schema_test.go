package decision_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
)

// schemaCompile is a validator of answers about these symbols.
func schemaCompile(tb testing.TB, symbols []string) func(content string) error {
	tb.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(decision.AnswerSchema(symbols))))
	require.NoError(tb, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(tb, compiler.AddResource("answer.json", document))
	schema, err := compiler.Compile("answer.json")
	require.NoError(tb, err)
	return func(content string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(content))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
}

func TestAnswerSchemaHoldsOnlyWhatStrictModesSupport(t *testing.T) {
	t.Parallel()
	var document map[string]any
	require.NoError(t, json.Unmarshal(decision.AnswerSchema(parseSymbols()), &document))
	objects := 0
	schemaWalk(document, func(node map[string]any) {
		for keyword := range node {
			require.Contains(t, []string{"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description"}, keyword)
		}
		if node["type"] != "object" {
			return
		}
		objects++
		require.Equal(t, false, node["additionalProperties"])
		properties := node["properties"].(map[string]any)
		require.Len(t, node["required"], len(properties))
		for _, name := range node["required"].([]any) {
			require.Contains(t, properties, name)
			require.NotEmpty(t, properties[name.(string)].(map[string]any)["description"], name)
		}
	})
	require.Equal(t, 4, objects)
	require.Regexp(t, `^[A-Za-z0-9_-]{1,64}$`, decision.AnswerSchemaName)
}

// schemaWalk visits every schema in a document.
func schemaWalk(node map[string]any, visit func(map[string]any)) {
	visit(node)
	if below, ok := node["items"].(map[string]any); ok {
		schemaWalk(below, visit)
	}
	properties, _ := node["properties"].(map[string]any)
	for _, below := range properties {
		schemaWalk(below.(map[string]any), visit)
	}
	alternatives, _ := node["anyOf"].([]any)
	for _, below := range alternatives {
		schemaWalk(below.(map[string]any), visit)
	}
}

func TestAnswerSchemaAsksForReasonsFirst(t *testing.T) {
	t.Parallel()
	text := string(decision.AnswerSchema(parseSymbols()))
	last := -1
	for _, name := range []string{"portfolio_rationale", "decisions", "asset", "rationale", "action", "allocation_usd", "confidence", "total_allocation_usd"} {
		at := strings.Index(text, `"`+name+`":{`)
		require.Greater(t, at, last, name)
		last = at
	}
	require.Contains(t, text, "the notional of the position to open (price x quantity); the margin that it ties up is allocation / leverage")
}

func TestAnswerSchemaIsTheSameForTheSameSymbols(t *testing.T) {
	t.Parallel()
	symbols := []string{"ETHUSDT", "BTCUSDT"}
	require.Equal(t, string(decision.AnswerSchema([]string{"BTCUSDT", "ETHUSDT"})), string(decision.AnswerSchema(symbols)))
	require.Equal(t, []string{"ETHUSDT", "BTCUSDT"}, symbols, "the caller's order stays")
	require.Contains(t, string(decision.AnswerSchema(symbols)), `"enum":["BTCUSDT","ETHUSDT"]`)
	require.Contains(t, string(decision.AnswerSchema([]string{`a"b`})), `"enum":["a\"b"]`)
}

// TestAnswerSchemaAgreesWithTheDecoder changes one thing in a good answer:
// what the schema refuses, the decoder refuses too, and what is wrong only in
// structure is refused by both. Bounds and sums are the decoder's alone.
func TestAnswerSchemaAgreesWithTheDecoder(t *testing.T) {
	t.Parallel()
	valid := schemaCompile(t, parseSymbols())
	require.NoError(t, valid(parseGood))
	for name, c := range map[string]struct {
		from, to       string
		schema, decode bool
	}{
		"number as string":      {`"allocation_usd":100`, `"allocation_usd":"100"`, false, false},
		"null number":           {`"confidence":80`, `"confidence":null`, false, false},
		"unknown action":        {`"buy"`, `"long"`, false, false},
		"unknown risk":          {`"risk_level":"low"`, `"risk_level":"none"`, false, false},
		"unrequested asset":     {`"asset":"ETHUSDT"`, `"asset":"DOGEUSDT"`, false, false},
		"missing member":        {`"exit_plan":"",`, ``, false, false},
		"extra member":          {`"action":"buy"`, `"action":"buy","leverage":3`, false, false},
		"case variant":          {`"action":"buy"`, `"Action":"buy"`, false, false},
		"null price":            {`"tp_price":72000`, `"tp_price":null`, true, true},
		"price as string":       {`"tp_price":72000`, `"tp_price":"72000"`, false, false},
		"empty adjustment":      {`"position_adjustment":null`, `"position_adjustment":{}`, false, false},
		"adjustment as array":   {`"order_adjustment":null`, `"order_adjustment":[]`, false, false},
		"decisions as object":   {`"decisions":[`, `"decisions":{"a":[`, false, false},
		"exponent":              {`"confidence":80`, `"confidence":8e1`, true, true},
		"bound":                 {`"confidence":80`, `"confidence":101`, true, false},
		"negative":              {`"confidence":80`, `"confidence":-1`, true, false},
		"sum":                   {`"total_allocation_usd":100`, `"total_allocation_usd":99`, true, false},
		"tolerated by decoding": {`"action":"buy"`, `"analysis":1,"action":"buy"`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := parseWith(t, c.from, c.to)
			_, err := decision.DecodeAnswer(parseStop(content), parseSymbols())
			require.Equal(t, c.decode, err == nil, fmt.Sprint(err))
			err = valid(content)
			require.Equal(t, c.schema, err == nil, fmt.Sprint(err))
		})
	}
}

func TestAnswerSchemaAcceptsWhateverIsDecoded(t *testing.T) {
	t.Parallel()
	symbols := []string{"BTCUSDT", "ETHUSDT"}
	valid := schemaCompile(t, symbols)
	rapid.Check(t, func(t *rapid.T) {
		data, err := parseDraw(t, symbols).MarshalJSON()
		require.NoError(t, err)
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &members))
		delete(members, "timestamp") // the engine's, not the model's
		schemaMutate(t, members)
		content, err := json.Marshal(members)
		require.NoError(t, err)
		if _, err := decision.DecodeAnswer(parseStop(string(content)), symbols); err == nil {
			require.NoError(t, valid(string(content)))
		}
	})
}

// schemaMutate sometimes breaks one member.
func schemaMutate(t *rapid.T, members map[string]json.RawMessage) {
	name := rapid.SampledFrom([]string{"", "decisions", "portfolio_rationale", "total_allocation_usd", "portfolio_risk_level", "surprise"}).Draw(t, "broken")
	if name == "" {
		return
	}
	if rapid.Bool().Draw(t, "left out") {
		delete(members, name)
		return
	}
	members[name] = json.RawMessage(rapid.SampledFrom([]string{`null`, `0`, `"low"`, `true`, `[]`, `{}`, `[null]`, `[{}]`}).Draw(t, "value"))
}

func BenchmarkAnswerSchema(b *testing.B) {
	_, symbols := parseTen()
	b.ReportAllocs()
	for b.Loop() {
		decision.AnswerSchema(symbols)
	}
}
