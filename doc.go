// Package ballast names the module; the code is in the packages below it.
//
// Ballast turns market data, account state and a language model's answer into
// decisions for multi-asset perpetual futures, and keeps deciding when the
// model does not. What adds risk passes one gate and is recorded before it is
// returned.
//
//   - decision: the engine, its types, the gate, prompts and decoding
//   - marketdata: candles, quotes, sources (CSV, simulated), cache;
//     marketdata/indicator: the indicators, with a second implementation over
//     cinar/indicator (AGPL-3.0) in marketdata/indicator/cinar;
//     marketdata/aster reads AsterDEX, marketdata/astertest is a fake of it for
//     tests, marketdata/marketreplay records and replays snapshots
//   - fallback: the technical risk score and the proposal made from it
//   - llm: models behind one method; llm/openrouter speaks to OpenRouter and
//     compatible endpoints, llm/llmtest is a provider that fails on a script,
//     llm/llmreplay records and replays, llm/ledgerfile keeps a budget on disk
//   - breaker: attempts, retries, circuit and cooldown around any seam
//   - store: records, history, outcomes, statistics, kill switches, budgets;
//     store/postgres, store/sqlite and store/memory keep them, store/spool keeps
//     records while a store is down, store/haltfile kill switches in a file;
//     store/audit tells whether the history was edited, decision/replay derives a
//     record again
//   - migrations: the schema of the databases, up and down with its data;
//     store/legacy imports from a single-asset system
//   - secret: keys that no way of printing reveals
//
// The example below is a whole host. Packages whose names end in "test" help
// hosts to test their own implementations of the seams.
package ballast
