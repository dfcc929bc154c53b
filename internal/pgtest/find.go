package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const prefix = "ballast-pgtest-" // of temporary folders; then the process and a random part

// notFoundError says that this machine has no PostgreSQL.
type notFoundError struct{}

func (*notFoundError) Error() string {
	return "no initdb in PATH and none below /usr/lib/postgresql; install one (Debian: apt-get install -y postgresql) or set " + EnvURL
}

// binaries is the folder of initdb and postgres.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && isProgram(filepath.Join(filepath.Dir(path), "postgres")) {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	for _, dir := range found {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", &notFoundError{}
}

func major(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// sweep removes folders of test binaries that were killed: their servers ended
// with them, their files stayed.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		number, _, ok := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if pid, err := strconv.Atoi(number); ok && err == nil && gone(pid) {
			_ = os.RemoveAll(dir) //nolint:errcheck // of another user maybe; the next run tries again
		}
	}
}
