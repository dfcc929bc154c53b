package decision_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

// plainStrategy is a document from before min_reward_risk existed, and
// plainHash the hash that it had then.
const (
	plainStrategy = `{"strategy_id":"plain","strategy_name":"Plain","strategy_type":"custom","description":"d","prompt":"p",` +
		`"risk_parameters":{"max_risk_per_trade":2,"max_daily_loss":5,"stop_loss_percentage":3,"take_profit_ratio":2.5,"max_leverage":10,` +
		`"cooldown_period":600,"max_funding_rate_bps":5,"liquidation_buffer":0.15,"stop_required":true,"min_confidence":null},` +
		`"timeframe_preference":["4h"],"max_positions":3,"position_sizing":"fixed","order_preference":"maker_only",` +
		`"funding_rate_threshold":0.05,"is_active":true}`
	plainHash = "3b6350c2ebbbf5c9c09700a34c06e88467b87a6e52a17478d6ffdf81624b0de7"
)

func readStrategy(t *testing.T, text string) decision.Strategy {
	t.Helper()
	s, err := decision.ReadStrategy(strings.NewReader(text))
	require.NoError(t, err)
	return s
}

func hashOf(t *testing.T, s decision.Strategy) string {
	t.Helper()
	h, err := s.Hash()
	require.NoError(t, err)
	return h
}

func TestMinRewardRiskIsReadWithinItsBounds(t *testing.T) {
	t.Parallel()
	withRatio := func(value string) string {
		return strings.Replace(plainStrategy, `"min_confidence":null`, `"min_confidence":null,"min_reward_risk":`+value, 1)
	}
	for value, want := range map[string]string{"1.5": "1.5", `"2"`: "2", "0.01": "0.01", "100": "100"} {
		s := readStrategy(t, withRatio(value))
		require.True(t, s.Risk.MinRewardRisk.Valid)
		require.Equal(t, want, s.Risk.MinRewardRisk.Decimal.String())
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.Contains(t, string(data), `"min_reward_risk":`+want+`}`)
	}
	for _, value := range []string{"0", "-1", "100.01"} {
		_, err := decision.ReadStrategy(strings.NewReader(withRatio(value)))
		require.EqualError(t, err, `decision: strategy "plain": risk_parameters.min_reward_risk must be above 0 to 100, was `+value)
	}
	for _, value := range []string{"true", `"2x"`, "[]", "1e99"} {
		_, err := decision.ReadStrategy(strings.NewReader(withRatio(value)))
		require.ErrorContains(t, err, "min_reward_risk", value)
	}
}

func TestAStrategyWithoutMinRewardRiskIsWhatItWas(t *testing.T) {
	t.Parallel()
	for _, text := range []string{plainStrategy, strings.Replace(plainStrategy, `"min_confidence":null`, `"min_confidence":null,"min_reward_risk":null`, 1)} {
		s := readStrategy(t, text)
		require.False(t, s.Risk.MinRewardRisk.Valid)
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.JSONEq(t, plainStrategy, string(data))
		require.Equal(t, plainHash, hashOf(t, s))
	}
	for _, id := range decision.StrategyIDs() {
		s, err := decision.LoadStrategy(id)
		require.NoError(t, err)
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.NotContains(t, string(data), "min_reward_risk", id)
	}
}

func TestMinRewardRiskRefusesEntries(t *testing.T) {
	t.Parallel()
	least := func(ratio string) func(*decision.Input) {
		return func(in *decision.Input) { in.Strategy.Risk.MinRewardRisk = dt.Null(ratio) }
	}
	// The target is 7.5 away and the stop 3: 2.5.
	long := dt.Buy("BTCUSDT", "100")
	refused := map[string]string{"BTCUSDT": "reward_risk"}
	runGate(t, []gateCase{
		{name: "at the minimum", edit: least("2.5"), propose: list(long, dt.Sell("ETHUSDT", "100"))},
		{name: "a long below it", edit: least("2.51"), propose: list(long), refused: refused, message: "reward of BTCUSDT must be at least 2.51 times the risk, was 7.5 for 3"},
		{name: "a short below it", edit: least("2.51"), propose: list(dt.Sell("BTCUSDT", "100")), refused: refused},
		{name: "below one, where that is allowed", edit: least("0.5"), propose: list(with(long, func(d *decision.AssetDecision) { d.TPPrice = dt.Null("102") })), warnings: []string{"reward_risk"}},
		{name: "without a target", edit: least("0.5"), propose: list(with(long, func(d *decision.AssetDecision) { d.TPPrice.Valid = false })), refused: refused, message: "strategy conservative_swing requires a stop and a target for BTCUSDT, to compare them"},
		{name: "a target beyond any price", edit: least("1"), propose: list(with(long, func(d *decision.AssetDecision) { d.TPPrice = dt.Null("1000.01") })), refused: map[string]string{"BTCUSDT": "price_logic"}, message: "target of a long must be at most 10 times the price 100, was 1000.01"},
		{name: "a target on the wrong side", edit: least("1"), propose: list(with(long, func(d *decision.AssetDecision) { d.TPPrice = dt.Null("99") })), refused: map[string]string{"BTCUSDT": "price_logic"}},
		{name: "an increase towards the open target", edit: func(in *decision.Input) {
			least("3")(in)
			open(dt.Position("BTCUSDT", decision.Long, "10"))(in)
		}, propose: list(dt.Adjust("BTCUSDT", decision.AdjustIncrease, "100")), refused: refused},
		{name: "a decrease", edit: func(in *decision.Input) {
			least("3")(in)
			open(dt.Position("BTCUSDT", decision.Long, "10"))(in)
		}, propose: list(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "100"))},
	})
}

func TestHashIgnoresNotation(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(plainStrategy) }
	var members map[string]any // whose keys json.Marshal sorts
	require.NoError(t, json.Unmarshal([]byte(plainStrategy), &members))
	sorted, err := json.MarshalIndent(members, "", "\t")
	require.NoError(t, err)
	require.False(t, strings.HasPrefix(string(sorted), "{\n\t\"strategy_id\""))
	for name, text := range map[string]string{
		"trailing zeros": replace(`"max_risk_per_trade":2`, `"max_risk_per_trade":2.000`, `:0.15`, `:0.150`),
		"strings":        replace(`"max_risk_per_trade":2`, `"max_risk_per_trade":"2"`, `:0.15`, `:"0.15"`, `:0.05`, `:"0.05"`),
		"exponents":      replace(`"max_leverage":10`, `"max_leverage":1e1`, `"max_daily_loss":5`, `"max_daily_loss":0.5E+1`, `:0.15`, `:15e-2`),
		"order, space":   string(sorted),
		"escapes":        replace(`"Plain"`, `"\u0050lain"`),
	} {
		require.Equal(t, plainHash, hashOf(t, readStrategy(t, text)), name)
	}
	s := readStrategy(t, plainStrategy)
	s.Risk.MaxLeverage = decimal.New(1, 1)
	s.Risk.MaxFundingRateBps = decimal.New(5000, -3)
	s.Risk.MinConfidence = decimal.NullDecimal{Decimal: dt.D("70")} // null, whatever it holds
	s.Risk.MinRewardRisk = decimal.NullDecimal{Decimal: dt.D("2")}
	require.Equal(t, plainHash, hashOf(t, s))
	require.Equal(t, "70", s.Risk.MinConfidence.Decimal.String(), "the strategy itself stays as it is")
}

// TestHashKnowsEveryField changes each field alone, found by reflection so that
// a new one is not forgotten.
func TestHashKnowsEveryField(t *testing.T) {
	t.Parallel()
	seen := map[string]string{plainHash: "unchanged"}
	var change func(path string, field reflect.Value, whole *decision.Strategy)
	change = func(path string, field reflect.Value, whole *decision.Strategy) {
		before := reflect.New(field.Type()).Elem()
		before.Set(field)
		switch field.Addr().Interface().(type) {
		case *decimal.Decimal:
			field.Set(reflect.ValueOf(dt.D("1.23")))
		case *decimal.NullDecimal:
			field.Set(reflect.ValueOf(dt.Null("1.23")))
		case *[]marketdata.Interval:
			field.Set(reflect.ValueOf([]marketdata.Interval{"4h", "1d"}))
		case *decision.RiskParameters:
			for i := range field.NumField() {
				change(path+"."+field.Type().Field(i).Name, field.Field(i), whole)
			}
			return
		default:
			switch field.Kind() {
			case reflect.String:
				field.SetString(field.String() + "x")
			case reflect.Int:
				field.SetInt(field.Int() + 1)
			case reflect.Bool:
				field.SetBool(!field.Bool())
			default:
				t.Fatalf("%s is a %s, which this test cannot change", path, field.Kind())
			}
		}
		h := hashOf(t, *whole)
		require.Empty(t, seen[h], "%s is not in the hash", path)
		seen[h] = path
		field.Set(before)
	}
	s := readStrategy(t, plainStrategy)
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		change(v.Type().Field(i).Name, v.Field(i), &s)
	}
	require.Equal(t, plainHash, hashOf(t, s))
	require.Len(t, seen, 1+v.NumField()-1+v.FieldByName("Risk").NumField())
	s.Risk.MinConfidence = dt.Null("0")
	require.NotEqual(t, plainHash, hashOf(t, s), "none is not zero")
}
