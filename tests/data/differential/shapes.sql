-- The shapes on which the differential test lets PostgreSQL and the plan judge the same statements. One statement a
-- paragraph; `-- from 14` before it leaves it out on older versions.

CREATE SCHEMA app;

CREATE TYPE mood AS ENUM ('sad', 'ok');

CREATE TYPE pair AS (a int, b text);

CREATE DOMAIN plain_int AS int;

CREATE DOMAIN positive AS int CHECK (VALUE > 0);

CREATE DOMAIN over_positive AS positive;

CREATE DOMAIN stamped AS timestamptz DEFAULT clock_timestamp();

CREATE TYPE holds AS (p positive, q int);

CREATE SEQUENCE sq;

CREATE FUNCTION one() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';

CREATE FUNCTION plus(a int, b int DEFAULT 1) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';

CREATE FUNCTION dice(a int DEFAULT random()::int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN a; END';

CREATE FUNCTION roll() RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN random() * 6; END';

CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

CREATE TABLE plain (id int PRIMARY KEY, a int, b varchar(20), c text, d timestamp, e numeric(8, 2), m mood DEFAULT 'ok',
    s int CONSTRAINT plain_s CHECK (s > 0), u int CONSTRAINT plain_u UNIQUE, p pair, x text COLLATE "C", "Val" int,
    n int NOT NULL, o int DEFAULT plus(1), q bigint DEFAULT nextval('sq'), l int CONSTRAINT plain_l CHECK (l IS NOT NULL));

INSERT INTO plain SELECT g, g, 'b' || g, 'c' || g, now(), g, 'ok', g, g, ROW(g, 'x')::pair, 'x' || g, g, g, g, g, g
    FROM generate_series(1, 2500) g;

CREATE INDEX plain_a ON plain (a);

CREATE INDEX plain_b ON plain (b);

CREATE INDEX plain_lower ON plain (lower(c));

CREATE INDEX plain_some ON plain (a) WHERE b <> '';

CREATE INDEX plain_plus ON plain (plus(a, 1));

CREATE UNIQUE INDEX plain_n ON plain (n);

CREATE INDEX plain_brin ON plain USING brin (a);

CREATE STATISTICS plain_st ON a, s FROM plain;

CREATE TABLE app.plain (id int PRIMARY KEY, a int, b varchar(20), c text);

INSERT INTO app.plain SELECT g, g, 'b' || g, 'c' || g FROM generate_series(1, 2500) g;

CREATE INDEX plain_a ON app.plain (a);

CREATE TABLE app.only_here (id int PRIMARY KEY, v int REFERENCES plain);

INSERT INTO app.only_here SELECT g, g FROM generate_series(1, 2500) g;

CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k serial, a int, g int GENERATED ALWAYS AS (a * 2) STORED,
    f int DEFAULT roll());

INSERT INTO ident (a) SELECT g FROM generate_series(1, 2500) g;

CREATE INDEX ident_g ON ident (g);

CREATE TABLE dom (id int PRIMARY KEY, i plain_int, p positive, o over_positive, arr positive[], h holds, m mood[]);

INSERT INTO dom SELECT g, g, g, g, ARRAY[g]::positive[], ROW(g, g)::holds, '{ok}' FROM generate_series(1, 2500) g;

CREATE INDEX dom_p ON dom (p);

CREATE TABLE refd (id int PRIMARY KEY, code int NOT NULL CONSTRAINT refd_code UNIQUE, v text);

INSERT INTO refd SELECT g, g, 'v' FROM generate_series(1, 3000) g;

CREATE TABLE refs (id int PRIMARY KEY, refd int CONSTRAINT refs_refd REFERENCES refd ON DELETE CASCADE,
    code int CONSTRAINT refs_code REFERENCES refd (code) ON UPDATE CASCADE);

INSERT INTO refs SELECT g, g, g FROM generate_series(1, 3000) g;

CREATE INDEX refs_i ON refs (refd);

CREATE TABLE refs_deep (id int PRIMARY KEY, refs int CONSTRAINT deep_refs REFERENCES refs ON DELETE SET NULL);

INSERT INTO refs_deep SELECT g, g FROM generate_series(1, 3000) g;

ALTER TABLE refs_deep ADD CONSTRAINT deep_late FOREIGN KEY (id) REFERENCES refd (code) NOT VALID;

ALTER TABLE refs_deep ADD CONSTRAINT deep_check CHECK (refs > 0) NOT VALID;

CREATE TABLE selfref (id int PRIMARY KEY, up int CONSTRAINT self_up REFERENCES selfref, v int);

INSERT INTO selfref SELECT g, 1, g FROM generate_series(1, 3000) g;

CREATE TABLE prt (id int NOT NULL, d date NOT NULL, k int NOT NULL DEFAULT 1, v int CONSTRAINT prt_v CHECK (v > 0), w varchar(10),
    r int CONSTRAINT prt_r REFERENCES refd, CONSTRAINT prt_pk PRIMARY KEY (id, d, k)) PARTITION BY RANGE (d);

CREATE TABLE prt_a PARTITION OF prt FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');

CREATE TABLE prt_b PARTITION OF prt FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (k);

CREATE TABLE prt_b1 PARTITION OF prt_b FOR VALUES IN (1);

CREATE TABLE prt_b2 PARTITION OF prt_b FOR VALUES IN (2);

CREATE TABLE prt_def PARTITION OF prt DEFAULT;

INSERT INTO prt SELECT g, date '2024-01-01' + g % 720, 1 + g % 2, g, 'w', 1 + g % 3000 FROM generate_series(1, 8000) g;

INSERT INTO prt SELECT g, date '2027-01-01', 1, g, 'w', g FROM generate_series(1, 2000) g;

CREATE INDEX prt_v ON prt (v);

CREATE INDEX prt_w ON prt (w);

CREATE TRIGGER prt_row AFTER INSERT ON prt FOR EACH ROW EXECUTE FUNCTION keep();

CREATE TRIGGER prt_all AFTER INSERT ON prt FOR EACH STATEMENT EXECUTE FUNCTION keep();

CREATE TABLE new_prt (id int NOT NULL, d date NOT NULL, k int NOT NULL, v int, w varchar(10), r int,
    CONSTRAINT prt_v CHECK (v > 0));

INSERT INTO new_prt SELECT g, '2026-05-05', 1, g, 'w', g FROM generate_series(1, 2500) g;

CREATE TABLE new_fk (id int NOT NULL, d date NOT NULL, k int NOT NULL, v int CONSTRAINT prt_v CHECK (v > 0), w varchar(10),
    r int CONSTRAINT new_fk_r REFERENCES refd, CHECK (d >= '2026-01-01' AND d < '2027-01-01'), PRIMARY KEY (id, d, k));

INSERT INTO new_fk SELECT g, '2026-05-05', 1, g, 'w', g FROM generate_series(1, 2500) g;

CREATE INDEX new_fk_v ON new_fk (v);

CREATE TABLE prt_ref (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);

CREATE TABLE prt_ref_1 PARTITION OF prt_ref FOR VALUES FROM (0) TO (1000);

CREATE TABLE prt_ref_2 PARTITION OF prt_ref FOR VALUES FROM (1000) TO (2000);

INSERT INTO prt_ref SELECT g, g FROM generate_series(1, 1999) g;

CREATE TABLE to_prt (id int PRIMARY KEY, r int CONSTRAINT to_prt_r REFERENCES prt_ref);

INSERT INTO to_prt SELECT g, 6 FROM generate_series(1, 2500) g;

CREATE TABLE new_ref (id int PRIMARY KEY, v int);

INSERT INTO new_ref SELECT 2000 + g, g FROM generate_series(1, 900) g;

CREATE TABLE lst (id int, k text) PARTITION BY LIST (k);

CREATE TABLE lst_a PARTITION OF lst FOR VALUES IN ('a', 'b');

CREATE TABLE lst_c PARTITION OF lst FOR VALUES IN ('c');

INSERT INTO lst SELECT g, CASE g % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END FROM generate_series(1, 6000) g;

CREATE INDEX lst_only ON ONLY lst (id);

CREATE INDEX lst_a_id ON lst_a (id);

CREATE TABLE new_lst (id int, k text);

INSERT INTO new_lst SELECT g, 'd' FROM generate_series(1, 2500) g;

CREATE TABLE hsh (id int NOT NULL, v int) PARTITION BY HASH (id);

CREATE TABLE hsh_0 PARTITION OF hsh FOR VALUES WITH (MODULUS 2, REMAINDER 0);

CREATE TABLE hsh_1 PARTITION OF hsh FOR VALUES WITH (MODULUS 2, REMAINDER 1);

INSERT INTO hsh SELECT g, g FROM generate_series(1, 5000) g;

CREATE TABLE base (id int, v int CONSTRAINT base_v CHECK (v > 0), n int NOT NULL, w varchar(10));

CREATE TABLE kid (x int) INHERITS (base);

CREATE TABLE grandkid (y int) INHERITS (kid);

INSERT INTO base SELECT g, g, g, 'w' FROM generate_series(1, 2500) g;

INSERT INTO kid SELECT g, g, g, 'w', g FROM generate_series(1, 2500) g;

INSERT INTO grandkid SELECT g, g, g, 'w', g, g FROM generate_series(1, 2500) g;

ALTER TABLE base ADD CONSTRAINT base_own CHECK (id > 0) NO INHERIT;

CREATE INDEX base_i ON base (v);

CREATE INDEX kid_i ON kid (v);

CREATE TABLE new_kid (id int, v int CONSTRAINT base_v CHECK (v > 0), n int NOT NULL, w varchar(10), x int);

INSERT INTO new_kid SELECT g, g, g, 'w', g FROM generate_series(1, 2500) g;

CREATE TABLE trig (id int PRIMARY KEY, v int, w text);

INSERT INTO trig SELECT g, g, 'w' FROM generate_series(1, 2500) g;

CREATE TRIGGER trig_row BEFORE UPDATE ON trig FOR EACH ROW WHEN (NEW.v > plus(1)) EXECUTE FUNCTION keep();

CREATE RULE trig_rule AS ON DELETE TO trig DO ALSO INSERT INTO plain (id, n) VALUES (1000, 1000);

CREATE TABLE rls (id int PRIMARY KEY, owner text, v int);

INSERT INTO rls SELECT g, 'o', g FROM generate_series(1, 2500) g;

CREATE POLICY rls_own ON rls USING (v > one());

CREATE TABLE lonely (id int, v int, w text);

INSERT INTO lonely SELECT g, g, 'w' FROM generate_series(1, 2500) g;

CREATE TABLE bare (id int, v int);

CREATE UNLOGGED TABLE ulog (id int PRIMARY KEY, k serial);

INSERT INTO ulog SELECT g FROM generate_series(1, 2500) g;

CREATE TABLE typed OF pair;

INSERT INTO typed SELECT g, 'x' FROM generate_series(1, 2500) g;

CREATE FOREIGN DATA WRAPPER nowhere;

CREATE SERVER far FOREIGN DATA WRAPPER nowhere;

CREATE FOREIGN TABLE ftab (id int, v int) SERVER far;

CREATE VIEW v_plain AS SELECT id, a, b FROM plain;

CREATE VIEW v_nested AS SELECT id, a FROM v_plain WHERE a > 0;

CREATE VIEW v_join AS SELECT r.id, d.v FROM refs r JOIN refd d ON d.id = r.refd;

CREATE VIEW v_type AS SELECT 'ok'::mood AS m, one() AS o;

CREATE VIEW v_part AS SELECT id, v FROM prt;

CREATE VIEW v_steps AS SELECT id, v FROM trig;

CREATE TRIGGER v_instead INSTEAD OF UPDATE ON v_join FOR EACH ROW EXECUTE FUNCTION keep();

CREATE RULE v_rule AS ON DELETE TO v_join DO INSTEAD DELETE FROM lonely WHERE lonely.id = OLD.id;

CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM plain;

CREATE UNIQUE INDEX mv_id ON mv (id);

CREATE MATERIALIZED VIEW mv_over AS SELECT id FROM mv;

CREATE PUBLICATION pub FOR TABLE refd, prt;

-- from 18
CREATE TABLE virt (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) VIRTUAL, CONSTRAINT virt_a CHECK (a > 0) NOT ENFORCED);

-- from 18
INSERT INTO virt (id, a) SELECT g, g FROM generate_series(1, 2500) g;

-- from 18
ALTER TABLE virt ADD CONSTRAINT virt_fk FOREIGN KEY (id) REFERENCES refd NOT ENFORCED;

-- from 18
ALTER TABLE virt ADD CONSTRAINT virt_nn NOT NULL a NOT VALID;
