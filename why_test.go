package ballast_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/why.md names the test of every failure of a peer: each TestPeer_ of the
// tree is linked with its file, and each test that is linked exists.
func TestWhyLinksEveryTestOfAPeersFailure(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "why.md"))
	require.NoError(t, err)
	linked := map[string]bool{} // "file: name"
	tests := map[string]string{}
	link := regexp.MustCompile(`\[(Test[^\]]*)\]\(([^)]*)\)`)
	for _, m := range link.FindAllStringSubmatch(string(page), -1) {
		name, file := strings.ReplaceAll(m[1], `\_`, "_"), path.Join("docs", m[2])
		if tests[file] == "" {
			text, err := os.ReadFile(filepath.FromSlash(file))
			require.NoError(t, err, "docs/why.md links %s", m[2])
			tests[file] = string(text)
		}
		require.Contains(t, tests[file], "\nfunc "+name+"(t *testing.T) {", "docs/why.md links %s as a test of %s", name, file)
		linked[file+": "+name] = true
	}

	written := 0
	peer := regexp.MustCompile(`(?m)^func (TestPeer_\w+)\(`)
	require.NoError(t, filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range peer.FindAllStringSubmatch(string(text), -1) {
			written++
			require.True(t, linked[filepath.ToSlash(file)+": "+m[1]], "docs/why.md does not link %s of %s", m[1], file)
		}
		return nil
	}))
	require.GreaterOrEqual(t, written, 50, "the search finds the tests")
	for key := range linked {
		if _, name, _ := strings.Cut(key, ": "); strings.HasPrefix(name, "TestPeer_") {
			written--
		}
	}
	require.Zero(t, written, "every link to a TestPeer_ is to one that was found")
}
