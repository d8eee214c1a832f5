-- What the devices of a fleet report. `device_id` is an integer, and there will soon be more devices than it can count.
CREATE TABLE devices (
    id integer PRIMARY KEY,
    model text NOT NULL
);

INSERT INTO devices (id, model)
SELECT g, 'M' || g % 7 FROM generate_series(1, greatest(:rows / 50, 1)) AS g;

CREATE TABLE reports (
    id bigint NOT NULL,
    device_id integer NOT NULL,
    reported_at timestamptz NOT NULL,
    battery smallint NOT NULL,
    message text
);

INSERT INTO reports (id, device_id, reported_at, battery, message)
SELECT g,
       1 + device_hash % greatest(:rows / 50, 1),
       timestamptz '2023-01-01 UTC' + g * (interval '2 years' / :rows),
       battery_hash % 101,
       CASE WHEN battery_hash % 9 = 0 THEN 'Low signal, retried ' || device_hash % 5 || ' times' END
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 2, :seed) & 2147483647)::integer AS device_hash,
                     (hashint8extended(g * 2 + 1, :seed) & 2147483647)::integer AS battery_hash) AS drawn;

ALTER TABLE reports ADD PRIMARY KEY (id);
ALTER TABLE reports ADD CONSTRAINT reports_device_id_fkey FOREIGN KEY (device_id) REFERENCES devices (id);
CREATE INDEX reports_device_id_reported_at ON reports (device_id, reported_at);
VACUUM ANALYZE devices, reports;
