-- Shipments whose key is about to run out of integers.
CREATE TABLE shipments (
    id integer NOT NULL,
    order_id bigint NOT NULL,
    sent_on date NOT NULL,
    weight_grams integer NOT NULL,
    address text NOT NULL
);

INSERT INTO shipments (id, order_id, sent_on, weight_grams, address)
SELECT g,
       1 + order_hash % :rows,
       date '2022-01-01' + (g % 900),
       10 + order_hash % 30000,
       order_hash % 300 || ' ' || md5(order_hash::text) || ' street'
FROM generate_series(1, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g, :seed) & 2147483647)::integer AS order_hash) AS drawn;

ALTER TABLE shipments ADD PRIMARY KEY (id);
CREATE INDEX shipments_order_id ON shipments (order_id);
