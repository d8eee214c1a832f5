-- Readings of sensors; every one has its sensor, but nothing says so.
CREATE TABLE readings (
    id bigint NOT NULL,
    sensor_id integer,
    measured_at timestamptz NOT NULL,
    value double precision NOT NULL,
    note text
);

INSERT INTO readings (id, sensor_id, measured_at, value, note)
SELECT g,
       1 + sensor_hash % 5000,
       timestamptz '2024-01-01 00:00:00+00' + g * interval '1 second',
       sensor_hash / 1000.0,
       CASE WHEN sensor_hash % 4 = 0 THEN repeat('n', sensor_hash % 120) END
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g, :seed) & 2147483647)::integer AS sensor_hash) AS drawn;

ALTER TABLE readings ADD PRIMARY KEY (id);
