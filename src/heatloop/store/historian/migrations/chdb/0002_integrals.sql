-- Integrals (value x hours) and counts by quality in the roll-ups. Windows kept from before get
-- what can be told of them; those whose samples are still there are computed anew, because
-- `rolled` forgets how far it was.
ALTER TABLE {db}.rollup_10m
    ADD COLUMN IF NOT EXISTS integral Float64 DEFAULT if(count = 0, nan, mean / 6)
        CODEC(Delta(8), ZSTD(1)) AFTER high,
    ADD COLUMN IF NOT EXISTS uncertain_count UInt32
        DEFAULT toUInt32(greatest(toInt64(count) - good_count, 0)) CODEC(Delta(4), ZSTD(1))
        AFTER good_count,
    ADD COLUMN IF NOT EXISTS bad_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER uncertain_count,
    ADD COLUMN IF NOT EXISTS stale_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER bad_count,
    ADD COLUMN IF NOT EXISTS estimated_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER stale_count;

ALTER TABLE {db}.rollup_1h
    ADD COLUMN IF NOT EXISTS integral Float64 DEFAULT if(count = 0, nan, mean)
        CODEC(Delta(8), ZSTD(1)) AFTER high,
    ADD COLUMN IF NOT EXISTS uncertain_count UInt32
        DEFAULT toUInt32(greatest(toInt64(count) - good_count, 0)) CODEC(Delta(4), ZSTD(1))
        AFTER good_count,
    ADD COLUMN IF NOT EXISTS bad_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER uncertain_count,
    ADD COLUMN IF NOT EXISTS stale_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER bad_count,
    ADD COLUMN IF NOT EXISTS estimated_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER stale_count;

ALTER TABLE {db}.rollup_1d
    ADD COLUMN IF NOT EXISTS integral Float64 DEFAULT if(count = 0, nan, mean * 24)
        CODEC(Delta(8), ZSTD(1)) AFTER high,
    ADD COLUMN IF NOT EXISTS uncertain_count UInt32
        DEFAULT toUInt32(greatest(toInt64(count) - good_count, 0)) CODEC(Delta(4), ZSTD(1))
        AFTER good_count,
    ADD COLUMN IF NOT EXISTS bad_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER uncertain_count,
    ADD COLUMN IF NOT EXISTS stale_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER bad_count,
    ADD COLUMN IF NOT EXISTS estimated_count UInt32 DEFAULT 0 CODEC(Delta(4), ZSTD(1))
        AFTER stale_count;

-- Sampling periods of points, for the gaps of integrals.
CREATE TABLE IF NOT EXISTS {db}.period (
    point UInt32 CODEC(Delta(4), ZSTD(1)),
    period_s UInt32 CODEC(Delta(4), ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY point
SETTINGS index_granularity = 8192, {durable};

-- Points whose samples outlive those of a partition that retention takes apart.
CREATE TABLE IF NOT EXISTS {db}.keep (
    point UInt32 CODEC(Delta(4), ZSTD(1))
) ENGINE = MergeTree
ORDER BY point
SETTINGS index_granularity = 8192, {durable};

TRUNCATE TABLE {db}.rolled;
