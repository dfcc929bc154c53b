package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/decision"
)

// Strategies writes a table of strategies and their main limits.
func Strategies(w io.Writer, all []decision.Strategy, style Style) error {
	t := newTable()
	header := []string{"id\nversion", "type", "trade risk", "daily loss", "stop", "leverage", "positions", "timeframes"}
	t.AppendHeader(tableRow(header))
	rows := make([][]string, 0, len(all))
	for _, s := range all {
		frames := make([]string, len(s.TimeframePreference))
		for i, f := range s.TimeframePreference {
			frames[i] = string(f)
		}
		id := s.ID
		if id == decision.DefaultStrategy {
			id += " (default)"
		}
		short, err := Version(s)
		if err != nil {
			return err
		}
		row := []string{
			id + "\n" + short, string(s.Type), s.Risk.MaxRiskPerTrade.String() + " %", s.Risk.MaxDailyLoss.String() + " %",
			s.Risk.StopLossPercentage.String() + " %", s.Risk.MaxLeverage.String() + "x", strconv.Itoa(s.MaxPositions), strings.Join(frames, " "),
		}
		t.AppendRow(tableRow(row))
		t.AppendSeparator()
		rows = append(rows, row)
	}
	n := noteLines{style: style}
	n.records(t, header, rows)
	_, err := io.WriteString(w, n.b.String())
	return err
}

// Strategy writes everything about one strategy.
func Strategy(w io.Writer, s decision.Strategy, style Style) error {
	short, err := Version(s)
	if err != nil {
		return err
	}
	n := noteLines{style: style}
	r := s.Risk
	n.add("id", s.ID)
	n.add("version", short)
	n.add("name", s.Name)
	n.add("type", string(s.Type))
	n.add("purpose", s.Description)
	n.add("risk", fmt.Sprintf("%s %% of the balance a trade, %s %% of the opening equity a day", r.MaxRiskPerTrade, r.MaxDailyLoss))
	n.add("stop", fmt.Sprintf("%s %% away, required: %t; target %s times as far", r.StopLossPercentage, r.StopRequired, r.TakeProfitRatio))
	n.add("leverage", fmt.Sprintf("at most %sx, an account set to more enters nothing; liquidation at least %s of the price away", r.MaxLeverage, r.LiquidationBuffer))
	n.add("positions", fmt.Sprintf("at most %d, %s between entries on an asset", s.MaxPositions, time.Duration(r.CooldownSeconds)*time.Second))
	n.add("funding", fmt.Sprintf("pays at most %s bps an interval", r.MaxFundingRateBps))
	n.add("sizing", strings.ReplaceAll(string(s.PositionSizing), "_", " "))
	if r.MinRewardRisk.Valid {
		n.add("reward", fmt.Sprintf("the target at least %s times as far as the stop", r.MinRewardRisk.Decimal))
	}
	if r.MinConfidence.Valid {
		n.add("confidence", fmt.Sprintf("at least %s %%", r.MinConfidence.Decimal))
	}
	n.list("prompt", strings.Split(s.Prompt, "\n"))
	_, err = io.WriteString(w, n.b.String())
	return err
}

// versionDigits are enough of a hash to tell strategies apart on a screen.
const versionDigits = 12

// Version is the beginning of the strategy's hash.
func Version(s decision.Strategy) (string, error) {
	hash, err := s.Hash()
	if err != nil {
		return "", err
	}
	return hash[:versionDigits], nil
}
