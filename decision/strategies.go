package decision

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"
)

//go:embed strategies/*.json
var strategyFiles embed.FS

// DefaultStrategy is the id of the strategy that a zero Request.Strategy
// stands for.
const DefaultStrategy = "conservative_swing"

// ErrUnknownStrategy reports an id that no embedded strategy has.
var ErrUnknownStrategy = errors.New("decision: unknown strategy")

// StrategyIDs lists the embedded strategies in alphabetical order.
func StrategyIDs() []string {
	entries, err := strategyFiles.ReadDir("strategies")
	if err != nil {
		panic("decision: embedded strategies: " + err.Error()) // the files are part of the binary
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return ids
}

// LoadStrategy is the embedded strategy with this id; "aggressive_scalping"
// is an alias of scalping_perps. The error is ErrUnknownStrategy.
func LoadStrategy(id string) (Strategy, error) {
	name := id
	if name == "aggressive_scalping" {
		name = "scalping_perps"
	}
	if !validID(name) {
		return Strategy{}, fmt.Errorf("%w %.64q: must be one of %v", ErrUnknownStrategy, id, StrategyIDs())
	}
	document, err := strategyFiles.ReadFile(path.Join("strategies", name+".json"))
	if err != nil {
		return Strategy{}, fmt.Errorf("%w %.64q: must be one of %v", ErrUnknownStrategy, id, StrategyIDs())
	}
	return ReadStrategy(bytes.NewReader(document))
}
