-- Shopping carts; the browser chooses their ids.
CREATE TABLE carts (
    id uuid NOT NULL,
    shop text NOT NULL,
    visitor_id uuid NOT NULL,
    item_count integer NOT NULL,
    total_cents integer NOT NULL,
    updated_at timestamptz NOT NULL
);

INSERT INTO carts (id, shop, visitor_id, item_count, total_cents, updated_at)
SELECT md5(:seed || '/cart/' || g)::uuid,
       (ARRAY['de', 'fr', 'nl', 'uk'])[1 + item_hash % 4],
       md5(:seed || '/visitor/' || g / 3)::uuid,
       1 + item_hash % 9,
       100 + item_hash % 30000,
       timestamptz '2023-01-01 UTC' + g * (interval '1 year' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS item_hash) AS drawn;

ALTER TABLE carts ADD PRIMARY KEY (id);
CREATE INDEX carts_visitor_id ON carts (visitor_id);
CREATE INDEX carts_updated_at ON carts (updated_at);
