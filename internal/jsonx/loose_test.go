package jsonx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
)

func TestLooseValuesReadAsEmptyWhenTheyAreOfAnotherKind(t *testing.T) {
	t.Parallel()
	for document, want := range map[string][2]string{
		`"a"`: {"a", "a"}, `12.50`: {"", "12.50"}, `null`: {}, `true`: {}, `[1]`: {}, `{"a":"b"}`: {}, `""`: {},
	} {
		var text jsonx.Text
		var label jsonx.Label
		require.NoError(t, jsonx.Unmarshal([]byte(document), &text), document)
		require.NoError(t, jsonx.Unmarshal([]byte(document), &label), document)
		require.Equal(t, want, [2]string{string(text), string(label)}, document)
	}
	var text jsonx.Text
	require.Error(t, jsonx.Unmarshal([]byte(`"a`), &text))
}
