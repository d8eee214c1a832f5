DROP TABLE firmware_versions;
ALTER TABLE measurements DROP COLUMN fahrenheit;
