// Package llmtest is a model provider on loopback that answers, and fails, as
// its script says: for the tests of hosts, and for demos without a key.
//
//	server := llmtest.New(t, llmtest.RateLimited("2"), llmtest.Answer(`{"decisions":[]}`))
//	client, err := openrouter.New(openrouter.Config{BaseURL: server.URL(), Model: "test/model"})
//
// Each request takes the next Step. Scenarios is every known fault with what is
// to come of it (docs/faults.md). Run is the suite that every llm.Client over
// HTTP passes.
package llmtest
