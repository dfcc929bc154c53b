-- Three sections: Up; Restore, which runs in its place where Down left an
-- archive; Down. Each runs in one transaction.
-- +ballast Up
ALTER TABLE asset_decisions RENAME TO converting_assets;
ALTER TABLE decisions RENAME TO converting;
CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- the account's number
    name         TEXT NOT NULL UNIQUE,                    -- store.Key of its id
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    decisions    INTEGER NOT NULL DEFAULT 0, -- how many rows of decisions are its
    chain_length INTEGER NOT NULL DEFAULT 0, -- seq of the last link
    chain_head   BLOB NOT NULL             -- hash of the last link, or store.Genesis, which the migration fills in
);
INSERT INTO accounts (id, name, decisions, chain_head)
SELECT account_id, CASE account_id WHEN 1 THEN 'default' ELSE 'account' || account_id END, count(*), x''
FROM converting GROUP BY account_id ORDER BY account_id;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    timestamp TEXT NOT NULL,
    strategy_used TEXT,
    model_used TEXT,
    portfolio_rationale TEXT NOT NULL,
    total_allocation_usd TEXT NOT NULL,
    portfolio_risk_level TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE, -- store.Key of the id that the API uses
    source TEXT NOT NULL, -- model, fallback, hold, legacy
    reason TEXT NOT NULL DEFAULT '',
    strategy_hash TEXT NOT NULL DEFAULT '',
    is_valid INTEGER NOT NULL DEFAULT 1, -- the gate refused nothing
    errors TEXT NOT NULL DEFAULT '[]', -- refusals, of all assets
    warnings TEXT NOT NULL DEFAULT '[]',
    degraded TEXT NOT NULL DEFAULT '[]',
    cached INTEGER NOT NULL DEFAULT 0,
    generation_time_ms TEXT,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd TEXT, -- null: not reported
    executed INTEGER NOT NULL DEFAULT 0,
    executed_at TEXT, -- of the first fill
    seq INTEGER, -- the link; null: legacy
    record_hash BLOB, -- digest of the record
    previous_hash BLOB,
    link_hash BLOB,
    UNIQUE (account_id, seq)
);
CREATE TABLE asset_decisions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id    INTEGER NOT NULL REFERENCES decisions (id),
    position       INTEGER NOT NULL DEFAULT 0, -- place in the decision
    asset          TEXT NOT NULL,
    action         TEXT NOT NULL,
    allocation_usd TEXT NOT NULL,
    tp_price       TEXT,
    sl_price       TEXT,
    exit_plan      TEXT,
    rationale      TEXT NOT NULL,
    confidence     TEXT NOT NULL,
    risk_level     TEXT NOT NULL,
    position_adjustment TEXT,
    order_adjustment TEXT,
    refused INTEGER NOT NULL DEFAULT 0,
    refusal TEXT, -- array of refusals of the asset
    UNIQUE (decision_id, position)
);
INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level, uid, source)
SELECT id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level, 'legacy-' || id, 'legacy'
FROM converting ORDER BY id;
INSERT INTO asset_decisions (id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level
FROM converting_assets ORDER BY id;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'converting'))
WHERE name = 'decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'converting');
INSERT INTO sqlite_sequence (name, seq) SELECT 'decisions', seq FROM sqlite_sequence
WHERE name = 'converting' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'decisions');
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'converting_assets'))
WHERE name = 'asset_decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'converting_assets');
INSERT INTO sqlite_sequence (name, seq) SELECT 'asset_decisions', seq FROM sqlite_sequence
WHERE name = 'converting_assets' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'asset_decisions');
DROP TABLE converting_assets;
DROP TABLE converting;
CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);
CREATE INDEX idx_decisions_account_timestamp ON decisions (account_id, timestamp DESC, uid DESC);
CREATE INDEX idx_decisions_timestamp ON decisions (timestamp DESC, uid DESC);
CREATE INDEX idx_decisions_strategy ON decisions (strategy_used, timestamp DESC, uid DESC);

-- Candles of records: each series once, however many records hold it.
CREATE TABLE record_series (
    hash BLOB PRIMARY KEY, -- SHA-256 of the JSON
    body BLOB NOT NULL     -- the JSON, compressed with zstd
);
CREATE TABLE decision_records (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    schema      INTEGER NOT NULL,
    series      BLOB NOT NULL, -- hashes of record_series, 32 bytes each
    body        BLOB NOT NULL    -- canonical encoding, compressed with zstd
);
CREATE TABLE llm_calls (
    decision_id       INTEGER NOT NULL REFERENCES decisions (id),
    attempt           INTEGER NOT NULL, -- 1, 2, 3 …
    model             TEXT NOT NULL,
    endpoint          TEXT NOT NULL,
    status            TEXT NOT NULL, -- kind of failure; empty: it answered
    latency_ms        TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_usd          TEXT,
    PRIMARY KEY (decision_id, attempt)
);

CREATE TABLE fills (
    key         TEXT PRIMARY KEY,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    asset       TEXT NOT NULL,
    quantity    TEXT NOT NULL,
    price       TEXT NOT NULL,
    fee_usd     TEXT NOT NULL,
    filled_at   TEXT NOT NULL
);
CREATE INDEX idx_fills_decision ON fills (decision_id);
CREATE TABLE trades (
    key            TEXT PRIMARY KEY,
    decision_id    INTEGER NOT NULL REFERENCES decisions (id),
    asset          TEXT NOT NULL,
    pnl_usd        TEXT NOT NULL,
    pnl_percentage TEXT,
    opened_at      TEXT NOT NULL,
    closed_at      TEXT NOT NULL
);
CREATE INDEX idx_trades_decision ON trades (decision_id);
CREATE INDEX idx_trades_closed ON trades (closed_at);
CREATE TABLE equity (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    timestamp  TEXT NOT NULL,
    equity_usd TEXT NOT NULL,
    PRIMARY KEY (account_id, timestamp)
);

CREATE TABLE strategies (
    strategy_id  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    body         TEXT NOT NULL, -- JSON
    saved_at     TEXT NOT NULL,
    version      INTEGER PRIMARY KEY AUTOINCREMENT, -- the highest is the newest
    UNIQUE (strategy_id, content_hash)
);
CREATE TABLE strategy_assignments (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id    INTEGER NOT NULL REFERENCES accounts (id),
    strategy_id   TEXT NOT NULL,
    strategy_hash TEXT NOT NULL, -- empty: whatever is newest
    assigned_by   TEXT NOT NULL,
    assigned_at   TEXT NOT NULL,
    active        INTEGER NOT NULL
);
CREATE UNIQUE INDEX idx_strategy_assignments_active ON strategy_assignments (account_id) WHERE active;

CREATE TABLE halts (
    account   TEXT PRIMARY KEY, -- store.Key of its id; empty: every account
    reason    TEXT NOT NULL,                -- store.Key
    halted_by TEXT NOT NULL,                -- store.Key
    halted_at TEXT NOT NULL
);
CREATE TABLE llm_budgets (
    account         TEXT NOT NULL, -- store.Key of its id
    day             TEXT NOT NULL,
    spent_usd       TEXT NOT NULL DEFAULT 0,
    spent_tokens    INTEGER NOT NULL DEFAULT 0,
    reserved_usd    TEXT NOT NULL DEFAULT 0,
    reserved_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, day)
);
CREATE TABLE llm_reservations (
    id      TEXT PRIMARY KEY, -- store.Key
    account TEXT NOT NULL,
    day     TEXT NOT NULL,
    usd     TEXT NOT NULL,
    tokens  INTEGER NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE breaker_states (
    name     TEXT PRIMARY KEY, -- store.Key
    state    BLOB NOT NULL,               -- JSON, as it was given
    saved_at TEXT NOT NULL
);
CREATE TABLE candles (
    symbol       TEXT NOT NULL,
    interval     TEXT NOT NULL,
    open_time    TEXT NOT NULL,
    open         TEXT NOT NULL,
    high         TEXT NOT NULL,
    low          TEXT NOT NULL,
    close        TEXT NOT NULL,
    volume       TEXT NOT NULL,
    quote_volume TEXT NOT NULL,
    PRIMARY KEY (symbol, interval, open_time)
);
CREATE TABLE api_keys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    key_sha256  BLOB NOT NULL UNIQUE,
    scope       TEXT NOT NULL, -- read, decide, admin
    account_id  INTEGER REFERENCES accounts (id), -- null: every account
    created_at  TEXT NOT NULL,
    revoked_at  TEXT
);

-- +ballast Restore
ALTER TABLE asset_decisions RENAME TO converting_assets;
ALTER TABLE decisions RENAME TO converting;
ALTER TABLE archive_0003_decisions RENAME TO decisions;
ALTER TABLE archive_0003_asset_decisions RENAME TO asset_decisions;
ALTER TABLE archive_0003_accounts RENAME TO accounts;
ALTER TABLE archive_0003_record_series RENAME TO record_series;
ALTER TABLE archive_0003_decision_records RENAME TO decision_records;
ALTER TABLE archive_0003_llm_calls RENAME TO llm_calls;
ALTER TABLE archive_0003_fills RENAME TO fills;
ALTER TABLE archive_0003_trades RENAME TO trades;
ALTER TABLE archive_0003_equity RENAME TO equity;
ALTER TABLE archive_0003_strategies RENAME TO strategies;
ALTER TABLE archive_0003_strategy_assignments RENAME TO strategy_assignments;
ALTER TABLE archive_0003_halts RENAME TO halts;
ALTER TABLE archive_0003_llm_budgets RENAME TO llm_budgets;
ALTER TABLE archive_0003_llm_reservations RENAME TO llm_reservations;
ALTER TABLE archive_0003_breaker_states RENAME TO breaker_states;
ALTER TABLE archive_0003_candles RENAME TO candles;
ALTER TABLE archive_0003_api_keys RENAME TO api_keys;
INSERT INTO accounts (id, name, chain_head)
SELECT n.account_id, CASE WHEN n.account_id = 1 AND NOT EXISTS (SELECT 1 FROM accounts WHERE name = 'default') THEN 'default'
    WHEN EXISTS (SELECT 1 FROM accounts WHERE name = 'account' || n.account_id) THEN 'legacy-account' || n.account_id ELSE 'account' || n.account_id END, x''
FROM (SELECT DISTINCT account_id FROM converting) n
WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = n.account_id) ORDER BY n.account_id;
-- What was edited meanwhile wins, but no link leaves its chain; what was added
-- is legacy; what was deleted comes back.
UPDATE decisions SET
    account_id = CASE WHEN decisions.seq IS NULL THEN l.account_id ELSE decisions.account_id END, timestamp = l.timestamp,
    strategy_used = CASE WHEN l.strategy_used IS substr(decisions.strategy_used, 1, 100) THEN decisions.strategy_used ELSE l.strategy_used END,
    model_used = CASE WHEN l.model_used IS substr(decisions.model_used, 1, 100) THEN decisions.model_used ELSE l.model_used END,
    portfolio_rationale = l.portfolio_rationale, total_allocation_usd = l.total_allocation_usd, portfolio_risk_level = l.portfolio_risk_level
FROM converting l
WHERE l.id = decisions.id
  AND (l.account_id, l.timestamp, l.strategy_used, l.model_used, l.portfolio_rationale, l.total_allocation_usd, l.portfolio_risk_level) IS NOT
      (decisions.account_id, decisions.timestamp, substr(decisions.strategy_used, 1, 100), substr(decisions.model_used, 1, 100), decisions.portfolio_rationale, decisions.total_allocation_usd, decisions.portfolio_risk_level);
INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level, uid, source)
SELECT id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level, 'legacy-' || id, 'legacy'
FROM converting l WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.id = l.id) ORDER BY id;
UPDATE asset_decisions SET
    asset = l.asset, action = l.action, allocation_usd = l.allocation_usd, tp_price = l.tp_price, sl_price = l.sl_price,
    exit_plan = l.exit_plan, rationale = l.rationale, confidence = l.confidence, risk_level = l.risk_level
FROM converting_assets l
WHERE l.id = asset_decisions.id
  AND (l.asset, l.action, l.allocation_usd, l.tp_price, l.sl_price, l.exit_plan, l.rationale, l.confidence, l.risk_level) IS NOT
      (asset_decisions.asset, asset_decisions.action, asset_decisions.allocation_usd, asset_decisions.tp_price, asset_decisions.sl_price, asset_decisions.exit_plan, asset_decisions.rationale, asset_decisions.confidence, asset_decisions.risk_level);
INSERT INTO asset_decisions (id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level
FROM converting_assets l WHERE NOT EXISTS (SELECT 1 FROM asset_decisions a WHERE a.id = l.id) ORDER BY id;
UPDATE accounts SET decisions = c.n FROM (SELECT account_id, count(*) AS n FROM decisions GROUP BY account_id) c
WHERE c.account_id = accounts.id AND c.n <> accounts.decisions;
DROP TABLE converting_assets;
DROP TABLE converting;
CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);

-- +ballast Down
-- The tables are set aside whole, records and chains included. What was refused
-- was never decided, which the tables before cannot say: it stays there.
DROP INDEX idx_asset_decisions_symbol;
ALTER TABLE decisions RENAME TO archive_0003_decisions;
ALTER TABLE asset_decisions RENAME TO archive_0003_asset_decisions;
ALTER TABLE accounts RENAME TO archive_0003_accounts;
ALTER TABLE record_series RENAME TO archive_0003_record_series;
ALTER TABLE decision_records RENAME TO archive_0003_decision_records;
ALTER TABLE llm_calls RENAME TO archive_0003_llm_calls;
ALTER TABLE fills RENAME TO archive_0003_fills;
ALTER TABLE trades RENAME TO archive_0003_trades;
ALTER TABLE equity RENAME TO archive_0003_equity;
ALTER TABLE strategies RENAME TO archive_0003_strategies;
ALTER TABLE strategy_assignments RENAME TO archive_0003_strategy_assignments;
ALTER TABLE halts RENAME TO archive_0003_halts;
ALTER TABLE llm_budgets RENAME TO archive_0003_llm_budgets;
ALTER TABLE llm_reservations RENAME TO archive_0003_llm_reservations;
ALTER TABLE breaker_states RENAME TO archive_0003_breaker_states;
ALTER TABLE candles RENAME TO archive_0003_candles;
ALTER TABLE api_keys RENAME TO archive_0003_api_keys;
CREATE TABLE decisions (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id           INTEGER NOT NULL,
    timestamp            TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    strategy_used        TEXT,
    model_used           TEXT,
    portfolio_rationale  TEXT NOT NULL,
    total_allocation_usd TEXT NOT NULL,
    portfolio_risk_level TEXT NOT NULL
);
CREATE TABLE asset_decisions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id    INTEGER NOT NULL REFERENCES decisions (id),
    position       INTEGER NOT NULL DEFAULT 0, -- place in the decision
    asset          TEXT NOT NULL,
    action         TEXT NOT NULL,
    allocation_usd TEXT NOT NULL,
    tp_price       TEXT,
    sl_price       TEXT,
    exit_plan      TEXT,
    rationale      TEXT NOT NULL,
    confidence     TEXT NOT NULL,
    risk_level     TEXT NOT NULL,
    UNIQUE (decision_id, position)
);
INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level)
SELECT id, account_id, timestamp, substr(strategy_used, 1, 100), substr(model_used, 1, 100), portfolio_rationale, total_allocation_usd, portfolio_risk_level
FROM archive_0003_decisions ORDER BY id;
INSERT INTO asset_decisions (id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, decision_id, position, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level
FROM archive_0003_asset_decisions WHERE NOT refused ORDER BY id;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'archive_0003_decisions'))
WHERE name = 'decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'archive_0003_decisions');
INSERT INTO sqlite_sequence (name, seq) SELECT 'decisions', seq FROM sqlite_sequence
WHERE name = 'archive_0003_decisions' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'decisions');
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'archive_0003_asset_decisions'))
WHERE name = 'asset_decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'archive_0003_asset_decisions');
INSERT INTO sqlite_sequence (name, seq) SELECT 'asset_decisions', seq FROM sqlite_sequence
WHERE name = 'archive_0003_asset_decisions' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'asset_decisions');
CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);
