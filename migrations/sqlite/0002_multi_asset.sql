-- +goose Up
-- Every legacy row becomes a decision with one asset.
CREATE TABLE asset_decisions (
    id             integer PRIMARY KEY AUTOINCREMENT,
    decision_id    bigint NOT NULL REFERENCES decisions (id),
    position       integer NOT NULL DEFAULT 0, -- place in the decision
    asset          text NOT NULL,
    action         text NOT NULL,
    allocation_usd numeric NOT NULL,
    tp_price       numeric,
    sl_price       numeric,
    exit_plan      text,
    rationale      text NOT NULL,
    confidence     numeric NOT NULL,
    risk_level     text NOT NULL,
    UNIQUE (decision_id, position)
);
ALTER TABLE decisions
    ADD COLUMN portfolio_rationale text,
    ADD COLUMN total_allocation_usd numeric,
    ADD COLUMN portfolio_risk_level varchar(10);

INSERT INTO asset_decisions (decision_id, asset, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level)
SELECT id, symbol, action, allocation_usd, tp_price, sl_price, exit_plan, rationale, confidence, risk_level FROM decisions ORDER BY id;
UPDATE decisions SET portfolio_rationale = rationale, total_allocation_usd = allocation_usd, portfolio_risk_level = risk_level;

ALTER TABLE decisions
    ALTER COLUMN portfolio_rationale SET NOT NULL,
    ALTER COLUMN total_allocation_usd SET NOT NULL,
    ALTER COLUMN portfolio_risk_level SET NOT NULL,
    DROP COLUMN symbol, DROP COLUMN action, DROP COLUMN allocation_usd, DROP COLUMN tp_price, DROP COLUMN sl_price,
    DROP COLUMN exit_plan, DROP COLUMN rationale, DROP COLUMN confidence, DROP COLUMN risk_level;

CREATE INDEX idx_asset_decisions_symbol ON asset_decisions (asset);

-- +goose Down
