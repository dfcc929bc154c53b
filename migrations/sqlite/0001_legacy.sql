-- +goose Up
-- The schema of a single-asset system: where such a database stands before it
-- is converted.
CREATE TABLE decisions (
    id             integer PRIMARY KEY AUTOINCREMENT,
    account_id     bigint NOT NULL,
    timestamp      timestamptz NOT NULL DEFAULT now(),
    strategy_used  varchar(100),
    model_used     varchar(100),
    symbol         varchar(20) NOT NULL,
    action         varchar(20) NOT NULL,
    allocation_usd numeric NOT NULL,
    tp_price       numeric,
    sl_price       numeric,
    exit_plan      text,
    rationale      text NOT NULL,
    confidence     numeric NOT NULL,
    risk_level     varchar(10) NOT NULL
);

-- +goose Down
DROP TABLE decisions;
