-- Payments and the orders they belong to; half as many orders as payments, in no common order.
CREATE TABLE orders (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    reference text NOT NULL,
    shipping_address text NOT NULL
);

INSERT INTO orders (id, customer_id, reference, shipping_address)
SELECT g,
       1 + customer_hash % greatest(:rows / 20, 1),
       'R-' || lpad(to_hex(customer_hash), 8, '0'),
       1 + customer_hash % 200 || ' Harbour Street, ' || 10000 + customer_hash % 80000 || ' Port Ellen'
FROM generate_series(1::bigint, :rows / 2) AS g,
     LATERAL (SELECT hashint8extended(g * 4, :seed) & 2147483647 AS customer_hash) AS drawn;

ALTER TABLE orders ADD PRIMARY KEY (id);

CREATE TABLE payments (
    id bigint NOT NULL,
    order_id bigint NOT NULL,
    method text NOT NULL,
    amount_cents integer NOT NULL,
    received_at timestamptz NOT NULL
);

INSERT INTO payments (id, order_id, method, amount_cents, received_at)
SELECT g,
       1 + order_hash % (:rows / 2),
       (ARRAY['card', 'card', 'transfer', 'voucher'])[1 + amount_hash % 4],
       99 + amount_hash % 40000,
       timestamptz '2022-01-01 UTC' + g * (interval '2 years' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g * 4 + 1, :seed) & 2147483647 AS order_hash,
                     (hashint8extended(g * 4 + 2, :seed) & 2147483647)::integer AS amount_hash) AS drawn;

ALTER TABLE payments ADD PRIMARY KEY (id);
ALTER TABLE payments ADD FOREIGN KEY (order_id) REFERENCES orders;
CREATE INDEX payments_order_id ON payments (order_id);
CREATE INDEX payments_received_at ON payments (received_at);
