package decision_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
)

func TestMeasureIsANumberAWordOrNull(t *testing.T) {
	t.Parallel()
	for measure, want := range map[decision.Measure]string{
		"14.48": "14.48", "-6.00": "-6.00", "0": "0", "bearish": `"bearish"`, "": "null", "-": `"-"`, "1,000": `"1,000"`, "0x10": `"0x10"`,
	} {
		got, err := json.Marshal(decision.Contribution{Input: measure, Points: 1, WeightPercent: 30})
		require.NoError(t, err)
		require.Equal(t, `{"input":`+want+`,"points":1,"weight_percent":30}`, string(got))
		var back decision.Contribution
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, measure, back.Input)
	}
	require.Error(t, json.Unmarshal([]byte(`true`), new(decision.Measure)))
}
