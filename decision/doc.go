// Package decision turns market data, account state and a model's answer into
// decisions for perpetual futures, and keeps deciding when the model does not.
//
// An Engine decides in four steps: it observes the market, lets the model or
// else a Scorer propose, passes the proposal through the risk gate and records
// the result before it returns it. The gate is a pure function, Rules.Gate;
// its limits bind only what adds risk, so that no limit can keep a losing
// position open. It refuses and never rewrites: what was asked for stands in
// Result.Refused beside the limit that it broke.
//
// Everything around the engine is a seam of one method, so that caches,
// breakers, budgets and recorders are decorators:
//
//	market:  marketdata.NewCache(exchange)
//	model:   llm.ClientFunc(breaker.Wrap(policy, client.Complete))
//	scorer:  fallback.New(...)
//	store:   memory, or one that survives the process
//
// Money and prices are decimals. Percentages are in percent units, times are
// UTC, and AllocationUSD is always a notional: price × quantity, whose margin
// is the allocation ÷ leverage.
package decision
