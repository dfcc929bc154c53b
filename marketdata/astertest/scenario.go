package astertest

import (
	"slices"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// ScenarioSymbols are the assets that Scenarios are about.
func ScenarioSymbols() []string { return []string{"BTCUSDT", "ETHUSDT"} }

// ScenarioTime is when Scenarios begin. Waits are as long as they are because
// of it: half a minute is left of the minute.
func ScenarioTime() time.Time { return time.Date(2025, 10, 1, 12, 10, 30, 0, time.UTC) }

// ScenarioDeadline is how much time everybody has for one answer.
const ScenarioDeadline = 20 * time.Second

// Asked is what a client asks for in a Scenario.
type Asked string

// What is asked for.
const (
	AskedCandles Asked = "candles" // of the first symbol
	AskedAccount Asked = "account" // all that is known of it
	AskedNothing Asked = "nothing" // streams are listened to
)

// Scenario is a way in which the exchange behaves from ScenarioTime on, and
// what is to come of it.
type Scenario struct {
	Name     string
	What     string // does the exchange, in one line
	Faults   []Fault
	Delisted string // symbol that no longer trades
	Hedge    bool   // the account holds two positions a symbol
	Asked    Asked
	Expect   Expectation
}

// Expectation is what each layer makes of a Scenario: a client, a snapshot of
// ScenarioSymbols, and a decision about them with the technical fallback.
type Expectation struct {
	// Kind, Status, Code and Wait are those of the client's *aster.Error. No
	// Kind: the client has its answer, or another error that Note names.
	Kind         string
	Status, Code int
	Wait         time.Duration
	Retryable    bool // the same call may succeed later
	Deadline     bool // only the caller's deadline ends the call
	Fails        bool // with an error that is none of the exchange's

	// Missing are the symbols that a snapshot has no data of, and Reason why.
	Missing  []string
	Reason   marketdata.Reason
	Degraded string // part of what the data of the others lacks, in words
	Note     string // for people
}

// Script plays the scenario on an exchange. Its one error is that of a symbol
// or an account that the exchange does not have.
func (s Scenario) Script(e *Exchange, wallet string) error {
	for _, f := range s.Faults {
		e.Fault(f)
	}
	if s.Delisted != "" {
		if err := e.Delist(s.Delisted); err != nil {
			return err
		}
	}
	if s.Hedge {
		return e.SetHedgeMode(wallet, true)
	}
	return nil
}

// Scenarios is every way in which this package knows the venue to fail. Each
// Kind is in it.
func Scenarios() []Scenario {
	return slices.Concat(failedCandles(), passingFaults(), missingParts(), failedAccounts(), failedStreams())
}

// failedCandles are faults of every request for candles.
func failedCandles() []Scenario {
	server := func(status, code int) Expectation {
		return Expectation{Kind: "server", Status: status, Code: code, Retryable: true}
	}
	network := Expectation{Kind: "network", Retryable: true}
	rows := []Scenario{
		{Name: "hangs", What: "answers after a minute", Faults: []Fault{{Kind: Slow, Delay: time.Minute}}, Expect: Expectation{Deadline: true}},
		{Name: "429", What: "limits the rate", Faults: []Fault{{Kind: RateLimited}}, Expect: Expectation{Kind: "rate_limit", Status: 429, Code: -1003, Wait: 30 * time.Second, Retryable: true, Note: "nothing is sent until the next minute"}},
		{Name: "429 in seconds", What: "limits the rate, Retry-After: 40", Faults: []Fault{{Kind: RateLimited, RetryAfter: 40 * time.Second}}, Expect: Expectation{Kind: "rate_limit", Status: 429, Code: -1003, Wait: 40 * time.Second, Retryable: true, Note: "nothing is sent until then"}},
		{Name: "418", What: "bans the address for ten minutes", Faults: []Fault{{Kind: Banned, Delay: 10 * time.Minute}}, Expect: Expectation{Kind: "banned", Status: 418, Code: -1003, Wait: 10 * time.Minute, Retryable: true, Note: "nothing is sent until then"}},
		{Name: "500", What: "fails", Faults: []Fault{{Kind: Broken}}, Expect: server(500, -1000)},
		{Name: "502", What: "is behind a gateway that fails", Faults: []Fault{{Kind: Broken, Status: 502}}, Expect: server(502, -1000)},
		{Name: "503", What: "does not know whether it answered", Faults: []Fault{{Kind: Lost}}, Expect: server(503, -1000)},
		{Name: "408", What: "timed out itself", Faults: []Fault{{Kind: TimedOut}}, Expect: server(408, -1007)},
		{Name: "unknown error", What: "refuses with -1000", Faults: []Fault{{Kind: Refused}}, Expect: server(400, -1000)},
		{Name: "invalid symbol", What: "refuses with -1121 what it lists", Faults: []Fault{{Kind: Refused, Code: -1121}}, Expect: Expectation{Kind: "unknown_symbol", Status: 400, Code: -1121, Reason: marketdata.ReasonUnknownSymbol}},
		{Name: "403 page", What: "is behind a firewall that answers", Faults: []Fault{{Kind: Blocked}}, Expect: Expectation{Kind: "blocked", Status: 403}},
		{Name: "truncated body", What: "cuts the connection halfway through the answer", Faults: []Fault{{Kind: Truncated}}, Expect: Expectation{Kind: "network", Status: 200, Retryable: true}},
		{Name: "text", What: "answers in words", Faults: []Fault{{Kind: NotJSON}}, Expect: server(200, 0)},
		{Name: "other JSON", What: "answers in JSON of another shape", Faults: []Fault{{Kind: WrongJSON}}, Expect: server(200, 0)},
		{Name: "cut", What: "cuts the connection and has done nothing", Faults: []Fault{{Kind: Cut}}, Expect: network},
		{Name: "cut after", What: "cuts the connection when it has done it", Faults: []Fault{{Kind: CutAfter}}, Expect: network},
	}
	for n := range rows {
		s := &rows[n]
		s.Faults[0].Path, s.Asked, s.Expect.Missing = "/klines", AskedCandles, ScenarioSymbols()
		if s.Expect.Reason == "" {
			s.Expect.Reason = marketdata.ReasonUnavailable
		}
	}
	return rows
}

// passingFaults are those that a client gets over within its deadline.
func passingFaults() []Scenario {
	rows := []Scenario{
		{Name: "slow", What: "answers after 2 s", Faults: []Fault{{Kind: Slow, Delay: 2 * time.Second}}},
		{Name: "500 once", What: "fails once", Faults: []Fault{{Kind: Broken, Times: 1}}},
		{Name: "503 once", What: "does not know once whether it answered", Faults: []Fault{{Kind: Lost, Times: 1}}},
		{Name: "429 once", What: "limits the rate once, Retry-After: 3", Faults: []Fault{{Kind: RateLimited, Times: 1, RetryAfter: 3 * time.Second}}, Expect: Expectation{Note: "after the wait"}},
		{Name: "truncated once", What: "cuts an answer once", Faults: []Fault{{Kind: Truncated, Times: 1}}},
		{Name: "cut once", What: "cuts a connection once", Faults: []Fault{{Kind: Cut, Times: 1}}},
	}
	for n := range rows {
		rows[n].Faults[0].Path, rows[n].Asked = "/klines", AskedCandles
	}
	for _, ahead := range []time.Duration{time.Minute, -time.Minute} {
		rows = append(rows, Scenario{
			Name: "clock " + ahead.String(), What: "tells a time that is " + ahead.String() + " from ours", Asked: AskedAccount,
			Faults: []Fault{{Kind: Skewed, Delay: ahead}}, Expect: Expectation{Note: "measured before the first signed call"},
		})
	}
	return rows
}

// missingParts are faults that cost a snapshot something.
func missingParts() []Scenario {
	broken := func(paths ...string) (faults []Fault) {
		for _, path := range paths {
			faults = append(faults, Fault{Kind: Broken, Path: path})
		}
		return faults
	}
	rows := []Scenario{
		{Name: "no open interest", What: "fails to tell open interest", Faults: broken("/openInterest"), Expect: Expectation{Degraded: "open interest is unknown"}},
		{Name: "no funding interval", What: "fails to tell funding intervals", Faults: broken("/fundingInfo"), Expect: Expectation{Degraded: "the funding interval is unknown"}},
		{Name: "no ticker", What: "fails to tell last prices", Faults: broken("/ticker"), Expect: Expectation{Degraded: "the last price is the mark price"}},
		{Name: "no mark price", What: "fails to tell mark prices", Faults: broken("/premiumIndex"), Expect: Expectation{Degraded: "mark price and funding rate are unknown"}},
		{Name: "no price", What: "fails to tell any price", Faults: broken("/ticker", "/premiumIndex"), Expect: Expectation{Missing: ScenarioSymbols(), Reason: marketdata.ReasonUnavailable}},
		{Name: "no listing", What: "fails to tell what it lists", Faults: broken("/exchangeInfo"), Expect: Expectation{Missing: ScenarioSymbols(), Reason: marketdata.ReasonUnavailable, Note: "later, a listing of up to two hours ago is used, and a note says so"}},
		{Name: "no time", What: "fails to tell the time", Faults: broken("/time"), Expect: Expectation{
			Kind: "server", Status: 500, Code: -1000, Retryable: true, Missing: ScenarioSymbols(), Reason: marketdata.ReasonUnavailable, Note: "without it nobody knows which candle is closed",
		}},
		{Name: "delisted", What: "ends trading in a symbol", Delisted: "ETHUSDT", Expect: Expectation{Missing: []string{"ETHUSDT"}, Reason: marketdata.ReasonUnavailable}},
	}
	for n := range rows {
		rows[n].Asked = AskedCandles
	}
	return rows
}

// failedAccounts are faults that keep an account from being read.
func failedAccounts() []Scenario {
	refused := func(code int) []Fault { return []Fault{{Kind: Refused, Path: "/accountWithJoinMargin", Code: code}} }
	rows := []Scenario{
		{Name: "unknown key", What: "does not know the key", Faults: refused(-2015), Expect: Expectation{Kind: "auth", Status: 400, Code: -2015}},
		{Name: "wrong signature", What: "does not accept the signature", Faults: refused(-1022), Expect: Expectation{Kind: "auth", Status: 400, Code: -1022}},
		{Name: "wrong address", What: "does not let the key be used from here", Faults: refused(-1011), Expect: Expectation{Kind: "permission", Status: 400, Code: -1011}},
		{Name: "deposit gate", What: "waits for the first deposit", Faults: refused(-5050), Expect: Expectation{Kind: "deposit", Status: 400, Code: -5050}},
		{Name: "timestamp", What: "goes on refusing the timestamp", Faults: refused(-1021), Expect: Expectation{Kind: "clock", Status: 400, Code: -1021, Retryable: true, Note: "after the clock was measured again, once"}},
		{Name: "nonce", What: "goes on refusing the nonce", Faults: refused(-4225), Expect: Expectation{Kind: "clock", Status: 400, Code: -4225, Retryable: true, Note: "after the clock was measured again, once"}},
		{Name: "hedge mode", What: "keeps two positions a symbol", Hedge: true, Expect: Expectation{Fails: true, Note: "aster.ErrHedgeMode"}},
		{Name: "zero positions", What: "lists positions of nothing in every symbol", Expect: Expectation{Note: "an account without positions"}},
	}
	for n := range rows {
		rows[n].Asked = AskedAccount
	}
	return rows
}

// failedStreams are faults of every event, for those that listen.
func failedStreams() []Scenario {
	rows := []Scenario{
		{Name: "stream drop", What: "ends the stream in place of each event", Faults: []Fault{{Kind: StreamDrop}}, Expect: Expectation{Note: "answered by requests"}},
		{Name: "stream lose", What: "loses each event", Faults: []Fault{{Kind: StreamLose}}, Expect: Expectation{Note: "answered by requests"}},
		{Name: "stream garbage", What: "sends half of each event", Faults: []Fault{{Kind: StreamGarbage}}, Expect: Expectation{Note: "answered by requests"}},
		{Name: "stream duplicate", What: "sends each event twice", Faults: []Fault{{Kind: StreamDuplicate}}, Expect: Expectation{Note: "answered from memory"}},
		{Name: "stream reorder", What: "sends each event after the next", Faults: []Fault{{Kind: StreamReorder}}, Expect: Expectation{Note: "answered from memory"}},
		{Name: "stream loses closes", What: "loses the events of candles", Faults: []Fault{{Kind: StreamLose, Path: "@kline"}}, Expect: Expectation{Note: "what closed is asked for"}},
	}
	for n := range rows {
		rows[n].Asked = AskedNothing
	}
	return rows
}
