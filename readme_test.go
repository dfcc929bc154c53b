package ballast_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The host in the README is the Example: its imports, and its body from its
// market to its last line.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, imports, found := strings.Cut(string(example), "\nimport (\n")
	require.True(t, found)
	imports, _, found = strings.Cut(imports, "\n)\n")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\nimport (\n"+imports+"\n)\n```\n")
	_, body, found := strings.Cut(string(example), "// time.Now in a bot\n")
	require.True(t, found)
	body, _, found = strings.Cut(body, "\t// Output:")
	require.True(t, found)
	lines := strings.Split(body, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "\t")
	}
	require.Contains(t, string(readme), "```go\n"+strings.Join(lines, "\n")+"```\n")
}
