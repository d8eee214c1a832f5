-- Customers that are known by a number and are to get an id for the outside.
CREATE TABLE customers (
    id bigint NOT NULL,
    name text NOT NULL,
    city text NOT NULL,
    registered_on date NOT NULL
);

INSERT INTO customers (id, name, city, registered_on)
SELECT g,
       'Customer ' || md5(name_hash::text),
       'City ' || name_hash % 800,
       date '2018-01-01' + (name_hash % 2500)::integer
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g, :seed) & 2147483647 AS name_hash) AS drawn;

ALTER TABLE customers ADD PRIMARY KEY (id);
CREATE INDEX customers_city ON customers (city);
