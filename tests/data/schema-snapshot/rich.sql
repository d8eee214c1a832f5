-- A schema with one of nearly everything. Roles snapshot_reader and snapshot_owner are there.
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE SCHEMA "Sales Dept" AUTHORIZATION snapshot_owner;
GRANT USAGE ON SCHEMA "Sales Dept" TO snapshot_reader;
COMMENT ON SCHEMA "Sales Dept" IS 'who sells';

CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'glad');
COMMENT ON TYPE public.mood IS 'how they feel';
CREATE TYPE "Sales Dept"."Address" AS (street text, "zip code" character varying(10));
CREATE TYPE public.span AS RANGE (subtype = double precision);
CREATE DOMAIN public.email AS text COLLATE "C" DEFAULT 'nobody@example.com' NOT NULL
    CONSTRAINT email_has_at CHECK (VALUE LIKE '%@%');
CREATE COLLATION public.german FROM "C";

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.touched_at := now(); RETURN NEW; END$$;
CREATE FUNCTION public.double_it(amount integer, times integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT amount * times';
REVOKE EXECUTE ON FUNCTION public.double_it(integer, integer) FROM PUBLIC;
CREATE PROCEDURE public.nothing() LANGUAGE sql AS '';
CREATE AGGREGATE public.product(bigint) (SFUNC = int8mul, STYPE = bigint, INITCOND = '1');
CREATE OPERATOR public.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);

CREATE SEQUENCE public.numbers AS integer INCREMENT 5 MINVALUE 10 MAXVALUE 1000 CACHE 3 CYCLE;

CREATE TABLE public.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100) PRIMARY KEY,
    name text COLLATE public.german NOT NULL,
    mail public.email,
    feels public.mood DEFAULT 'ok',
    home "Sales Dept"."Address",
    shouted text GENERATED ALWAYS AS (upper(name)) STORED,
    number integer DEFAULT nextval('public.numbers'),
    touched_at timestamp with time zone DEFAULT now(),
    UNIQUE (name, number)
);
ALTER SEQUENCE public.numbers OWNED BY public.customers.number;
ALTER TABLE public.customers OWNER TO snapshot_owner;
ALTER TABLE public.customers ALTER COLUMN name SET STORAGE EXTERNAL, ALTER COLUMN name SET STATISTICS 250,
    ALTER COLUMN number SET (n_distinct = -0.5);
COMMENT ON COLUMN public.customers.mail IS 'where to write';
GRANT SELECT (id, name) ON public.customers TO snapshot_reader;

CREATE TABLE "Sales Dept"."Orders" (
    "Id" bigint NOT NULL,
    customer_id bigint NOT NULL,
    total numeric(12,2) CONSTRAINT positive CHECK (total > 0),
    placed tstzrange,
    note text,
    PRIMARY KEY ("Id"),
    CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES public.customers ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT no_overlap EXCLUDE USING gist (placed WITH &&)
) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE "Sales Dept"."Orders" ADD CONSTRAINT short_note CHECK (length(note) < 100) NOT VALID;
ALTER TABLE "Sales Dept"."Orders" REPLICA IDENTITY FULL;
ALTER TABLE "Sales Dept"."Orders" CLUSTER ON "Orders_pkey";
CREATE INDEX orders_note ON "Sales Dept"."Orders" (lower(note) text_pattern_ops DESC NULLS LAST) INCLUDE (total) WHERE note IS NOT NULL;
CREATE UNIQUE INDEX orders_unique ON "Sales Dept"."Orders" (customer_id, "Id") WITH (fillfactor = 80);
COMMENT ON INDEX "Sales Dept".orders_note IS 'for searching';
ALTER INDEX "Sales Dept".orders_note ALTER COLUMN 1 SET STATISTICS 500;
CREATE STATISTICS public.orders_stats (dependencies, ndistinct) ON customer_id, total FROM "Sales Dept"."Orders";
CREATE TRIGGER touch_orders BEFORE UPDATE OF note ON "Sales Dept"."Orders" FOR EACH ROW WHEN (NEW.note IS NOT NULL) EXECUTE FUNCTION public.touch();
ALTER TABLE "Sales Dept"."Orders" DISABLE TRIGGER touch_orders;
ALTER TABLE "Sales Dept"."Orders" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON "Sales Dept"."Orders" AS RESTRICTIVE FOR SELECT TO snapshot_reader USING (customer_id > 0);
CREATE RULE no_delete AS ON DELETE TO "Sales Dept"."Orders" DO INSTEAD NOTHING;
GRANT SELECT, INSERT ON "Sales Dept"."Orders" TO snapshot_reader WITH GRANT OPTION;

CREATE TABLE public.events (tenant integer, happened_at timestamp with time zone NOT NULL, body jsonb) PARTITION BY RANGE (happened_at);
CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
CREATE INDEX events_tenant ON public.events (tenant);
CREATE TRIGGER touch_events BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TABLE public.parent (a integer, b text);
CREATE TABLE public.child (c integer) INHERITS (public.parent);
CREATE UNLOGGED TABLE public.scratch (a integer);

CREATE VIEW public.rich_orders WITH (security_barrier = true) AS
    SELECT o."Id", c.name, o.total FROM "Sales Dept"."Orders" o JOIN public.customers c ON c.id = o.customer_id WHERE o.total > 1000;
GRANT SELECT ON public.rich_orders TO snapshot_reader;
COMMENT ON VIEW public.rich_orders IS 'the big ones';
CREATE MATERIALIZED VIEW public.totals AS SELECT customer_id, sum(total) AS total FROM "Sales Dept"."Orders" GROUP BY customer_id WITH NO DATA;
CREATE UNIQUE INDEX totals_customer ON public.totals (customer_id);
ALTER DEFAULT PRIVILEGES FOR ROLE snapshot_owner IN SCHEMA "Sales Dept" GRANT SELECT ON TABLES TO snapshot_reader;
CREATE TEXT SEARCH CONFIGURATION public.english_copy (COPY = english);
CREATE PUBLICATION everything FOR TABLE public.customers WITH (publish = 'insert');
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER dummy OPTIONS (host 'far');
CREATE USER MAPPING FOR snapshot_reader SERVER elsewhere OPTIONS (password 'not to be printed');
CREATE FOREIGN TABLE public.remote (a integer OPTIONS (name 'b')) SERVER elsewhere OPTIONS (path '/x');
