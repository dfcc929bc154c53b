// Package llmreplay writes down what a model was asked and answered, and
// answers from such a recording instead of a model: for tests against real
// answers, and for looking at a decision again without paying for it.
//
//	recorder := llmreplay.Record(openRouter, file) // ask through it, then look at recorder.Err()
//	player, err := llmreplay.Open(file)            // an llm.Client of its own
//
// A Recorder belongs right around the adapter, inside of breakers and budgets,
// so that each attempt is one call of the recording. A Player asks nobody: the
// package contains no transport.
//
// # Format
//
// A recording is JSON lines. The first is {"format":"ballast-llm","schema":1};
// every other one is a call: the key of its request, the request, the response
// or the error, and how long it took. Request.Account is left out. No field of
// a request or an answer is made for an endpoint's key, and what looks like one
// in an error's message is redacted; but prompts and answers are in it in full,
// with any secret that a host or a model wrote there.
package llmreplay
