-- One row, locked by whoever writes: reception counters rise in the order of commits.
CREATE TABLE state (
    one integer PRIMARY KEY CHECK (one = 1),
    counter bigint NOT NULL,
    dictionary bigint NOT NULL,
    through bigint NOT NULL,
    newest_counter bigint NOT NULL,
    newest bytea NOT NULL
);
INSERT INTO state VALUES (1, 0, 0, 0, 0, '');

-- Which keys stand in a frame, in order. A frame only grows: a new version has the keys of the
-- one before and more behind them, so the rows written before stay right.
CREATE TABLE frame_set (
    frame integer NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    keys integer[] NOT NULL,
    counter bigint NOT NULL,
    PRIMARY KEY (frame, version)
);

CREATE TABLE point_period (
    key integer PRIMARY KEY,
    period_s integer NOT NULL
);

-- One row a device a tick. `quality` has one byte a value, 255 for a value that never came; null
-- when all came and all are good. `n` counts those that came.
CREATE TABLE frame (
    frame integer NOT NULL,
    slot bigint NOT NULL,
    counter bigint NOT NULL,
    n smallint NOT NULL,
    vals double precision[] NOT NULL,
    quality bytea,
    PRIMARY KEY (frame, slot)
) PARTITION BY RANGE (slot);
CREATE INDEX frame_counter ON frame USING brin (counter) WITH (pages_per_range = 16);

CREATE TABLE revision (
    key integer NOT NULL,
    slot bigint NOT NULL,
    counter bigint NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL,
    method text NOT NULL,
    who text NOT NULL,
    PRIMARY KEY (key, slot, counter)
) PARTITION BY RANGE (slot);
CREATE INDEX revision_counter ON revision USING brin (counter) WITH (pages_per_range = 16);

-- The digest makes an event sent again the same event, however long its text.
CREATE TABLE event (
    at bigint NOT NULL,
    key integer NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    digest bytea NOT NULL,
    counter bigint NOT NULL,
    PRIMARY KEY (at, key, digest)
) PARTITION BY RANGE (at);
CREATE INDEX event_subject ON event (subject, at);

-- Statistics of 10 minutes, 1 hour and 1 local day; arrays in the order of the frame's keys,
-- `origin` 255 where there is nothing.
CREATE TABLE rollup_10m (
    frame integer NOT NULL,
    slot bigint NOT NULL,
    n smallint NOT NULL,
    count integer[] NOT NULL,
    low double precision[] NOT NULL,
    mean double precision[] NOT NULL,
    high double precision[] NOT NULL,
    integral double precision[] NOT NULL,
    last double precision[] NOT NULL,
    good_count integer[] NOT NULL,
    uncertain_count integer[] NOT NULL,
    bad_count integer[] NOT NULL,
    stale_count integer[] NOT NULL,
    estimated_count integer[] NOT NULL,
    origin bytea NOT NULL,
    PRIMARY KEY (frame, slot)
) PARTITION BY RANGE (slot);
CREATE TABLE rollup_1h (LIKE rollup_10m INCLUDING INDEXES) PARTITION BY RANGE (slot);
CREATE TABLE rollup_1d (LIKE rollup_10m INCLUDING INDEXES) PARTITION BY RANGE (slot);
