package main

import (
	"fmt"
	"strings"

	"github.com/ballast-go/ballast/marketdata/astertest"
)

const venueHead = `
## When the exchange fails

Each row is an exchange that behaves so for two assets, at every request or event that the row is about unless it says
otherwise. ` + "`go test -run TestEveryFaultOfTheExchangeEndsAsItsTableSays .`" + ` plays each, in virtual time, against the client
of marketdata/aster, a snapshot and a whole engine, and compares every candle with what the exchange knows; a host plays
them in its own tests with ` + "`astertest.Scenarios`" + `. Whoever asks has 20 s, and it is half past a minute.
` + "`go test . -run TestFaultsOfTheExchangeNeverReachASnapshot -long`" + ` lets all kinds happen at random for a week.

- **Client**: what the call returns: an answer, or an ` + "`*aster.Error`" + ` of this kind with this status and code. It asks for
  candles or for the account; streams have no caller.
- **Again**: whether the same call may succeed later, and how long to wait.
- **Snapshot**: whether it has the assets, and with what reason it has not (` + "`marketdata.Reason`" + `).
  Where streams fail it is one of an ` + "`aster.Live`" + `, two minutes later.
- **Decide**: both assets, the one that has data (the other is held, and the result says "Insufficient market data", with its
  name and why), or ` + "`decision.ErrNoMarket`" + `, which says so of each asset. Without an account there is no request to decide on.

| Fault | The exchange | Client | Again | Snapshot | Decide | |
|---|---|---|---|---|---|---|
`

func venueClient(s astertest.Scenario) string {
	e := s.Expect
	switch {
	case s.Asked == astertest.AskedNothing:
		return ""
	case e.Deadline:
		return "the deadline"
	case e.Fails:
		return "an error"
	case e.Kind == "":
		return "an answer"
	}
	var numbers []string
	for _, n := range [...]int{e.Status, e.Code} {
		if n != 0 {
			numbers = append(numbers, fmt.Sprint(n))
		}
	}
	if len(numbers) == 0 {
		return cell(e.Kind)
	}
	return fmt.Sprintf("%s (%s)", cell(e.Kind), strings.Join(numbers, ", "))
}

func venueSnapshot(s astertest.Scenario) string {
	e := s.Expect
	switch {
	case e.Deadline:
		return "the deadline"
	case len(e.Missing) == len(astertest.ScenarioSymbols()):
		return "neither: " + cell(string(e.Reason))
	case len(e.Missing) > 0:
		return "not " + cell(strings.Join(e.Missing, ", ")) + ": " + cell(string(e.Reason))
	case e.Degraded != "":
		return "both; " + cell(e.Degraded)
	}
	return "both"
}

func venueDecide(s astertest.Scenario) string {
	e := s.Expect
	switch {
	case s.Asked == astertest.AskedAccount && (e.Kind != "" || e.Fails):
		return "no account"
	case len(e.Missing) == len(astertest.ScenarioSymbols()):
		return "insufficient market data"
	case len(e.Missing) > 0:
		return "the other"
	}
	return "both"
}
