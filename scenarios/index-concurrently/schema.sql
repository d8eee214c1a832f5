-- Payments of orders; one in ten is not settled yet.
CREATE TABLE payments (
    id bigint NOT NULL,
    order_id bigint NOT NULL,
    settled_at timestamptz,
    amount_cents integer NOT NULL,
    method text NOT NULL
);

INSERT INTO payments (id, order_id, settled_at, amount_cents, method)
SELECT g,
       1 + order_hash % :rows,
       CASE WHEN order_hash % 10 > 0 THEN timestamptz '2024-01-01 00:00:00+00' + g * interval '5 seconds' END,
       100 + order_hash % 90000,
       (ARRAY['card', 'transfer', 'invoice'])[1 + order_hash % 3]
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g, :seed) & 2147483647 AS order_hash) AS drawn;

ALTER TABLE payments ADD PRIMARY KEY (id);
