package decision_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/llm"
)

// peerAnswer is a sound answer for BTCUSDT alone, with parts replaced.
func peerAnswer(t *testing.T, replace ...string) string {
	t.Helper()
	b, err := json.Marshal(dt.Propose(dt.Buy("BTCUSDT", "100")).Decision)
	require.NoError(t, err)
	text := string(b)
	for i := 0; i+1 < len(replace); i += 2 {
		require.Contains(t, text, replace[i], "the test replaces nothing")
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return text
}

func peerDecode(content string) (decision.Answer, error) {
	return decision.DecodeAnswer(llm.Response{Content: content, FinishReason: llm.FinishStop}, []string{"BTCUSDT"})
}

// Each is a guess that a peer makes about a model's answer, named after what
// it then trades. None of them is made here: the answer is refused, or taken as
// it stands where it was sound.
func TestPeer_GuessesAboutAnswersAreNotMade(t *testing.T) {
	t.Parallel()
	sell := peerAnswer(t, `"buy"`, `"sell"`)
	buy := peerAnswer(t)
	for name, content := range map[string]string{
		"the first of two objects is traded":                     sell + "\n" + buy,
		"the first of two fences is traded":                      "```json\n" + sell + "\n```\n```json\n" + buy + "\n```",
		"draft and final: the draft is traded":                   "draft: " + sell + " final: " + buy,
		"an object is cut out of prose":                          "I would do this: " + buy,
		"words behind the object are ignored":                    buy + "\nDo NOT execute the above.",
		"an unfinished object is closed":                         buy[:len(buy)-40],
		"a stop of 65000 cut to 65 is traded":                    peerAnswer(t, `"sl_price":97`, `"sl_price":9`)[:strings.Index(peerAnswer(t, `"sl_price":97`, `"sl_price":9`), `"sl_price":9`)+len(`"sl_price":9`)],
		"a missing stop becomes 0":                               peerAnswer(t, `"sl_price":97,`, ``),
		"null becomes 0":                                         peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":null`),
		"a number in quotes is read":                             peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":"100"`),
		"1,000 becomes 1":                                        peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":"1,000"`),
		"1k becomes 1":                                           peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":1k`),
		"a range becomes its first number":                       peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":100~120`),
		"a product becomes its first factor":                     peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":100*2`),
		"hexadecimal becomes 0":                                  peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":0x64`),
		"NaN passes range checks":                                peerAnswer(t, `"confidence":70`, `"confidence":NaN`),
		"Infinity passes as a take profit":                       peerAnswer(t, `"tp_price":107.5`, `"tp_price":Infinity`),
		"1e-400 becomes 0":                                       peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":1e-400`),
		"a placeholder becomes null":                             peerAnswer(t, `"tp_price":107.5`, `"tp_price":"N/A"`),
		"the last of two equal keys wins":                        peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":100,"allocation_usd":1000`),
		"a key in another case is taken":                         peerAnswer(t, `"allocation_usd"`, `"Allocation_USD"`),
		"an unknown key is dropped":                              peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":100,"leverage":50`),
		"long means buy":                                         peerAnswer(t, `"buy"`, `"long"`),
		"BUY means buy":                                          peerAnswer(t, `"buy"`, `"BUY"`),
		"BTC means BTCUSDT":                                      peerAnswer(t, `"BTCUSDT"`, `"BTC"`),
		"a lower-case symbol is a second asset":                  peerAnswer(t, `"BTCUSDT"`, `"btcusdt"`),
		"confidence 0.7 becomes 70, or 7000 passes":              peerAnswer(t, `"confidence":70`, `"confidence":7000`),
		"the total is corrected":                                 peerAnswer(t, `"total_allocation_usd":100`, `"total_allocation_usd":90`),
		"single quotes are turned":                               strings.ReplaceAll(buy, `"`, `'`),
		"typographic quotes are turned":                          strings.Replace(buy, `"decisions"`, "“decisions”", 1),
		"comments are dropped":                                   peerAnswer(t, `"allocation_usd":100`, `"allocation_usd":100 /* was 1000 */`),
		"a trailing comma is dropped":                            strings.Replace(buy, `}]`, `},]`, 1),
		"an ellipsis is dropped":                                 strings.Replace(buy, `}]`, `}, ...]`, 1),
		"a wrapper is opened":                                    `{"result":` + buy + `}`,
		"a list is taken for the object":                         `[` + buy + `]`,
		"a string is decoded twice":                              func() string { b, _ := json.Marshal(buy); return string(b) }(), //nolint:errchkjson // a string
		"an unterminated think block is dropped with the answer": "<think>" + buy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := peerDecode(content)
			var bad *decision.AnswerError
			require.ErrorAs(t, err, &bad)
			require.Empty(t, answer.Decision.Decisions, "nothing of a refused answer is left to trade")
		})
	}
}

// What peers break in answers that were sound.
func TestPeer_SoundAnswersAreNotBroken(t *testing.T) {
	t.Parallel()
	for name, rationale := range map[string]string{
		"a thousands separator in prose":   "Resistance at 71,200 held.",
		"a tilde and a percent sign":       "Up ~2% since the open.",
		"typographic quotes":               "The “cloud” is below.",
		"the words Thinking: and Answer:":  "Thinking: long. Answer: yes.",
		"a fence inside a string":          "As in ```json``` blocks.",
		"an end tag inside a string":       "no </think> here",
		"a brace and a bracket":            "range {97; 108] holds",
		"an escaped quote with a decision": `he said "{\"action\":\"sell\"}"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dt.Buy("BTCUSDT", "100")
			d.Rationale = rationale
			b, err := json.Marshal(dt.Propose(d).Decision)
			require.NoError(t, err)
			answer, err := peerDecode("```json\n" + string(b) + "\n```")
			require.NoError(t, err)
			require.Equal(t, rationale, answer.Decision.Decisions[0].Rationale)
			require.Equal(t, decision.ActionBuy, answer.Decision.Decisions[0].Action)
		})
	}
}

// vibex trades the draft inside the think block.
func TestPeer_TheAnswerBehindTheThinkBlockCounts(t *testing.T) {
	t.Parallel()
	answer, err := peerDecode("<think>maybe " + peerAnswer(t, `"buy"`, `"sell"`) + "</think>\n" + peerAnswer(t))
	require.NoError(t, err)
	require.Equal(t, decision.ActionBuy, answer.Decision.Decisions[0].Action)
	require.NotEmpty(t, answer.Normalised)
}
