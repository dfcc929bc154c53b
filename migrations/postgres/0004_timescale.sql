-- +ballast Up
-- Only where the extension was created in this database: candles become a
-- hypertable whose older chunks are compressed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('candles', 'open_time', chunk_time_interval => INTERVAL '30 days', migrate_data => true);
        ALTER TABLE candles SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, interval', timescaledb.compress_orderby = 'open_time');
        PERFORM add_compression_policy('candles', INTERVAL '60 days');
    END IF;
END $$;

-- +ballast Down
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN -- only then the next view is there
        IF EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema() AND hypertable_name = 'candles') THEN
            CREATE TABLE candles_plain (LIKE candles INCLUDING DEFAULTS);
            INSERT INTO candles_plain SELECT * FROM candles;
            DROP TABLE candles;
            ALTER TABLE candles_plain RENAME TO candles;
            ALTER TABLE candles ADD PRIMARY KEY (symbol, interval, open_time);
        END IF;
    END IF;
END $$;
