// Package breaker guards calls to something that may hang, fail or refuse:
// a Policy retries, ends calls on time and stops making them while they cannot
// succeed, so that a caller always has an answer or a typed error in time.
//
// The order of composition, from the outside in:
//
//	circuit( total timeout( retry( attempt timeout( call ))))
//
// One failure of the circuit is thus one call whose attempts are exhausted:
// three quick errors inside one call do not open it. A half-open probe makes a
// single attempt, and a call under way stops retrying once the circuit opens.
//
//	policy, err := breaker.New(breaker.Config{Name: "openrouter"})
//	model := llm.ClientFunc(breaker.Wrap(policy, client.Complete))
//
// Config{} is the preset Standard: 3 consecutive failed calls open the circuit
// for 300 s; an attempt has 15 s, a call 1 + 2 attempts and 30 s. Conservative
// is for models that are slow rather than down: 5 failed calls, 600 s, 20 s,
// 1 + 3 attempts.
//
// What an error means is asked of the error (see Classify), so the package
// knows no client. A rate limit is a pause, not a failure; a missing key,
// credit or permission opens the circuit at once; a request that cannot
// succeed and a caller that goes away count for nothing, and as the probe of a
// half-open circuit hold the next one off for a while. A caller's deadline that
// cuts a call counts as the provider's once the provider had a fair time (see
// Do). A failure that names a longer wait than RecoveryTimeout is given it, up
// to MaxCooldown, before the probe. A call whose last attempt was rate limited
// is a failure as well when an earlier attempt was.
//
// Each attempt runs on a goroutine of its own, so that a function that ignores
// its context cannot hold up a caller or a probe. It costs about a microsecond
// and is bounded (Config.MaxAbandoned), counted (Stats) and waited for (Close).
//
// Underneath is sony/gobreaker; TestGobreaker_* name the traps that a Policy
// takes out of it. Its distributed breaker is not used: it holds a shared lock
// for the whole call. Quality is the second circuit of a model, for answers
// that arrive but cannot be decoded. Save and Restore carry either across a
// restart.
package breaker
