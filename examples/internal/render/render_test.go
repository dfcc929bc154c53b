package render_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/examples/internal/render"
	"github.com/ballast-go/ballast/llm"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to make it")
	require.Equal(t, string(want), text)
}

// everything is a decision with each kind of action, note and price.
func everything() render.Decision {
	in := decisiontest.Input("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")
	long := strings.Repeat("The trend holds above support while volume confirms it. ", 3)
	buy := decisiontest.Buy("BTCUSDT", "1500.5")
	buy.Rationale = long
	return render.Decision{
		Record: decision.Record{Input: in},
		Scores: []decision.Assessment{{Symbol: "BTCUSDT", Long: decision.Score{Score: 25}, Short: decision.Score{Score: 100}}},
		Result: decision.Result{
			ID: "0123", Origin: decision.OriginModel, Model: "x-ai/grok-4", At: decisiontest.At(),
			Usage: llm.Usage{PromptTokens: 1200, CompletionTokens: 340, CostUSD: decisiontest.Null("0.0123")},
			Decision: decision.Decision{
				PortfolioRationale: long, TotalAllocationUSD: decisiontest.D("1500.5"), PortfolioRiskLevel: decision.RiskMedium,
				Decisions: []decision.AssetDecision{
					buy,
					{Asset: "ETHUSDT", Action: decision.ActionHold, Rationale: "not covered by the proposal", RiskLevel: decision.RiskHigh},
					{
						Asset: "SOLUSDT", Action: decision.ActionAdjustPosition, Rationale: "Take some off.", Confidence: decisiontest.D("62.5"),
						PositionAdjustment: &decision.PositionAdjustment{
							Type: decision.AdjustDecrease, AmountUSD: decisiontest.D("250.125"), NewSLPrice: decisiontest.Null("181.25"),
						},
					},
					{
						Asset: "XRPUSDT", Action: decision.ActionAdjustOrders, Rationale: "Stop up, no target.", Confidence: decisiontest.D("80"),
						OrderAdjustment: &decision.OrderAdjustment{AdjustSL: true, CancelTP: true, NewSLPrice: decisiontest.Null("2.41")},
					},
					{Asset: "DOGEUSDT", Action: decision.ActionClosePosition, Rationale: "Thesis broken.", Confidence: decisiontest.D("90")},
				},
			},
			Refused: []decision.Refusal{{Asset: "ETHUSDT", Was: decisiontest.Buy("ETHUSDT", "90000"), Violations: []decision.Violation{
				{Rule: "position_size", Asset: "ETHUSDT", Message: "90000 USD is above 10000 USD"},
				{Rule: "available_capital", Asset: "ETHUSDT", Message: "needs 45000 USD, 10000 USD are free"},
			}}},
			Warnings: []decision.Violation{{Rule: "exposure", Message: "61 % of the balance"}, {Rule: "funding", Asset: "BTCUSDT", Message: "4 bps"}},
			Degraded: []string{"SOLUSDT: last price is a candle's close", "model: one asset missing"},
		},
	}
}

func TestDecisionTable(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]render.Style{
		"wide.txt": {}, "narrow.txt": {Width: 80}, "tiny.txt": {Width: 40}, "color.txt": {Width: 140, Color: true},
	} {
		var b bytes.Buffer
		require.NoError(t, everything().Write(&b, style))
		golden(t, name, b.String())
		if style.Color {
			require.Contains(t, b.String(), "\x1b[32mbuy\x1b[0m")
			continue
		}
		require.NotContains(t, b.String(), "\x1b")
		requireFits(t, b.String(), style)
	}
}

func requireFits(t *testing.T, out string, style render.Style) {
	t.Helper()
	limit := style.Width
	if limit == 0 {
		limit = 120
	}
	for line := range strings.SplitSeq(out, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), limit, out)
	}
}

func TestEverythingFitsNarrowTerminals(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 60, 79, 80, 100} {
		style := render.Style{Width: width}
		var decided, scored, listed, shown bytes.Buffer
		require.NoError(t, everything().Write(&decided, style))
		require.NoError(t, render.Scores(&scored, scores(), nil, style))
		require.NoError(t, render.Strategies(&listed, []decision.Strategy{decisiontest.Strategy()}, style))
		require.NoError(t, render.Strategy(&shown, decisiontest.Strategy(), style))
		for _, out := range []string{decided.String(), scored.String(), listed.String(), shown.String()} {
			requireFits(t, out, style)
		}
		require.Contains(t, decided.String(), "1500.50 USD")
		require.Contains(t, scored.String(), "72.31: +20")
		require.Contains(t, listed.String(), decisiontest.Strategy().ID)
	}
}

func TestColoursPaintNoEmptyText(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 80, 140} {
		var b bytes.Buffer
		require.NoError(t, everything().Write(&b, render.Style{Width: width, Color: true}))
		require.Contains(t, b.String(), "\x1b[2mrationale\x1b[0m")
		require.NotContains(t, b.String(), "\x1b[2m\x1b[0m")
	}
}

func TestARefusalIsSaidOnceAndAWholeProposalsToo(t *testing.T) {
	t.Parallel()
	d := everything()
	whole := decision.Violation{Rule: "available_capital", Message: "95000 USD of 10000 USD"}
	d.Result.Refused[0].Violations[1] = whole
	d.Result.Refused = append(d.Result.Refused, decision.Refusal{
		Asset: "BTCUSDT", Was: decisiontest.Buy("BTCUSDT", "5000"), Violations: []decision.Violation{whole},
	})
	d.Result.Decision.Decisions[1].Rationale = "refused by the risk gate: position_size: 90000 USD is above 10000 USD"
	for _, width := range []int{60, 80, 120} {
		var b bytes.Buffer
		require.NoError(t, d.Write(&b, render.Style{Width: width}))
		text := strings.Join(strings.Fields(b.String()), " ")
		require.Contains(t, text, "refused, see below")
		require.Equal(t, 1, strings.Count(text, "90000 USD is above 10000 USD"), text)
		require.Equal(t, 1, strings.Count(text, "95000 USD of 10000 USD"), text)
		require.Contains(t, text, "ETHUSDT buy 90000.00 USD, BTCUSDT buy 5000.00 USD: available_capital: 95000 USD of 10000 USD")
	}
}

func TestPositionsThatWereNotAskedAboutAreNamed(t *testing.T) {
	t.Parallel()
	d := everything()
	d.Record.Input.Account.Positions = []decision.Position{
		decisiontest.Position("BTCUSDT", decision.Long, "1"), decisiontest.Position("LTCUSDT", decision.Short, "1"), decisiontest.Position("ADAUSDT", decision.Long, "1"),
	}
	var b bytes.Buffer
	require.NoError(t, d.Write(&b, render.Style{}))
	require.Contains(t, strings.Join(strings.Fields(b.String()), " "), "open positions 3 (not asked about: LTCUSDT, ADAUSDT)")
}

func TestOriginIsSaidForEachWhoCanDecide(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		res  decision.Result
		want string
	}{
		{decision.Result{Origin: decision.OriginFallback, Reason: "no model is configured"}, "technical fallback, because no model is configured"},
		{decision.Result{Origin: decision.OriginHold, Reason: "a; b"}, "nobody, everything is held, because a; b"},
		{decision.Result{Origin: decision.OriginModel, Model: "m"}, "the model m (tokens unknown, cost unknown)"},
	} {
		var b bytes.Buffer
		require.NoError(t, render.Decision{Result: tc.res, Record: decision.Record{Input: decisiontest.Input("BTCUSDT")}}.Write(&b, render.Style{}))
		require.Contains(t, b.String(), "decided by  "+tc.want+"\n")
	}
}

func TestForeignTextIsCleanAndBounded(t *testing.T) {
	t.Parallel()
	d := everything()
	d.Result.Decision.Decisions[0].Rationale = "\x1b[2J\x1b]0;title\x07evil\u202e\r\nline " + strings.Repeat("word ", 10_000)
	d.Result.Decision.PortfolioRationale = "\u009b31m\x00red"
	d.Result.Degraded = []string{"a\x1bb"}
	d.Result.Reason, d.Result.Model = "x\ay", "m\bn"
	d.Result.Refused[0].Violations[0].Message = "no\x1b[1A"
	var b bytes.Buffer
	require.NoError(t, d.Write(&b, render.Style{}))
	require.NotContains(t, b.String(), "\x1b")
	for _, r := range b.String() {
		require.True(t, r == '\n' || r >= ' ' && (r < 0x7f || r > 0x9f) && r != 0x202e, "%U", r)
	}
	require.Less(t, b.Len(), 20_000)
	require.Contains(t, b.String(), "…")
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é € 😀": "plain é € 😀", "a\tb\n\n c ": "a b c", "\x1b[31mred\x1b[0m": "[31mred[0m", "\xff\xfe": "", "zero\u200bwidth": "zerowidth",
		"\u2028sep\u2029": "sep", "": "",
	} {
		require.Equal(t, want, render.Clean(in), "%q", in)
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "a\x1b[0m", "\xff", "\u202e", strings.Repeat("é\n", 99)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := render.Clean(s)
		require.True(t, utf8.ValidString(got))
		require.Equal(t, got, render.Clean(got))
		require.NotContains(t, got, "\n")
		require.NotContains(t, got, "\x1b")
	})
}

type failing struct{}

var errDisk = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errDisk }

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, everything().Write(failing{}, render.Style{}), errDisk)
	require.ErrorIs(t, render.Scores(failing{}, nil, nil, render.Style{}), errDisk)
	require.ErrorIs(t, render.Breakers(failing{}, nil, render.Style{}), errDisk)
	require.ErrorIs(t, render.Strategies(failing{}, nil, render.Style{}), errDisk)
	require.ErrorIs(t, render.Strategy(failing{}, decisiontest.Strategy(), render.Style{}), errDisk)
}

func scores() []decision.Assessment {
	score := decision.Score{Base: 50, Raw: 115, Score: 100, Contributions: decision.Contributions{
		RSI:         decision.Contribution{Input: "72.31", Points: 20, WeightPercent: 30},
		Volatility:  decision.Contribution{Input: "4.10", Points: 15, WeightPercent: 25},
		Trend:       decision.Contribution{Input: "bearish", Points: 20, WeightPercent: 25},
		PriceChange: decision.Contribution{WeightPercent: 20},
	}}
	return []decision.Assessment{
		{Symbol: "SOLUSDT", AsOf: decisiontest.At(), Long: score, Short: score, Degraded: []string{"price_change"}},
		{Symbol: "BTCUSDT", AsOf: decisiontest.At().Add(time.Hour), Long: score, Short: score},
	}
}

func TestScoresShowEachFactorAndWhatIsUnknown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, render.Scores(&b, scores(), []string{"simulated market"}, render.Style{}))
	golden(t, "scores.txt", b.String())
}
