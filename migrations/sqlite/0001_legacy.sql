-- Three sections: Up; Restore, which runs in its place where Down left an
-- archive; Down. Each runs in one transaction.
-- Money is TEXT with exact digits, times are TEXT of fixed width in UTC.
-- +ballast Up
-- The schema of a single-asset system: where such a database stands before it
-- is converted.
CREATE TABLE decisions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id     INTEGER NOT NULL,
    timestamp      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    strategy_used  TEXT,
    model_used     TEXT,
    symbol         TEXT NOT NULL,
    action         TEXT NOT NULL,
    allocation_usd TEXT NOT NULL,
    tp_price       TEXT,
    sl_price       TEXT,
    exit_plan      TEXT,
    rationale      TEXT NOT NULL,
    confidence     TEXT NOT NULL,
    risk_level     TEXT NOT NULL
);

-- +ballast Restore
ALTER TABLE archive_0001_decisions RENAME TO decisions;

-- +ballast Down
-- The table is set aside, not dropped.
ALTER TABLE decisions RENAME TO archive_0001_decisions;
