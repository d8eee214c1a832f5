-- The tables on which the kinds of statement run; :rows rows in the larger ones. In production four or eight times as
-- many as on the clone; `fixed` has the same everywhere.
CREATE TABLE evt (id bigserial PRIMARY KEY, k int NOT NULL, amount numeric, created_by text, at timestamp NOT NULL, pad text);
INSERT INTO evt (k, amount, at, pad)
SELECT g % 1000, g, timestamp '2024-01-01' + g * interval '1 minute', repeat('x', 40) FROM generate_series(1, :rows) g;
CREATE INDEX evt_k ON evt (k);
CREATE TABLE other (id bigint PRIMARY KEY, k int, pad text);
INSERT INTO other SELECT g, g % 1000, repeat('y', 40) FROM generate_series(1, :rows) g;
CREATE TABLE fixed (id int PRIMARY KEY, name text);
INSERT INTO fixed SELECT g, 'n' FROM generate_series(0, 999) g;
CREATE TABLE sink (id bigint, k int, pad text);
CREATE VIEW evt_v AS SELECT id, created_by FROM evt;
CREATE MATERIALIZED VIEW sums AS SELECT k, id % 200 AS part, count(*) AS n, max(pad) AS p FROM evt GROUP BY 1, 2;
CREATE MATERIALIZED VIEW copies AS SELECT id, k, pad FROM evt;
CREATE UNIQUE INDEX copies_id ON copies (id);
CREATE DOMAIN positive AS int;
CREATE TABLE domained (id serial PRIMARY KEY, p positive);
INSERT INTO domained (p) SELECT g FROM generate_series(1, :rows) g;
CREATE TABLE parted (id bigint, k int, pad text) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT g, g, repeat('x', 40) FROM generate_series(1, :rows) g;
CREATE TABLE audit (evt bigint, at timestamptz DEFAULT now());
CREATE TABLE watched (id bigint PRIMARY KEY, v int);
INSERT INTO watched SELECT g, 0 FROM generate_series(1, :rows / 4) g;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO audit (evt) VALUES (NEW.id); RETURN NEW; END';
CREATE TRIGGER note AFTER UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION note();
-- Parents and children, with an index on the foreign key and without one.
CREATE TABLE parent (id int PRIMARY KEY, name text);
INSERT INTO parent SELECT g, 'p' FROM generate_series(1, :rows / 10) g;
CREATE TABLE child (id bigint PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, pad text);
INSERT INTO child SELECT g, 1 + g % (:rows / 10), repeat('x', 40) FROM generate_series(1, :rows) g;
CREATE INDEX child_parent ON child (parent);
CREATE TABLE owner (id int PRIMARY KEY, name text);
INSERT INTO owner SELECT g, 'p' FROM generate_series(1, :rows / 200) g;
CREATE TABLE owned (id bigint PRIMARY KEY, owner int REFERENCES owner ON DELETE CASCADE);
INSERT INTO owned SELECT g, 1 + g % (:rows / 200) FROM generate_series(1, :rows / 8) g;
CREATE FUNCTION backfill() RETURNS void LANGUAGE sql AS 'UPDATE evt SET created_by = ''s''';
CREATE PROCEDURE backfill_in_parts() LANGUAGE plpgsql AS $$
DECLARE last bigint := 0; most bigint;
BEGIN
  SELECT max(id) INTO most FROM evt;
  WHILE last < most LOOP
    UPDATE evt SET created_by = 'p' WHERE id > last AND id <= last + 10000;
    last := last + 10000;
    COMMIT;
  END LOOP;
END $$;
