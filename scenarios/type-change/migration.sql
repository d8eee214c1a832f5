ALTER TABLE shipments ALTER COLUMN id TYPE bigint;
