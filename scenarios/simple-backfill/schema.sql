-- A shop's orders. `customer_id` was added by an earlier migration and is still empty everywhere.
CREATE TABLE orders (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    customer_id bigint,
    status text NOT NULL,
    total_cents integer NOT NULL,
    currency character(3) NOT NULL,
    placed_at timestamptz NOT NULL,
    note text
);

INSERT INTO orders (id, user_id, status, total_cents, currency, placed_at, note)
SELECT g,
       1 + user_hash % (:rows / 10),
       (ARRAY['delivered', 'delivered', 'delivered', 'shipped', 'paid', 'cancelled'])[1 + status_hash % 6],
       199 + total_hash % 50000,
       CASE WHEN status_hash % 5 = 0 THEN 'USD' ELSE 'EUR' END,
       timestamptz '2021-01-01 UTC' + g * (interval '3 years' / :rows) + (total_hash % 600) * interval '1 second',
       CASE WHEN total_hash % 4 = 0 THEN 'Leave it with the neighbours at number ' || total_hash % 100 END
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g * 4, :seed) & 2147483647 AS user_hash,
                     (hashint8extended(g * 4 + 1, :seed) & 2147483647)::integer AS status_hash,
                     (hashint8extended(g * 4 + 2, :seed) & 2147483647)::integer AS total_hash) AS drawn;

ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_user_id ON orders (user_id);
CREATE INDEX orders_placed_at ON orders (placed_at);
