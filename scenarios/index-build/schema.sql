-- Events of customers in the order in which they happened; a customer's events lie all over the table.
CREATE TABLE events (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    kind smallint NOT NULL,
    payload text NOT NULL
);

INSERT INTO events (id, customer_id, happened_at, kind, payload)
SELECT g,
       1 + customer_hash % (1 + :rows / 40),
       timestamptz '2024-01-01 00:00:00+00' + g * interval '3 seconds',
       customer_hash % 12,
       md5(customer_hash::text)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g, :seed) & 2147483647 AS customer_hash) AS drawn;

ALTER TABLE events ADD PRIMARY KEY (id);
