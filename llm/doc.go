// Package llm describes a question to a language model, its answer and its
// failures, behind a Client of one method, so that any decorator (a breaker,
// a budget, a recorder) fits around any provider.
//
// Adapters live one folder below: package openrouter speaks the chat
// completions protocol of OpenRouter and compatible endpoints, package llmtest
// is a provider on loopback that answers, and fails, from a script, and
// package ledgerfile keeps a budget through a crash.
//
// # Composition
//
// From the outside in, each line around the next:
//
//	Failover      one for the engine; shares the deadline among its hops
//	  breaker     one per endpoint and model: retries, timeouts, circuit
//	    Ladder    one per endpoint: may add calls that ask for less structure
//	      Fit     refuses what is too long for the model
//	        Budget    reserves and settles each single call
//	          Trace     notes each single call for Response.Tried
//	            adapter   makes one attempt
//
// Budget and Trace are next to the adapter because breakers and Ladders repeat
// calls, and each call costs. Fit is inside the Ladder, whose words lengthen
// the prompt, and outside the Budget, so that what is not sent is not reserved.
// The Ladder is inside the breaker, for which a rejected format is no failure.
// The breaker is inside the Failover, which must know that a model is not to be
// asked. A hop's breaker hands on what its share of the deadline allows; with
// an AttemptTimeout below that share every timeout counts in full.
//
//	budget, err := llm.NewBudget(llm.BudgetConfig{Client: llm.Trace(endpoint), Ledger: ledger, Daily: limits, Prices: prices})
//	ladder := llm.NewLadder(llm.Fit(budget, contexts))
//	grok := llm.ClientFunc(breaker.Wrap(grokPolicy, ladder.Complete))
//	deepseek := llm.ClientFunc(breaker.Wrap(deepseekPolicy, ladder.Complete))
//	ask, err := llm.NewFailover(llm.FailoverConfig{Hops: []llm.Hop{
//		{Model: "x-ai/grok-4.3", Client: grok},
//		{Model: "deepseek/deepseek-r1", Client: deepseek},
//	}})
package llm
