"""SQL of the ClickHouse engines; times come in as numbers, so no zone and no clock is involved."""

from __future__ import annotations

INSERT = "INSERT INTO {db}.{table}{write} SELECT {columns} FROM Python(rows)"
SAMPLE = "point, toDateTime(ts, 'UTC'), value, quality, {version}"
EVENT = "point, fromUnixTimestamp64Milli(at, 'UTC'), subject, text, {version}"
REVISION = "point, toDateTime(ts, 'UTC'), value, quality, method, who, {version}"
PERIOD = "point, period_s, {version}"
RANGE = "ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC')"

# Unordered: putting a few thousand rows in order costs the engine more than reading them.
SOME_RAW = "SELECT point, toUInt32(ts) AS slot, value, quality FROM ({source}) LIMIT {limit}"
RAW = """
SELECT point, toUInt32(ts) AS slot, value, quality FROM ({source})
ORDER BY point, ts LIMIT {limit}"""
LATEST = "SELECT point, toUInt32(ts) AS slot, value, quality FROM {db}.latest FINAL"
ROLLUP = """
SELECT point, toUInt32(ts) AS slot, {columns}
FROM {db}.{table} FINAL WHERE {range} AND {which} LIMIT {limit}"""
EVENTS = """
SELECT DISTINCT point, toUnixTimestamp64Milli(at) AS at_ms, subject, text FROM {db}.event
WHERE at >= fromUnixTimestamp64Milli({start}, 'UTC')
    AND at < fromUnixTimestamp64Milli({end}, 'UTC')
    AND ('' IN (SELECT subject FROM Python(rows)) OR subject IN (SELECT subject FROM Python(rows)))
ORDER BY at_ms, subject, text LIMIT {limit}"""
CHANGED = """
SELECT toUInt32(intDiv(toUnixTimestamp({time}), {step}) * {step}) AS start,
    toUInt64(max(version)) AS counter
FROM {db}.{table} WHERE version > {after} GROUP BY start ORDER BY start"""
STRETCHES = """
SELECT DISTINCT toUInt32(intDiv(toUnixTimestamp(ts), {step}) * {step}) AS start,
    toUInt64(0) AS counter
FROM {db}.{table} ORDER BY start"""
KEYS_OF = """
SELECT point, toUInt32(least(count(), 4294967295)) AS n FROM {db}.{table}
WHERE {range} GROUP BY point ORDER BY point"""
TRACED = """
SELECT DISTINCT point, toUInt32(ts) AS slot, value, quality, toUInt64(version) AS counter
FROM {db}.raw WHERE {range} AND {which} ORDER BY point, slot, counter LIMIT {limit}"""
TRACED_LAID = """
SELECT DISTINCT point, toUInt32(ts) AS slot, value, quality, toUInt64(version) AS counter,
    method, who
FROM {db}.revision WHERE {range} AND {which} ORDER BY point, slot, counter LIMIT {limit}"""
COUNT = "SELECT count() AS n FROM ({source})"
DUPLICATES = """
SELECT sum(n - 1) AS n FROM (
    SELECT count() AS n FROM ({source}) GROUP BY point, ts HAVING n > 1)"""
RECEIVED = """
SELECT point, toUInt32(count()) AS received, toUInt32(countIf(quality = 0)) AS good
FROM {db}.raw FINAL WHERE {range} AND {which} GROUP BY point ORDER BY point"""

# The newest rows of raw are found by the skip index; `latest` gives a counter to start from.
VERSION = """
SELECT greatest(
    (SELECT max(version) FROM {db}.raw
        WHERE version >= (SELECT max(version) FROM {db}.latest)),
    (SELECT max(version) FROM {db}.latest),
    (SELECT max(version) FROM {db}.revision),
    (SELECT max(version) FROM {db}.event)) AS version"""
AFTER = """
SELECT point, toUInt32(max(ts)) AS slot, argMax(value, (ts, version)) AS value,
    argMax(quality, (ts, version)) AS quality
FROM {db}.raw WHERE version > (SELECT max(version) FROM {db}.latest) GROUP BY point"""
THROUGH = "SELECT max(through) AS through FROM {db}.rolled"
LATE_WINDOWS = """
SELECT DISTINCT intDiv(toUInt32(ts), 600) * 600 AS window FROM {db}.{table}
WHERE version > {through}"""
LATE_POINTS = """
SELECT DISTINCT toUInt32(toStartOfDay(ts)) AS day, point FROM {db}.{table}
WHERE version > {through}"""
LAST_SLOT = """
SELECT toUInt32(greatest((SELECT max(ts) FROM {db}.raw), (SELECT max(ts) FROM {db}.revision),
    (SELECT max(ts) FROM {db}.rollup_10m))) AS slot"""
PERIODS = "SELECT point, argMax(period_s, version) AS period_s FROM {db}.period GROUP BY point"
ROLLED = "INSERT INTO {db}.rolled{write} SELECT 'rollups', {through}"
PARTS = """
SELECT table, sum(rows) AS n, sum(data_compressed_bytes) AS bytes, count() AS parts
FROM system.parts WHERE active AND database = '{db}' GROUP BY table"""
PARTITIONS = """
SELECT table, toUInt32OrZero(partition) AS name, sum(rows) AS n, sum(bytes_on_disk) AS stored,
    sum(data_uncompressed_bytes) AS plain
FROM system.parts WHERE active AND database = '{db}' GROUP BY table, name ORDER BY table, name"""
AS_RECEIVED = """
SELECT point, toUInt32(ts) AS slot, value, quality FROM {db}.raw FINAL
WHERE {range} AND {which} ORDER BY point, ts"""
COUNTER = "SELECT max(version) AS counter FROM {db}.raw WHERE {range}"
SPAN = "SELECT min(point) AS low, max(point) AS high, count() AS n FROM {db}.raw WHERE {range}"
IN_PARTITION = "SELECT count() AS n FROM {db}.{table} WHERE _partition_id = '{name}'"
DATABASES = """
SELECT name FROM system.databases
WHERE engine = 'Atomic' AND name NOT IN ('default', 'system') ORDER BY name"""
ANY_REVISION = "SELECT 1 FROM {db}.revision LIMIT 1"
DAYS = """
SELECT DISTINCT toUInt32(toStartOfDay(ts)) AS day
FROM (SELECT ts FROM {db}.raw WHERE {range} UNION ALL SELECT ts FROM {db}.revision WHERE {range})
ORDER BY day"""
