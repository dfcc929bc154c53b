-- Three sections: Up; Restore, which runs in its place where Down left an
-- archive; Down. Each runs in one transaction.
-- +ballast Up
-- Every legacy row becomes a decision with one asset.
ALTER TABLE decisions RENAME TO converting;
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
SELECT id, account_id, timestamp, strategy_used, model_used, rationale, allocation_usd, risk_level FROM converting ORDER BY id;
INSERT INTO asset_decisions (decision_id, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, symbol, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level FROM converting ORDER BY id;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'converting'))
WHERE name = 'decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'converting');
INSERT INTO sqlite_sequence (name, seq) SELECT 'decisions', seq FROM sqlite_sequence
WHERE name = 'converting' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'decisions');
DROP TABLE converting;
CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);

-- +ballast Restore
ALTER TABLE decisions RENAME TO converting;
ALTER TABLE archive_0002_decisions RENAME TO decisions;
ALTER TABLE archive_0002_asset_decisions RENAME TO asset_decisions;
-- What the old program edited wins over the archive. Portfolio fields follow
-- where they only repeated those of the one asset.
UPDATE decisions SET
    portfolio_rationale = CASE WHEN portfolio_rationale = a.rationale THEN l.rationale ELSE portfolio_rationale END,
    total_allocation_usd = CASE WHEN total_allocation_usd = a.allocation_usd THEN l.allocation_usd ELSE total_allocation_usd END,
    portfolio_risk_level = CASE WHEN portfolio_risk_level = substr(a.risk_level, 1, 10) THEN l.risk_level ELSE portfolio_risk_level END
FROM archive_0002_map m JOIN converting l ON l.id = m.legacy_id JOIN asset_decisions a ON a.id = m.asset_decision_id
WHERE decisions.id = m.decision_id
  AND NOT EXISTS (SELECT 1 FROM asset_decisions o WHERE o.decision_id = m.decision_id AND o.id <> a.id)
  AND (l.symbol, l.action, l.allocation_usd, l.tp_price, l.sl_price, l.exit_plan, l.rationale, l.confidence, l.risk_level) IS NOT
      (substr(a.asset, 1, 20), substr(a.action, 1, 20), a.allocation_usd, a.tp_price, a.sl_price, a.exit_plan, a.rationale, a.confidence, substr(a.risk_level, 1, 10));
UPDATE asset_decisions SET
    asset = CASE WHEN l.symbol = substr(asset_decisions.asset, 1, 20) THEN asset_decisions.asset ELSE l.symbol END,
    action = CASE WHEN l.action = substr(asset_decisions.action, 1, 20) THEN asset_decisions.action ELSE l.action END,
    risk_level = CASE WHEN l.risk_level = substr(asset_decisions.risk_level, 1, 10) THEN asset_decisions.risk_level ELSE l.risk_level END,
    allocation_usd = l.allocation_usd, tp_price = l.tp_price, sl_price = l.sl_price, exit_plan = l.exit_plan,
    rationale = l.rationale, confidence = l.confidence
FROM archive_0002_map m JOIN converting l ON l.id = m.legacy_id
WHERE asset_decisions.id = m.asset_decision_id
  AND (l.symbol, l.action, l.allocation_usd, l.tp_price, l.sl_price, l.exit_plan, l.rationale, l.confidence, l.risk_level) IS NOT
      (substr(asset_decisions.asset, 1, 20), substr(asset_decisions.action, 1, 20), asset_decisions.allocation_usd, asset_decisions.tp_price, asset_decisions.sl_price, asset_decisions.exit_plan, asset_decisions.rationale, asset_decisions.confidence, substr(asset_decisions.risk_level, 1, 10));
-- Of several edited rows of one decision the first is taken.
UPDATE decisions SET account_id = l.account_id, timestamp = l.timestamp, strategy_used = l.strategy_used, model_used = l.model_used
FROM (SELECT m.decision_id, min(m.legacy_id) AS legacy_id
      FROM archive_0002_map m JOIN converting l ON l.id = m.legacy_id JOIN decisions o ON o.id = m.decision_id
      WHERE (l.account_id, l.timestamp, l.strategy_used, l.model_used) IS NOT (o.account_id, o.timestamp, o.strategy_used, o.model_used)
      GROUP BY m.decision_id) e JOIN converting l ON l.id = e.legacy_id
WHERE decisions.id = e.decision_id;
-- What it added is converted; what it deleted comes back.
INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, portfolio_rationale, total_allocation_usd, portfolio_risk_level)
SELECT id, account_id, timestamp, strategy_used, model_used, rationale, allocation_usd, risk_level FROM converting l
WHERE NOT EXISTS (SELECT 1 FROM archive_0002_map m WHERE m.legacy_id = l.id) ORDER BY id;
INSERT INTO asset_decisions (decision_id, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, symbol, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level FROM converting l
WHERE NOT EXISTS (SELECT 1 FROM archive_0002_map m WHERE m.legacy_id = l.id) ORDER BY id;
DROP TABLE converting;
DROP TABLE archive_0002_map;
CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);

-- +ballast Down
-- Each asset of a decision becomes a row: the first has the id of the decision,
-- the others ids after the last. Everything stays in the archive too.
DROP INDEX idx_asset_decisions_symbol;
ALTER TABLE decisions RENAME TO archive_0002_decisions;
ALTER TABLE asset_decisions RENAME TO archive_0002_asset_decisions;
CREATE TABLE archive_0002_map (
    legacy_id         INTEGER PRIMARY KEY,
    decision_id       INTEGER NOT NULL,
    asset_decision_id INTEGER NOT NULL UNIQUE
);
CREATE INDEX archive_0002_map_decision ON archive_0002_map (decision_id);
INSERT INTO archive_0002_map (legacy_id, decision_id, asset_decision_id)
SELECT CASE n WHEN 1 THEN decision_id ELSE (SELECT max(coalesce(max(id), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'archive_0002_decisions'), 0)) FROM archive_0002_decisions) + row_number() OVER (PARTITION BY n > 1 ORDER BY decision_id, n) END, decision_id, id
FROM (SELECT id, decision_id, row_number() OVER (PARTITION BY decision_id ORDER BY position, id) AS n FROM archive_0002_asset_decisions) a;
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
INSERT INTO decisions (id, account_id, timestamp, strategy_used, model_used, symbol, action, allocation_usd, tp_price, sl_price,
    exit_plan, rationale, confidence, risk_level)
SELECT m.legacy_id, d.account_id, d.timestamp, d.strategy_used, d.model_used, substr(a.asset, 1, 20), substr(a.action, 1, 20), a.allocation_usd, a.tp_price, a.sl_price,
    a.exit_plan, a.rationale, a.confidence, substr(a.risk_level, 1, 10)
FROM archive_0002_map m JOIN archive_0002_decisions d ON d.id = m.decision_id JOIN archive_0002_asset_decisions a ON a.id = m.asset_decision_id
ORDER BY m.legacy_id;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT o.seq FROM sqlite_sequence o WHERE o.name = 'archive_0002_decisions'))
WHERE name = 'decisions' AND EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'archive_0002_decisions');
INSERT INTO sqlite_sequence (name, seq) SELECT 'decisions', seq FROM sqlite_sequence
WHERE name = 'archive_0002_decisions' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = 'decisions');
