package llm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/llm"
)

const schemaText = `{"type":"object"}`

func structured(model string) llm.Request {
	return llm.Request{
		Model: model, Schema: &llm.Schema{Name: "s", JSON: []byte(schemaText)},
		Messages: []llm.Message{{Role: llm.RoleSystem, Content: "rules"}, {Role: llm.RoleUser, Content: "data"}},
	}
}

// endpoint takes some formats and records what it was asked.
type endpoint struct {
	mu    sync.Mutex
	takes []llm.Format
	asked []llm.Request
}

func (e *endpoint) Complete(_ context.Context, req llm.Request) (llm.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, req)
	if !slices.Contains(e.takes, req.Format) {
		return llm.Response{}, &llm.Error{Kind: llm.KindConfig, Status: 400, FormatRejected: true}
	}
	return llm.Response{Model: req.Model, Content: "{}"}, nil
}

func (e *endpoint) formats() string {
	var out []string
	for _, req := range e.asked {
		out = append(out, string(req.Format))
	}
	return strings.Join(out, " ")
}

func TestLadderStepsDownAndRemembersPerModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		takes         []llm.Format
		first, second string
	}{
		{[]llm.Format{llm.FormatSchema, llm.FormatObject, llm.FormatText}, "json_schema", "json_schema"},
		{[]llm.Format{llm.FormatObject, llm.FormatText}, "json_schema json_object", "json_object"},
		{[]llm.Format{llm.FormatText}, "json_schema json_object text", "text"},
	} {
		point := &endpoint{takes: tc.takes}
		ladder := llm.NewLadder(point)
		for i, want := range []string{tc.first, tc.first + " " + tc.second, tc.first + " " + tc.second + " " + tc.first} {
			_, err := ladder.Complete(t.Context(), structured([]string{"a", "a", "b"}[i]))
			require.NoError(t, err)
			require.Equal(t, want, point.formats())
		}
	}
}

func TestLadderTellsTheSchemaInWordsWhereTheEndpointDoesNot(t *testing.T) {
	t.Parallel()
	point := &endpoint{takes: []llm.Format{llm.FormatText}}
	req := structured("m")
	_, err := llm.NewLadder(point).Complete(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, "rules", point.asked[0].Messages[0].Content, "json_schema carries it")
	for _, asked := range point.asked[1:] {
		require.True(t, strings.HasPrefix(asked.Messages[0].Content, "rules\n\n"))
		require.Equal(t, 1, strings.Count(asked.Messages[0].Content, schemaText))
		require.Len(t, asked.Messages, 2)
	}
	require.Equal(t, structured("m"), req, "the caller's request is as it was")

	bare := structured("m")
	bare.Messages = bare.Messages[1:]
	_, err = llm.NewLadder(point).Complete(t.Context(), bare)
	require.NoError(t, err)
	last := point.asked[len(point.asked)-1]
	require.Equal(t, llm.RoleSystem, last.Messages[0].Role)
	require.Contains(t, last.Messages[0].Content, schemaText)
	require.Equal(t, "data", last.Messages[1].Content)
}

func TestLadderObeysARequestsOwnFormat(t *testing.T) {
	t.Parallel()
	point := &endpoint{takes: []llm.Format{""}}
	for _, format := range []llm.Format{llm.FormatSchema, llm.FormatObject, llm.FormatText} {
		req := structured("m")
		req.Format = format
		_, err := llm.NewLadder(point).Complete(t.Context(), req)
		require.Error(t, err)
		last := point.asked[len(point.asked)-1]
		require.Equal(t, format != llm.FormatSchema, strings.Contains(last.Messages[0].Content, schemaText))
	}
	require.Equal(t, "json_schema json_object text", point.formats(), "one call each")
	_, err := llm.NewLadder(point).Complete(t.Context(), llm.Request{Model: "m"})
	require.NoError(t, err, "without a schema no format is asked for")
}

func TestLadderStepsDownOnNoOtherFailure(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{
		&llm.Error{Kind: llm.KindConfig, Status: 400}, &llm.Error{Kind: llm.KindServer, FormatRejected: true},
		&llm.Error{Kind: llm.KindRateLimited}, context.Canceled, errors.New("circuit is open"),
	} {
		calls := 0
		_, err := llm.NewLadder(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
			calls++
			return llm.Response{}, failure
		})).Complete(t.Context(), structured("m"))
		require.Equal(t, failure, err)
		require.Equal(t, 1, calls)
	}
}

// A provider that is down for a moment may say the same as one that cannot; but
// it then says so of plain text as well.
func TestLadderForgetsWhenEvenTextIsRejected(t *testing.T) {
	t.Parallel()
	point := &endpoint{}
	ladder := llm.NewLadder(point)
	_, err := ladder.Complete(t.Context(), structured("m"))
	var failure *llm.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "json_schema json_object text", point.formats())
	point.takes, point.asked = []llm.Format{llm.FormatSchema}, nil
	_, err = ladder.Complete(t.Context(), structured("m"))
	require.NoError(t, err)
	require.Equal(t, "json_schema", point.formats())
}

func TestLadderDoesNotStepDownAfterTheContextsEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := llm.NewLadder(llm.ClientFunc(func(context.Context, llm.Request) (llm.Response, error) {
		calls++
		cancel()
		return llm.Response{}, &llm.Error{Kind: llm.KindConfig, FormatRejected: true}
	})).Complete(ctx, structured("m"))
	require.Error(t, err)
	require.Equal(t, 1, calls)
}

// What comes after a rejection does not undo it: the rejected call is not paid
// for again.
func TestLadderRemembersARejectedRungAtOnce(t *testing.T) {
	t.Parallel()
	calls := []llm.Format{}
	ladder := llm.NewLadder(llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		calls = append(calls, req.Format)
		if req.Format == llm.FormatSchema {
			return llm.Response{}, &llm.Error{Kind: llm.KindConfig, Status: 400, FormatRejected: true}
		}
		return llm.Response{}, &llm.Error{Kind: llm.KindServer, Status: 503}
	}))
	for range 3 {
		_, err := ladder.Complete(t.Context(), structured("m"))
		require.Error(t, err)
	}
	require.Equal(t, []llm.Format{llm.FormatSchema, llm.FormatObject, llm.FormatObject, llm.FormatObject}, calls)
}

func TestLadderMemoryIsBoundedAndSafe(t *testing.T) {
	t.Parallel()
	point := &endpoint{takes: []llm.Format{llm.FormatText}}
	ladder := llm.NewLadder(point)
	var wait sync.WaitGroup
	for i := range 300 {
		wait.Go(func() {
			if _, err := ladder.Complete(t.Context(), structured(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	point.asked = nil
	for i := range 300 {
		_, err := ladder.Complete(t.Context(), structured(fmt.Sprint(i)))
		require.NoError(t, err)
	}
	require.Greater(t, len(point.asked), 300, "some were forgotten, and learnt again")
}

func ExampleLadder() {
	endpoint := llm.ClientFunc(func(_ context.Context, req llm.Request) (llm.Response, error) {
		fmt.Println("asked for", req.Format)
		if req.Format == llm.FormatSchema {
			return llm.Response{}, &llm.Error{Kind: llm.KindConfig, Status: 400, FormatRejected: true}
		}
		return llm.Response{Content: "{}"}, nil
	})
	ladder := llm.NewLadder(endpoint)
	req := llm.Request{Model: "test/model", Schema: &llm.Schema{Name: "s", JSON: []byte(`{"type":"object"}`)}}
	for range 2 {
		if _, err := ladder.Complete(context.Background(), req); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// asked for json_schema
	// asked for json_object
	// asked for json_object
}
