-- Measurements of a fleet of sensors in 2023; the fleet grows, so December has more than three times January's rows.
CREATE TABLE measurements (
    measured_at timestamptz NOT NULL,
    id bigint NOT NULL,
    sensor_id integer NOT NULL,
    celsius real NOT NULL,
    firmware text NOT NULL
) PARTITION BY RANGE (measured_at);

CREATE TABLE measurements_2023_01 PARTITION OF measurements FOR VALUES FROM ('2023-01-01 UTC') TO ('2023-02-01 UTC');
CREATE TABLE measurements_2023_02 PARTITION OF measurements FOR VALUES FROM ('2023-02-01 UTC') TO ('2023-03-01 UTC');
CREATE TABLE measurements_2023_03 PARTITION OF measurements FOR VALUES FROM ('2023-03-01 UTC') TO ('2023-04-01 UTC');
CREATE TABLE measurements_2023_04 PARTITION OF measurements FOR VALUES FROM ('2023-04-01 UTC') TO ('2023-05-01 UTC');
CREATE TABLE measurements_2023_05 PARTITION OF measurements FOR VALUES FROM ('2023-05-01 UTC') TO ('2023-06-01 UTC');
CREATE TABLE measurements_2023_06 PARTITION OF measurements FOR VALUES FROM ('2023-06-01 UTC') TO ('2023-07-01 UTC');
CREATE TABLE measurements_2023_07 PARTITION OF measurements FOR VALUES FROM ('2023-07-01 UTC') TO ('2023-08-01 UTC');
CREATE TABLE measurements_2023_08 PARTITION OF measurements FOR VALUES FROM ('2023-08-01 UTC') TO ('2023-09-01 UTC');
CREATE TABLE measurements_2023_09 PARTITION OF measurements FOR VALUES FROM ('2023-09-01 UTC') TO ('2023-10-01 UTC');
CREATE TABLE measurements_2023_10 PARTITION OF measurements FOR VALUES FROM ('2023-10-01 UTC') TO ('2023-11-01 UTC');
CREATE TABLE measurements_2023_11 PARTITION OF measurements FOR VALUES FROM ('2023-11-01 UTC') TO ('2023-12-01 UTC');
CREATE TABLE measurements_2023_12 PARTITION OF measurements FOR VALUES FROM ('2023-12-01 UTC') TO ('2024-01-01 UTC');

-- The rate grows linearly from 2/5 to 8/5 of its mean; day of the year by inverting its integral, 0.4 x + 0.6 x².
INSERT INTO measurements (measured_at, id, sensor_id, celsius, firmware)
SELECT timestamptz '2023-01-01 UTC'
           + ((sqrt(0.16 + 2.4 * (g - 1) / :rows::double precision) - 0.4) / 1.2 * 365) * interval '1 day',
       g,
       1 + sensor_hash % greatest(:rows / 500, 10),
       (sensor_hash % 400) / 10.0 - 5,
       '2.' || sensor_hash % 7 || '.' || sensor_hash % 13
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS sensor_hash) AS drawn;

ALTER TABLE measurements ADD PRIMARY KEY (measured_at, id);
CREATE INDEX measurements_sensor_id ON measurements (sensor_id, measured_at);
