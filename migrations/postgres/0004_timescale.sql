-- +goose Up
-- Only where the extension was created in this database: candles become a
-- hypertable whose older chunks are compressed.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('candles', 'open_time', chunk_time_interval => INTERVAL '30 days', migrate_data => true);
        ALTER TABLE candles SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, interval', timescaledb.compress_orderby = 'open_time');
        PERFORM add_compression_policy('candles', INTERVAL '60 days');
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
