-- +goose Up
CREATE TABLE accounts (
    id           integer PRIMARY KEY AUTOINCREMENT, -- the account's number
    name         text COLLATE "C" NOT NULL UNIQUE,                    -- store.Key of its id
    created_at   timestamptz NOT NULL DEFAULT now(),
    decisions    bigint NOT NULL DEFAULT 0, -- how many rows of decisions are its
    chain_length bigint NOT NULL DEFAULT 0, -- seq of the last link
    chain_head   bytea NOT NULL             -- hash of the last link, or store.Genesis
);
INSERT INTO accounts (id, name, decisions, chain_head)
SELECT account_id, n.name, n.decisions, sha256(convert_to('ballast.chain.v1' || chr(10) || n.name, 'UTF8'))
FROM (SELECT account_id, CASE account_id WHEN 1 THEN 'default' ELSE 'account' || account_id END AS name, count(*) AS decisions
      FROM decisions GROUP BY account_id) n ORDER BY account_id;
SELECT setval(pg_get_serial_sequence('accounts', 'id'), GREATEST((SELECT max(id) FROM accounts), 1), EXISTS (SELECT FROM accounts));

ALTER TABLE decisions
    ALTER COLUMN strategy_used TYPE text,
    ALTER COLUMN model_used TYPE text,
    ALTER COLUMN timestamp DROP DEFAULT,
    ADD CONSTRAINT decisions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id),
    ADD COLUMN uid text COLLATE "C",                 -- store.Key of the id that the API uses
    ADD COLUMN source text NOT NULL DEFAULT 'legacy', -- model, fallback, hold, legacy
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN strategy_hash text NOT NULL DEFAULT '',
    ADD COLUMN is_valid boolean NOT NULL DEFAULT true,  -- the gate refused nothing
    ADD COLUMN errors jsonb NOT NULL DEFAULT '[]',      -- refusals, of all assets
    ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN degraded jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN cached boolean NOT NULL DEFAULT false,
    ADD COLUMN generation_time_ms numeric,
    ADD COLUMN prompt_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN completion_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN cost_usd numeric,                        -- null: not reported
    ADD COLUMN executed boolean NOT NULL DEFAULT false,
    ADD COLUMN executed_at timestamptz,                 -- of the first fill
    ADD COLUMN seq bigint,                              -- the link; null: legacy
    ADD COLUMN record_hash bytea,                       -- digest of the record
    ADD COLUMN previous_hash bytea,
    ADD COLUMN link_hash bytea;
UPDATE decisions SET uid = 'legacy-' || id;
ALTER TABLE decisions
    ALTER COLUMN uid SET NOT NULL,
    ALTER COLUMN source DROP DEFAULT,
    ADD CONSTRAINT decisions_uid_key UNIQUE (uid),
    ADD CONSTRAINT decisions_link UNIQUE (account_id, seq);
CREATE INDEX idx_decisions_account_timestamp ON decisions (account_id, timestamp DESC, uid DESC);
CREATE INDEX idx_decisions_timestamp ON decisions (timestamp DESC, uid DESC);
CREATE INDEX idx_decisions_strategy ON decisions (strategy_used, timestamp DESC, uid DESC);

ALTER TABLE asset_decisions
    ADD COLUMN position_adjustment jsonb,
    ADD COLUMN order_adjustment jsonb,
    ADD COLUMN refused boolean NOT NULL DEFAULT false,
    ADD COLUMN refusal jsonb; -- array of refusals of the asset

-- Candles of records: each series once, however many records hold it.
CREATE TABLE record_series (
    hash bytea PRIMARY KEY, -- SHA-256 of the JSON
    body bytea NOT NULL     -- the JSON, compressed with zstd
);
CREATE TABLE decision_records (
    decision_id bigint PRIMARY KEY REFERENCES decisions (id),
    schema      integer NOT NULL,
    series      bytea[] NOT NULL, -- hashes of record_series
    body        bytea NOT NULL    -- canonical encoding, compressed with zstd
);
CREATE TABLE llm_calls (
    decision_id       bigint NOT NULL REFERENCES decisions (id),
    attempt           integer NOT NULL, -- 1, 2, 3 …
    model             text NOT NULL,
    endpoint          text NOT NULL,
    status            text NOT NULL, -- kind of failure; empty: it answered
    latency_ms        numeric NOT NULL,
    prompt_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cost_usd          numeric,
    PRIMARY KEY (decision_id, attempt)
);

CREATE TABLE fills (
    key         text COLLATE "C" PRIMARY KEY,
    decision_id bigint NOT NULL REFERENCES decisions (id),
    asset       text NOT NULL,
    quantity    numeric NOT NULL,
    price       numeric NOT NULL,
    fee_usd     numeric NOT NULL,
    filled_at   timestamptz NOT NULL
);
CREATE INDEX idx_fills_decision ON fills (decision_id);
CREATE TABLE trades (
    key            text COLLATE "C" PRIMARY KEY,
    decision_id    bigint NOT NULL REFERENCES decisions (id),
    asset          text NOT NULL,
    pnl_usd        numeric NOT NULL,
    pnl_percentage numeric,
    opened_at      timestamptz NOT NULL,
    closed_at      timestamptz NOT NULL
);
CREATE INDEX idx_trades_decision ON trades (decision_id);
CREATE INDEX idx_trades_closed ON trades (closed_at);
CREATE TABLE equity (
    account_id bigint NOT NULL REFERENCES accounts (id),
    timestamp  timestamptz NOT NULL,
    equity_usd numeric NOT NULL,
    PRIMARY KEY (account_id, timestamp)
);

CREATE TABLE strategies (
    strategy_id  text COLLATE "C" NOT NULL,
    content_hash text NOT NULL,
    body         text NOT NULL, -- JSON
    saved_at     timestamptz NOT NULL,
    version      bigint GENERATED BY DEFAULT AS IDENTITY, -- the highest is the newest
    PRIMARY KEY (strategy_id, content_hash)
);
CREATE TABLE strategy_assignments (
    id            integer PRIMARY KEY AUTOINCREMENT,
    account_id    bigint NOT NULL REFERENCES accounts (id),
    strategy_id   text NOT NULL,
    strategy_hash text NOT NULL, -- empty: whatever is newest
    assigned_by   text NOT NULL,
    assigned_at   timestamptz NOT NULL,
    active        boolean NOT NULL
);
CREATE UNIQUE INDEX idx_strategy_assignments_active ON strategy_assignments (account_id) WHERE active;

CREATE TABLE halts (
    account   text COLLATE "C" PRIMARY KEY, -- store.Key of its id; empty: every account
    reason    text NOT NULL,                -- store.Key
    halted_by text NOT NULL,                -- store.Key
    halted_at timestamptz NOT NULL
);
CREATE TABLE llm_budgets (
    account         text COLLATE "C" NOT NULL, -- store.Key of its id
    day             date NOT NULL,
    spent_usd       numeric NOT NULL DEFAULT 0,
    spent_tokens    bigint NOT NULL DEFAULT 0,
    reserved_usd    numeric NOT NULL DEFAULT 0,
    reserved_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, day)
);
CREATE TABLE llm_reservations (
    id      text COLLATE "C" PRIMARY KEY, -- store.Key
    account text NOT NULL,
    day     date NOT NULL,
    usd     numeric NOT NULL,
    tokens  bigint NOT NULL,
    settled boolean NOT NULL DEFAULT false
);
CREATE TABLE breaker_states (
    name     text COLLATE "C" PRIMARY KEY, -- store.Key
    state    bytea NOT NULL,               -- JSON, as it was given
    saved_at timestamptz NOT NULL
);
CREATE TABLE candles (
    symbol       text NOT NULL,
    interval     text NOT NULL,
    open_time    timestamptz NOT NULL,
    open         numeric NOT NULL,
    high         numeric NOT NULL,
    low          numeric NOT NULL,
    close        numeric NOT NULL,
    volume       numeric NOT NULL,
    quote_volume numeric NOT NULL,
    PRIMARY KEY (symbol, interval, open_time)
);
CREATE TABLE api_keys (
    id          integer PRIMARY KEY AUTOINCREMENT,
    name        text NOT NULL,
    key_sha256  bytea NOT NULL UNIQUE,
    scope       text NOT NULL, -- read, decide, admin
    account_id  bigint REFERENCES accounts (id), -- null: every account
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);

-- +goose Down
