-- +ballast Up
-- Nothing: TimescaleDB is PostgreSQL's. Versions agree between the databases.

-- +ballast Down
-- Nothing.
