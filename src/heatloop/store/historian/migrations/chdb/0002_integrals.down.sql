ALTER TABLE {db}.rollup_10m
    DROP COLUMN integral, DROP COLUMN uncertain_count, DROP COLUMN bad_count,
    DROP COLUMN stale_count, DROP COLUMN estimated_count;

ALTER TABLE {db}.rollup_1h
    DROP COLUMN integral, DROP COLUMN uncertain_count, DROP COLUMN bad_count,
    DROP COLUMN stale_count, DROP COLUMN estimated_count;

ALTER TABLE {db}.rollup_1d
    DROP COLUMN integral, DROP COLUMN uncertain_count, DROP COLUMN bad_count,
    DROP COLUMN stale_count, DROP COLUMN estimated_count;

DROP TABLE {db}.period SYNC;

DROP TABLE {db}.keep SYNC;
