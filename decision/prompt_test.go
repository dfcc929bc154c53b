package decision_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/marketdata"
)

var promptUpdate = flag.Bool("update", false, "write the golden files anew")

func TestPromptGolden(t *testing.T) {
	t.Parallel()
	for _, id := range decision.StrategyIDs() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			messages, err := decision.Prompt(promptInput(t, id))
			require.NoError(t, err)
			require.Equal(t, llm.RoleSystem, messages[0].Role)
			require.Equal(t, llm.RoleUser, messages[1].Role)
			got := messages[0].Content + "\n=== user ===\n" + messages[1].Content + "\n"
			file := filepath.Join("testdata", "prompt_"+id+".golden")
			if *promptUpdate {
				require.NoError(t, os.MkdirAll("testdata", 0o750))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

func TestPromptStaticPartComesFirst(t *testing.T) {
	t.Parallel()
	first, err := decision.Prompt(promptInput(t, "swing_perps"))
	require.NoError(t, err)
	second, err := decision.Prompt(promptInput(t, "dca_hedge"))
	require.NoError(t, err)
	static, _, found := strings.Cut(first[0].Content, "# Strategy\n")
	require.True(t, found)
	require.Greater(t, len(static), 4000)
	require.True(t, strings.HasPrefix(second[0].Content, static+"# Strategy\n"))
}

func TestPromptShowsNothingThatIdentifiesOrInstructs(t *testing.T) {
	t.Parallel()
	in := promptInput(t, "swing_perps")
	in.Account.Positions[0].Symbol = "币安人生USDT"
	in.Strategy.Prompt = "Account {{.Account.ID}}."
	text, _ := promptOf(t, in)
	require.NotContains(t, text, "alice")
	require.NotContains(t, text, "IGNORE")
	require.NotContains(t, text, "币")
	require.Contains(t, text, `"a symbol that cannot be shown"`)
	require.Contains(t, text, "Account .")
}

// TestPeer_PlaceholdersStayUnfilled guards against prompts that reach the
// model with their placeholders (prior art W14).
func TestPeer_PlaceholdersStayUnfilled(t *testing.T) {
	t.Parallel()
	for _, id := range decision.StrategyIDs() {
		text, _ := promptOf(t, promptInput(t, id))
		require.NotContains(t, text, "{{", id)
		require.NotContains(t, text, "<no value>", id)
		require.NotRegexp(t, `\{[a-z_]+\}`, text, id)
	}
}

// TestPeer_SubCentPricesBecomeZero guards against prices of two decimals
// (prior art W15).
func TestPeer_SubCentPricesBecomeZero(t *testing.T) {
	t.Parallel()
	text, data := promptOf(t, promptInput(t, "swing_perps"))
	require.NotRegexp(t, `[0-9]e-?[0-9]`, text, "plain notation only")
	pepe := data["assets"].([]any)[1].(map[string]any)
	require.Equal(t, json.Number("0.00001234"), pepe["last"])
	lists := pepe["candles"].(map[string]any)["15m"].(map[string]any)
	for _, name := range []string{"close", "ema_20", "bollinger_upper", "bollinger_lower", "atr_14"} {
		values := lists[name].([]any)
		require.Len(t, values, 10, name)
		for _, v := range values {
			require.Positive(t, promptDecimal(v.(json.Number).String()).Sign(), name)
		}
	}
	require.NotEqual(t, lists["bollinger_upper"], lists["bollinger_lower"])
	for _, v := range lists["ema_20"].([]any) {
		_, decimals, _ := strings.Cut(v.(json.Number).String(), ".")
		require.Len(t, decimals, 10, "two more than the price has")
	}
}

// TestPeer_WrongNumbersShown guards against figures that mean something else
// than their label (prior art W16).
func TestPeer_WrongNumbersShown(t *testing.T) {
	t.Parallel()
	in := promptInput(t, "swing_perps")
	_, data := promptOf(t, in)
	bitcoin := data["assets"].([]any)[0].(map[string]any)
	require.Equal(t, json.Number("-1.25"), bitcoin["change_24h_percent"], "the source's own 24 hours")
	require.Equal(t, json.Number("123456789.5"), bitcoin["quote_volume_24h"], "quote, not base units")
	require.Equal(t, json.Number("1"), bitcoin["funding_bps"])
	require.Equal(t, json.Number("8"), bitcoin["funding_interval_hours"])
	require.Equal(t, json.Number("9876.5"), bitcoin["open_interest_base"])

	asset := in.Market.Assets["BTCUSDT"]
	asset.Quote = marketdata.Quote{Last: asset.Quote.Last, LastAt: asset.Quote.LastAt}
	asset.Instrument = nil
	in.Market.Assets["BTCUSDT"] = asset
	_, data = promptOf(t, in)
	bitcoin = data["assets"].([]any)[0].(map[string]any)
	for _, name := range []string{"change_24h_percent", "quote_volume_24h", "mark", "funding_bps", "open_interest_base", "tick_size"} {
		require.Nil(t, bitcoin[name], "%s is unknown, not zero", name)
	}
}

func TestPromptShowsEveryLimit(t *testing.T) {
	t.Parallel()
	in := promptInput(t, "swing_perps")
	_, data := promptOf(t, in)
	limits := data["limits"].(map[string]any)
	for name, want := range map[string]any{
		"halted": false, "stop_required": true, "max_position_size_usd": json.Number("2500"),
		"max_risk_per_trade_percent": json.Number("1.5"), "max_loss_per_trade_usd": json.Number("150"),
		"max_daily_loss_percent": json.Number("5"), "daily_loss_limit_usd": json.Number("-500.5"),
		"pnl_today_usd": json.Number("-2.7"), "max_leverage": json.Number("5"), "max_positions": json.Number("3"),
		"open_positions": json.Number("2"), "free_positions": json.Number("1"), "max_margin_percent_of_balance": json.Number("80"),
		"max_asset_margin_percent_of_balance": json.Number("80"), "cooldown_seconds": json.Number("300"), "funding_limit_bps": json.Number("8"),
		"weigh_funding_from_bps": json.Number("8"), "liquidation_buffer": json.Number("0.15"), "min_confidence": nil,
		"total_new_allocation_usd": json.Number(in.Envelope.TotalUSD.String()),
	} {
		require.Contains(t, limits, name)
		require.Equal(t, want, limits[name], name)
	}
	assets := data["assets"].([]any)
	pepe := assets[1].(map[string]any)
	require.Equal(t, json.Number("290"), pepe["cooldown_left_seconds"])
	require.Equal(t, "cooldown", pepe["long_limited_by"])
	require.NotContains(t, assets[0], "cooldown_left_seconds")
	eth := assets[2].(map[string]any)
	require.Equal(t, "stale", eth["failure"])
	require.Equal(t, []any{"hold"}, eth["allowed_actions"])
	require.NotContains(t, eth, "last")

	custom := decision.NewPromptBuilder(decision.Exposure{WarnPercent: 10, MaxPercent: 20})
	messages, err := custom.Build(in)
	require.NoError(t, err)
	limits = promptData(t, messages)["limits"].(map[string]any)
	require.Equal(t, json.Number("20"), limits["max_margin_percent_of_balance"])
	require.NotContains(t, limits, "max_asset_margin_percent_of_balance", "no such rule, no such limit")
}

func TestPromptShowsAllPositionsInOrder(t *testing.T) {
	t.Parallel()
	in := promptInput(t, "swing_perps")
	text, data := promptOf(t, in)
	positions := data["positions"].([]any)
	require.Len(t, positions, 2)
	require.Equal(t, "BTCUSDT", positions[0].(map[string]any)["asset"], "requested ones first")
	require.Equal(t, true, positions[0].(map[string]any)["requested"])
	require.Equal(t, json.Number("63000"), positions[0].(map[string]any)["sl_price"])
	require.Equal(t, "SOLUSDT", positions[1].(map[string]any)["asset"])
	require.Equal(t, false, positions[1].(map[string]any)["requested"])
	require.Equal(t, json.Number("-2.7"), positions[1].(map[string]any)["unrealized_pnl_usd"])

	in.Account.Positions[0], in.Account.Positions[1] = in.Account.Positions[1], in.Account.Positions[0]
	again, _ := promptOf(t, in)
	require.Equal(t, text, again, "the host's order does not matter")
}

func TestPromptRejectsWhatIsNotASymbol(t *testing.T) {
	t.Parallel()
	for _, symbol := range []string{
		"", "B", "btcusdt", "BTC USDT", "BTC\nUSDT", "ВТСUSDT", "BTC-", "-USD", "BTC-USD-X", "BTC-U", strings.Repeat("A", 21), "BTC-" + strings.Repeat("A", 11), `A"}`,
	} {
		in := promptInput(t, "swing_perps")
		in.Symbols = []string{symbol}
		_, err := decision.Prompt(in)
		require.ErrorContains(t, err, "decision: prompt: symbol", symbol)
	}
}

func TestPromptReportsWhatItCannotShow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(in *decision.Input)
		message string
	}{
		"no symbols":         {func(in *decision.Input) { in.Symbols = nil }, "at least 1"},
		"no envelope":        {func(in *decision.Input) { in.Envelope.Assets = nil }, "BTCUSDT has no envelope"},
		"look-ahead":         {func(in *decision.Input) { in.At = in.At.Add(-time.Hour) }, "after the decision"},
		"hostile exponent":   {func(in *decision.Input) { in.Account.BalanceUSD = decimal.New(1, 100) }, "balance_usd has an exponent"},
		"unknown field":      {func(in *decision.Input) { in.Strategy.Prompt = "{{.Nope}}" }, "strategy:"},
		"broken template":    {func(in *decision.Input) { in.Strategy.Prompt = "{{" }, "strategy: template:"},
		"endless template":   {func(in *decision.Input) { in.Strategy.Prompt = `{{range .Symbols}}{{printf "%9000d" 1}}{{end}}` }, "longer than 16 KiB"},
		"misaligned figures": {promptMisalign, "indicators are of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := promptInput(t, "swing_perps")
			c.change(&in)
			_, err := decision.Prompt(in)
			require.ErrorContains(t, err, c.message)
		})
	}
}

func promptMisalign(in *decision.Input) {
	set := in.Indicators["BTCUSDT"][marketdata.Interval15m]
	set.CloseTime = set.CloseTime.Add(-15 * time.Minute)
	in.Indicators["BTCUSDT"][marketdata.Interval15m] = set
}

func TestPromptWithoutIndicatorsShowsCandles(t *testing.T) {
	t.Parallel()
	in := promptInput(t, "swing_perps")
	delete(in.Indicators, "BTCUSDT")
	in.LongInterval = in.Interval
	_, data := promptOf(t, in)
	candles := data["assets"].([]any)[0].(map[string]any)["candles"].(map[string]any)
	require.Len(t, candles, 1, "the same interval once")
	require.NotContains(t, candles["15m"], "ema_20")
	require.Len(t, candles["15m"].(map[string]any)["close"], 10)
	require.Equal(t, "2026-03-04T12:00:00Z", candles["15m"].(map[string]any)["closed_at"])
}

func TestPromptBuilderCachesNothingThatChanges(t *testing.T) {
	t.Parallel()
	builder := decision.NewPromptBuilder()
	base := promptInput(t, "swing_perps")
	changed := promptInput(t, "swing_perps")
	changed.Market.Assets["BTCUSDT"] = promptAsset(t, "BTCUSDT", "66000.1", "0.1") // other candles, same close time
	promptIndicate(t, &changed)
	otherFigures := promptInput(t, "swing_perps")
	set := otherFigures.Indicators["BTCUSDT"][marketdata.Interval15m].Tail(decision.IndicatorDepth)
	set.RSI14[9] = 12.34
	otherFigures.Indicators["BTCUSDT"][marketdata.Interval15m] = set
	otherStrategy := promptInput(t, "dca_hedge")

	var wait sync.WaitGroup
	for range 4 {
		for _, in := range []decision.Input{base, changed, otherFigures, otherStrategy} {
			wait.Go(func() {
				got, err := builder.Build(in)
				promptAssert(t, in, got, err)
			})
		}
	}
	wait.Wait()
}

func promptAssert(t *testing.T, in decision.Input, got []llm.Message, err error) {
	t.Helper()
	want, plainErr := decision.Prompt(in)
	if err != nil || plainErr != nil || want[0] != got[0] || want[1] != got[1] {
		t.Errorf("a cached prompt differs from a fresh one: %v, %v", err, plainErr)
	}
}

func TestPromptBuilderNoticesEveryLine(t *testing.T) {
	t.Parallel()
	builder := decision.NewPromptBuilder()
	base := promptInput(t, "swing_perps")
	before, err := builder.Build(base)
	require.NoError(t, err)
	original := base.Indicators["BTCUSDT"][marketdata.Interval15m]
	for i, line := range original.Lines() {
		changed := original.Tail(decision.IndicatorDepth)
		(*changed.Lines()[i].Line)[decision.IndicatorDepth-1] = 4321
		base.Indicators["BTCUSDT"][marketdata.Interval15m] = changed
		after, err := builder.Build(base)
		require.NoError(t, err)
		require.NotEqual(t, before[1], after[1], line.Name)
	}
}

func TestPromptWritesDecimalsAsTheyAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-25, 10).Draw(t, "exponent"))
		in := decision.Input{
			At: promptAt(), Symbols: []string{"BTCUSDT"}, Account: decision.Account{AvailableUSD: want},
			Envelope: decision.Envelope{Assets: []decision.AssetEnvelope{{Asset: "BTCUSDT"}}},
		}
		messages, err := decision.Prompt(in)
		require.NoError(t, err)
		require.Contains(t, messages[1].Content, `"available_usd":`+want.String()+`,`)
	})
}

func TestPromptBuilderStaysBounded(t *testing.T) {
	t.Parallel()
	builder := decision.NewPromptBuilder()
	in := promptInput(t, "swing_perps")
	for i := range 600 { // more than it keeps of either
		in.Strategy.Prompt = "{{.Interval}} " + strings.Repeat("x", i)
		set := in.Indicators["BTCUSDT"][marketdata.Interval15m].Tail(decision.IndicatorDepth)
		set.RSI14[9] = float64(i) / 10
		in.Indicators["BTCUSDT"][marketdata.Interval15m] = set
		got, err := builder.Build(in)
		promptAssert(t, in, got, err)
	}
}

func BenchmarkPrompt(b *testing.B) {
	in := promptInput(b, "swing_perps")
	in.Account.LastEntryAt = nil
	in.Symbols = nil
	for i := range 10 {
		symbol := "COIN" + string(rune('A'+i)) + "USDT"
		in.Symbols = append(in.Symbols, symbol)
		in.Market.Assets[symbol] = promptAsset(b, symbol, "65000.1", "0.1")
	}
	promptIndicate(b, &in)
	in.Envelope = decision.DefaultRules().Envelope(in)
	builder := decision.NewPromptBuilder()
	for name, build := range map[string]func(decision.Input) ([]llm.Message, error){"warm": builder.Build, "cold": decision.Prompt} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := build(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPromptBuilderKeepsTheSchemaOfASetOfSymbols(t *testing.T) {
	t.Parallel()
	b := decision.NewPromptBuilder()
	symbols := []string{"BTCUSDT", "ETHUSDT"}
	require.Equal(t, string(decision.AnswerSchema(symbols)), string(b.Schema(symbols)))
	first, again := b.Schema(symbols), b.Schema(symbols)
	require.Same(t, &first[0], &again[0])
	require.NotEqual(t, string(b.Schema(symbols)), string(b.Schema(symbols[:1])))
}
