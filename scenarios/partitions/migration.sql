-- Fahrenheit for the American customers, and a list of the firmware versions in use.
ALTER TABLE measurements ADD COLUMN fahrenheit real;

UPDATE measurements SET fahrenheit = celsius * 1.8 + 32 WHERE fahrenheit IS NULL;

CREATE TABLE firmware_versions (version text PRIMARY KEY, first_seen_at timestamptz NOT NULL);

INSERT INTO firmware_versions (version, first_seen_at)
SELECT firmware, min(measured_at) FROM measurements GROUP BY firmware;
