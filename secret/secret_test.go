package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm/llmtest"
	"github.com/ballast-go/ballast/llm/openrouter"
	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

const text = "sk-or-v1-c0ffee0123456789"

type exported struct {
	Key secret.Value
	Ptr *secret.Value
}

type unexported struct {
	name string
	key  secret.Value
	keys []secret.Value
	any  any
}

// holders is every struct that holds a Value, by the name of its type, plus
// the shapes in which hosts may hold one.
func holders(t *testing.T) map[string]any {
	t.Helper()
	key := secret.New(text)
	cfg := openrouter.Config{APIKey: key, Model: "m"}
	client, err := openrouter.New(cfg)
	require.NoError(t, err)
	scripted := llmtest.Config{Key: key}
	server, err := llmtest.Start(scripted)
	require.NoError(t, err)
	server.Close() // printing what still runs would race with it
	venue := aster.HMACConfig{Key: key, Secret: key}
	signer, err := aster.NewHMAC(venue)
	require.NoError(t, err)
	return map[string]any{
		"marketdata/aster.AgentConfig":  aster.AgentConfig{Key: key},
		"marketdata/aster.HMACConfig":   venue,
		"marketdata/aster.HMAC":         *signer,
		"*marketdata/aster.HMAC":        signer,
		"llm/openrouter.Config":         cfg,
		"llm/llmtest.Config":            scripted,
		"*llm/openrouter.Config":        &cfg,
		"*llm/openrouter.Client":        client,
		"llm/openrouter.Client":         *client,
		"*llm/llmtest.Server":           server,
		"secret.Value":                  key,
		"*secret.Value":                 &key,
		"a struct, exported field":      exported{Key: key, Ptr: &key},
		"a struct, unexported field":    unexported{name: "n", key: key, keys: []secret.Value{key}, any: key},
		"a pointer to that":             &unexported{key: key, any: &key},
		"a slice":                       []secret.Value{key},
		"a map":                         map[string]secret.Value{"k": key},
		"a slice of any":                []any{key, &key, unexported{key: key}},
		"an error that holds one":       fmt.Errorf("with %v: %w", key, errors.Join(fmt.Errorf("%+v", unexported{key: key}))),
		"a struct that embeds a config": struct{ openrouter.Config }{cfg},
	}
}

func TestNoWayOfPrintingRevealsASecret(t *testing.T) {
	t.Parallel()
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%T", "%t", "%p", "%U", "%c", "%b", "%o", "%e", "%g", "%10.3s", "%-20v", "%w"}
	for name, holder := range holders(t) {
		for _, verb := range verbs {
			requireHidden(t, name+" with "+verb, fmt.Sprintf(verb, holder))
		}
		requireHidden(t, name+" with Sprint", fmt.Sprint(holder)+fmt.Sprintln(holder))
		for handler, out := range logged(t, holder) {
			requireHidden(t, name+" with slog "+handler, out)
		}
		requireHidden(t, name+" with encoding/json", encoded(json.Marshal(holder)))
		requireHidden(t, name+" with jsonx", encoded(jsonx.Marshal(holder)))
	}
}

func logged(t *testing.T, holder any) map[string]string {
	t.Helper()
	var plain, js bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&plain, nil), slog.NewJSONHandler(&js, nil)} {
		slog.New(handler).With(slog.Any("with", holder)).WithGroup("g").
			InfoContext(context.Background(), "static", slog.Any("value", holder), slog.Group("inner", slog.Any("value", holder)))
	}
	require.NotEmpty(t, plain.String())
	require.NotEmpty(t, js.String())
	return map[string]string{"text": plain.String(), "json": js.String()}
}

// encoded is what an encoder wrote, or its error: a struct with a function in
// it cannot be encoded at all.
func encoded(data []byte, err error) string { return fmt.Sprint(string(data), err) }

func requireHidden(t *testing.T, how, out string) {
	t.Helper()
	hex := fmt.Sprintf("%x", text)
	for _, shown := range []string{text, text[9:], hex[20:], strings.ToUpper(hex[20:]), fmt.Sprintf("% x", text)[20:]} {
		require.NotContains(t, out, shown, how)
	}
}

// TestEveryPublicStructWithASecretIsTested reads the source, so that a new
// struct with a Value cannot be forgotten above.
func TestEveryPublicStructWithASecretIsTested(t *testing.T) {
	t.Parallel()
	tested := holders(t)
	found := structsWithSecrets(t, "..")
	require.Contains(t, found, "llm/openrouter.Config", "the search itself works")
	for _, name := range found {
		require.Contains(t, tested, name, "add it to holders")
	}
}

func structsWithSecrets(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"examples", "internal", "testdata", "tools"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		for _, name := range structsIn(file) {
			found = append(found, filepath.ToSlash(dir)+"."+name)
		}
		return err
	})
	require.NoError(t, err)
	return found
}

func structsIn(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if _, isStruct := spec.Type.(*ast.StructType); isStruct && spec.Name.IsExported() && mentionsValue(spec.Type) {
			names = append(names, spec.Name.Name)
		}
		return false
	})
	return names
}

func mentionsValue(expr ast.Expr) bool {
	found := false
	ast.Inspect(expr, func(node ast.Node) bool {
		if sel, ok := node.(*ast.SelectorExpr); ok {
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "secret" && sel.Sel.Name == "Value" {
				found = true
			}
		}
		return !found
	})
	return found
}

func TestValueRevealsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	key := secret.New(text)
	require.Equal(t, text, key.Reveal())
	require.False(t, key.IsZero())
	require.Equal(t, secret.Redacted, key.String())
	require.Equal(t, secret.Redacted, key.GoString())
}

func TestTheZeroValueIsAbsent(t *testing.T) {
	t.Parallel()
	for _, absent := range []secret.Value{{}, secret.New("")} {
		require.True(t, absent.IsZero())
		require.Empty(t, absent.Reveal())
		require.Empty(t, absent.String())
		out, err := json.Marshal(absent)
		require.NoError(t, err)
		require.Equal(t, `""`, string(out))
	}
}

func TestARedactedValueCannotBeReadBack(t *testing.T) {
	t.Parallel()
	var cfg struct{ Key secret.Value }
	require.NoError(t, json.Unmarshal([]byte(`{"Key":"`+text+`"}`), &cfg))
	require.Equal(t, text, cfg.Key.Reveal())
	out, err := json.Marshal(cfg)
	require.NoError(t, err)
	require.JSONEq(t, `{"Key":"[redacted]"}`, string(out))
	require.ErrorIs(t, json.Unmarshal(out, &cfg), secret.ErrEncoded)
	require.Equal(t, text, cfg.Key.Reveal(), "what was there stays")
}

func Example() {
	key := secret.New("sk-or-v1-c0ffee0123456789")
	fmt.Println(key, len(key.Reveal()))
	// Output: [redacted] 25
}
