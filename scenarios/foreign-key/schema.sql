-- Ten items to an order on average; each item has an order.
CREATE TABLE orders (
    id bigint NOT NULL,
    placed_on date NOT NULL
);

CREATE TABLE line_items (
    id bigint NOT NULL,
    order_id bigint NOT NULL,
    product_id integer NOT NULL,
    quantity smallint NOT NULL
);

INSERT INTO orders (id, placed_on)
SELECT g, date '2020-01-01' + (g % 1461)::integer
FROM generate_series(1::bigint, 1 + :rows / 10) AS g;

INSERT INTO line_items (id, order_id, product_id, quantity)
SELECT g,
       1 + order_hash % (1 + :rows / 10),
       order_hash % 20000,
       1 + order_hash % 5
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g, :seed) & 2147483647 AS order_hash) AS drawn;

ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE line_items ADD PRIMARY KEY (id);
