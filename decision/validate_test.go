package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	dt "github.com/ballast-go/ballast/decision/decisiontest"
	"github.com/ballast-go/ballast/marketdata"
)

func given(actions ...decision.AssetDecision) decision.Decision {
	return dt.Propose(actions...).Decision
}

func TestAValidDecisionIsValid(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT")
	in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	got := decision.Validate(in, given(dt.Buy("BTCUSDT", "3000"), dt.Act("ETHUSDT", decision.ActionClosePosition)))
	require.True(t, got.Valid)
	require.Empty(t, got.Errors)
	require.Empty(t, got.Warnings)
	require.Equal(t, "3000", got.Decision.TotalAllocationUSD.String())
	require.Equal(t, in.At, got.Decision.Timestamp)
	require.Len(t, got.Decision.Decisions, 2)
	require.Equal(t, "1.71", got.Risk.PortfolioRiskScore.String(), "the closed position is no risk")
}

func TestAnInvalidDecisionSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
	in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10")}
	in.Account.AvailableUSD = dt.D("1000")
	d := given(dt.Buy("BTCUSDT", "9000"), dt.Act("ETHUSDT", decision.ActionClosePosition), dt.Sell("SOLUSDT", "100"))
	d.TotalAllocationUSD = dt.D("1")
	got := decision.Validate(in, d)
	require.False(t, got.Valid)
	rules := map[string]int{}
	for _, e := range got.Errors {
		require.Equal(t, decision.SeverityError, e.Severity)
		rules[e.Rule+" "+e.Asset]++
	}
	require.Equal(t, map[string]int{"available_capital ": 1, "risk_per_trade BTCUSDT": 1}, rules, "what binds all is said once")
	require.Equal(t, "shape", got.Warnings[0].Rule, "the total")
	// 4,550 and 500 stay of 5,050 in margin: the risk is that of what was asked, not of what is left.
	require.Equal(t, "9100", got.Risk.NotionalUSD.String())
	require.Equal(t, []decision.Action{decision.ActionHold, decision.ActionClosePosition, decision.ActionHold},
		[]decision.Action{got.Decision.Decisions[0].Action, got.Decision.Decisions[1].Action, got.Decision.Decisions[2].Action})
	require.True(t, got.Decision.TotalAllocationUSD.IsZero())
}

func TestValidateRefusesNothingAtAll(t *testing.T) {
	t.Parallel()
	require.Equal(t, decision.RiskHigh, decision.Validate(dt.Input("BTCUSDT"), decision.Decision{}).Decision.PortfolioRiskLevel, "nobody said")
	for name, d := range map[string]decision.Decision{"zero": {}, "unreadable numbers": given(dt.Buy("BTCUSDT", "1e61"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decision.Validate(dt.Input("BTCUSDT"), d)
			require.False(t, got.Valid)
			require.Equal(t, "shape", got.Errors[0].Rule)
			require.Equal(t, decision.ActionHold, got.Decision.Decisions[0].Action)
		})
	}
}

func TestValidateChangesNothingOfItsArguments(t *testing.T) {
	t.Parallel()
	in := dt.Input("BTCUSDT")
	in.Account.Positions = []decision.Position{dt.Position("BTCUSDT", decision.Long, "10")}
	d := given(dt.Adjust("BTCUSDT", decision.AdjustDecrease, "5000"))
	before := jsonOf(t, []decision.Decision{d})
	got := decision.Validate(in, d)
	require.Equal(t, "1000", got.Decision.Decisions[0].PositionAdjustment.AmountUSD.String())
	got.Decision.Decisions[0].PositionAdjustment.AmountUSD = dt.D("7")
	require.Equal(t, before, jsonOf(t, []decision.Decision{d}))
}

func TestRulesValidateByTheRulesGiven(t *testing.T) {
	t.Parallel()
	in, d := dt.Input("BTCUSDT", "ETHUSDT"), given(dt.Buy("BTCUSDT", "100"), dt.Sell("ETHUSDT", "100"))
	got := append(decision.DefaultRules(), distrust{"ETHUSDT"}).Validate(in, d)
	require.False(t, got.Valid)
	require.Len(t, got.Errors, 1)
	require.Equal(t, "distrust", got.Errors[0].Rule)
	require.Equal(t, "100", got.Decision.TotalAllocationUSD.String())
	require.True(t, decision.Rules{}.Validate(in, given(dt.Buy("BTCUSDT", "1e9"))).Valid, "no rules refuse nothing")
}

func TestValidationsAreWrittenInNumbersAndLists(t *testing.T) {
	t.Parallel()
	got := decision.Validate(dt.Input("BTCUSDT"), given(dt.Buy("BTCUSDT", "3000")))
	data, err := json.Marshal(got)
	require.NoError(t, err)
	require.Contains(t, string(data), `{"is_valid":true,"errors":[],"warnings":[],"risk_assessment":{"portfolio_risk_score":1.71,`)
	require.Contains(t, string(data), `"degraded":[]`)
	require.Contains(t, string(data), `"allocation_usd":3000`)
	var back decision.Validation
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))
	require.Error(t, json.Unmarshal([]byte(`{"valid":true}`), &back))
}

func (b *bench) validate(tb testing.TB, req decision.Request, d decision.Decision) (decision.Validation, error) {
	tb.Helper()
	e, err := decision.New(b.cfg)
	require.NoError(tb, err)
	out, err := e.Validate(tb.Context(), req, d)
	require.NoError(tb, e.Close(tb.Context()))
	return out, err
}

func TestTheEngineValidatesAgainstTheMarket(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	b.price = "98"
	d := given(dt.Buy("BTCUSDT", "500"), with(dt.Sell("ETHUSDT", "500"), func(d *decision.AssetDecision) { d.SLPrice = dt.Null("97.5") }))
	got, err := b.validate(t, request(), d)
	require.NoError(t, err)
	require.False(t, got.Valid)
	require.Len(t, got.Errors, 1)
	require.Equal(t, "stop of a short must be above the price 98, was 97.5", got.Errors[0].Message)
	require.Empty(t, b.records, "nothing is recorded")
	require.Empty(t, got.Degraded)
}

func TestTheEngineValidatesTheAssetsOfTheDecision(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	symbols := make([]string, 0, 4)
	req := decision.Request{Account: dt.Account(), Symbols: symbols}
	got, err := b.validate(t, req, given(dt.Buy("SOLUSDT", "500"), dt.Act("BTCUSDT", decision.ActionHold), dt.Act("BTCUSDT", decision.ActionHold)))
	require.NoError(t, err)
	require.True(t, got.Valid)
	require.Equal(t, []string{"SOLUSDT", "BTCUSDT"}, b.queries[0].Symbols)
	require.Equal(t, make([]string, 4), symbols[:4], "the caller's array is not written to")

	_, err = b.validate(t, req, decision.Decision{})
	require.ErrorContains(t, err, "symbols must number 1 to 10, were 0")
	var eleven []decision.AssetDecision
	for _, s := range strings.Fields("A B C D E F G H I J K") {
		eleven = append(eleven, dt.Act(s, decision.ActionHold))
	}
	_, err = b.validate(t, req, given(eleven...))
	require.ErrorContains(t, err, "symbols must number 1 to 10, were 11")
}

func TestTheEngineValidatesWithTheErrorsOfDecide(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	bad := request()
	bad.Account.Leverage = dt.D("21")
	_, err := b.validate(t, bad, given(dt.Buy("BTCUSDT", "500")))
	require.ErrorContains(t, err, "leverage must be between 1 and 20, was 21")
	b.cfg.Market = marketdata.SourceFunc(func(context.Context, marketdata.Query) (marketdata.Snapshot, error) {
		return marketdata.Snapshot{}, errors.New("exchange down")
	})
	_, err = b.validate(t, request(), given(dt.Buy("BTCUSDT", "500")))
	require.ErrorIs(t, err, decision.ErrNoMarket)
}

func TestTheEngineValidatesWhatItHas(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixed)
	market := b.cfg.Market
	b.cfg.Market = marketdata.SourceFunc(func(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
		snap, err := market.Snapshot(ctx, q)
		delete(snap.Assets, "ETHUSDT")
		return snap, err
	})
	b.cfg.Halts = haltsOf(decision.Halt{Reason: "drill", At: dt.At()}, nil)
	got, err := b.validate(t, request(), given(dt.Buy("BTCUSDT", "500"), dt.Act("ETHUSDT", decision.ActionHold)))
	require.NoError(t, err)
	require.Equal(t, []string{"Insufficient market data: ETHUSDT: unavailable: the source did not answer for it"}, got.Degraded)
	require.Len(t, got.Errors, 1)
	require.Equal(t, "trading is halted: only actions that reduce risk are allowed (every account halted at 2025-10-10T22:00:00Z: drill)", got.Errors[0].Message)
}

func TestAHangingRuleDoesNotHoldUpAValidation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, time.Now)
		release := make(chan struct{})
		b.cfg.Timeout = 3 * time.Second
		b.cfg.Rules = decision.Rules{hostRule{check: func(decision.Proposal) []decision.Violation {
			<-release
			return nil
		}}}
		e, err := decision.New(b.cfg)
		require.NoError(t, err)
		d := given(dt.Buy("BTCUSDT", "500"))
		_, err = e.Validate(t.Context(), request(), d)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(release)
		d.Decisions[0].AllocationUSD = dt.D("1") // the caller's again: the race detector sees who still reads it
		require.NoError(t, e.Close(t.Context()))
	})
}

const smallest = `{"decisions":[{"asset":"BTCUSDT","action":"hold"}]}`

func TestReadDecision(t *testing.T) {
	t.Parallel()
	d, err := decision.ReadDecision(strings.NewReader(`{
		"decisions": [
			{"asset": "BTCUSDT", "action": "buy", "allocation_usd": "1500.50", "sl_price": 97, "tp_price": null, "exit_plan": "x", "rationale": "y", "confidence": "70", "risk_level": "low"},
			{"asset": "ETHUSDT", "action": "adjust_position", "position_adjustment": {"adjustment_type": "decrease", "adjustment_amount_usd": "1e2"}},
			{"asset": "SOLUSDT", "action": "sell", "allocation_usd": 2.25}
		], "portfolio_risk_level": "medium"}`))
	require.NoError(t, err)
	require.Equal(t, "1500.5", d.Decisions[0].AllocationUSD.String())
	require.Equal(t, "97", d.Decisions[0].SLPrice.Decimal.String())
	require.False(t, d.Decisions[0].TPPrice.Valid)
	require.Equal(t, "100", d.Decisions[1].PositionAdjustment.AmountUSD.String())
	require.False(t, d.Decisions[1].PositionAdjustment.NewSLPrice.Valid)
	require.Equal(t, "1502.75", d.TotalAllocationUSD.String(), "the sum, when none is given")
	require.Equal(t, decision.RiskMedium, d.PortfolioRiskLevel)

	d, err = decision.ReadDecision(strings.NewReader(`{"decisions":[{"asset":"BTCUSDT","action":"buy","allocation_usd":5}],"total_allocation_usd":0}`))
	require.NoError(t, err)
	require.Equal(t, "0", d.TotalAllocationUSD.String(), "a wrong sum is the gate's to warn about")
	require.Equal(t, "shape", decision.Validate(dt.Input("BTCUSDT"), d).Warnings[1].Rule)
}

func TestReadDecisionRefuses(t *testing.T) {
	t.Parallel()
	entry := func(members string) string {
		return `{"decisions":[{"asset":"BTCUSDT","action":"buy",` + members + `}]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                  {"", "not valid JSON"},
		"white space":              {" \n", "not valid JSON"},
		"null":                     {"null", "decisions must number 1 to 100, were 0"},
		"a list":                   {"[]", "a JSON array does not belong here"},
		"a word":                   {"buy", "not valid JSON"},
		"a string":                 {`"buy"`, "a JSON string does not belong here"},
		"an empty object":          {"{}", "decisions must number 1 to 100, were 0"},
		"an empty list":            {`{"decisions":[]}`, "decisions must number 1 to 100, were 0"},
		"101 entries":              {`{"decisions":[` + strings.Repeat(`{"asset":"A","action":"hold"},`, 100) + `{"asset":"A","action":"hold"}]}`, "decisions must number 1 to 100, were 101"},
		"two documents":            {smallest + smallest, "not valid JSON"},
		"a cut document":           {smallest[:len(smallest)-1], "not valid JSON"},
		"a null entry":             {`{"decisions":[null]}`, "decisions[0]: asset must have 1 to 40 characters, had 0"},
		"an entry without asset":   {`{"decisions":[{"action":"hold"}]}`, "decisions[0]: asset must have 1 to 40 characters, had 0"},
		"an endless asset":         {`{"decisions":[{"asset":"` + strings.Repeat("A", 41) + `","action":"hold"}]}`, "had 41"},
		"an entry without action":  {`{"decisions":[{"asset":"BTCUSDT"}]}`, `decisions[0]: action must be one of [buy sell hold adjust_position close_position adjust_orders], was ""`},
		"an unknown action":        {`{"decisions":[{"asset":"BTCUSDT","action":"long"}]}`, `was "long"`},
		"an action in capitals":    {`{"decisions":[{"asset":"BTCUSDT","action":"BUY"}]}`, `was "BUY"`},
		"an unknown risk":          {entry(`"risk_level":"extreme"`), `decisions[0]: risk_level must be low, medium or high, was "extreme"`},
		"an unknown whole risk":    {`{"decisions":[{"asset":"BTCUSDT","action":"hold"}],"portfolio_risk_level":"extreme"}`, `portfolio_risk_level must be low, medium or high, was "extreme"`},
		"an unknown member":        {`{"decision":[]}`, "decision: unknown member"},
		"an unknown entry member":  {entry(`"leverage":20`), "leverage: unknown member"},
		"an unknown nested member": {entry(`"position_adjustment":{"amount":1}`), "amount: unknown member"},
		"a member in capitals":     {entry(`"Allocation_USD":20`), "Allocation_USD: unknown member"},
		"a member twice":           {entry(`"allocation_usd":1,"allocation_usd":2`), "duplicate"},
		"a nested member twice":    {entry(`"position_adjustment":{"adjustment_amount_usd":1,"adjustment_amount_usd":2}`), "duplicate"},
		"decisions twice":          {`{"decisions":[],"decisions":[{"asset":"BTCUSDT","action":"hold"}]}`, "duplicate"},
		"a huge exponent":          {entry(`"allocation_usd":1e61`), "exponent"},
		"a huge text exponent":     {entry(`"allocation_usd":"1e999999999"`), "not a decimal"},
		"a tiny exponent":          {entry(`"sl_price":1e-61`), "exponent"},
		"endless digits":           {entry(`"sl_price":` + strings.Repeat("9", 101)), "at most 100 digits"},
		"amounts that do not add":  {`{"decisions":[{"asset":"A","action":"buy","allocation_usd":1e60},{"asset":"B","action":"buy","allocation_usd":1e-60}]}`, "the sum of allocation_usd has an exponent or digits out of range"},
		"a grouped number":         {entry(`"allocation_usd":"1,500"`), "not a decimal"},
		"an amount with a unit":    {entry(`"allocation_usd":"1500 USD"`), "not a decimal"},
		"NaN":                      {entry(`"allocation_usd":"NaN"`), "not a decimal"},
		"hex":                      {entry(`"allocation_usd":"0x10"`), "not a decimal"},
		"an empty number":          {entry(`"allocation_usd":""`), "not a decimal"},
		"a boolean number":         {entry(`"allocation_usd":true`), "not a decimal"},
		"a null amount":            {entry(`"allocation_usd":null`), "not a decimal"},
		"a number for an asset":    {`{"decisions":[{"asset":1,"action":"hold"}]}`, "a JSON number does not belong here"},
		"invalid UTF-8":            {"{\"decisions\":[{\"asset\":\"\xff\",\"action\":\"hold\"}]}", "not valid JSON"},
		"deep nesting":             {entry(`"rationale":` + strings.Repeat("[", 20_000)), "decision: "},
		"more than 256 KiB":        {smallest + strings.Repeat(" ", 256<<10), "must be at most 262144 bytes, was more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := decision.ReadDecision(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.want)
			require.True(t, strings.HasPrefix(err.Error(), "decision: "), err)
			require.Less(t, len(err.Error()), 20_000)
			require.Empty(t, d.Decisions)
		})
	}
	exactly := smallest + strings.Repeat(" ", 256<<10-len(smallest))
	_, err := decision.ReadDecision(strings.NewReader(exactly))
	require.NoError(t, err, "256 KiB are not too many")
	broken := errors.New("connection reset")
	_, err = decision.ReadDecision(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestReadDecisionReportsEveryEntry(t *testing.T) {
	t.Parallel()
	_, err := decision.ReadDecision(strings.NewReader(`{"decisions":[{"asset":"BTCUSDT"},{"action":"hold"},{"asset":"ETHUSDT","action":"hold","risk_level":"?"}]}`))
	require.ErrorContains(t, err, "decisions[0]: action")
	require.ErrorContains(t, err, "decisions[1]: asset")
	require.ErrorContains(t, err, "decisions[2]: risk_level")
}

// FuzzReadDecision: whatever is read is judged without a panic, and what comes
// out of it passes the gate.
func FuzzReadDecision(f *testing.F) {
	f.Add(smallest)
	f.Add(`{"decisions":[{"asset":"BTCUSDT","action":"buy","allocation_usd":"1500","sl_price":97,"tp_price":107.5,"rationale":"r","exit_plan":"e","confidence":70,"risk_level":"low"}]}`)
	f.Add(`{"decisions":[{"asset":"ETHUSDT","action":"adjust_position","position_adjustment":{"adjustment_type":"decrease","adjustment_amount_usd":1e60}},{"asset":"ETHUSDT","action":"close_position"}]}`)
	f.Add(`{"decisions":[{"asset":"ETHUSDT","action":"adjust_orders","order_adjustment":{"adjust_sl":true,"new_sl_price":-1e-60,"cancel_tp":true}}],"total_allocation_usd":-1}`)
	f.Add(`{"decisions":[{"asset":"SOLUSDT","action":"sell","allocation_usd":1e-60}],"timestamp":"2025-10-10T22:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := decision.ReadDecision(strings.NewReader(text))
		if err != nil {
			return
		}
		in := dt.Input("BTCUSDT", "ETHUSDT", "SOLUSDT")
		in.Account.Positions = []decision.Position{dt.Position("ETHUSDT", decision.Long, "10"), dt.Position("SOLUSDT", decision.Short, "10")}
		got := decision.Validate(in, d)
		require.Equal(t, len(got.Errors) == 0, got.Valid)
		require.Empty(t, decision.DefaultRules().Gate(in, decision.Proposal{Decision: got.Decision}).Refused)
		require.True(t, got.Risk.PortfolioRiskScore.LessThanOrEqual(dt.D("10")))
		_, err = json.Marshal(got)
		require.NoError(t, err)
		data, err := json.Marshal(d)
		require.NoError(t, err)
		_, err = decision.ReadDecision(strings.NewReader(string(data)))
		require.NoError(t, err, "what was read can be written and read again")
	})
}
