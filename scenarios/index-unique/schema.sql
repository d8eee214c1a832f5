-- Accounts whose addresses begin alike within a domain and are stored in no order.
CREATE TABLE accounts (
    id bigint NOT NULL,
    email text NOT NULL,
    created_on date NOT NULL
);

INSERT INTO accounts (id, email, created_on)
SELECT g,
       'customer.' || to_hex(email_hash) || '.' || g || '@' ||
           (ARRAY['example.com', 'mail.example.org', 'shop.example.net'])[1 + email_hash % 3],
       date '2015-01-01' + (g * 3650 / :rows)::integer
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g, :seed) & 2147483647 AS email_hash) AS drawn;

ALTER TABLE accounts ADD PRIMARY KEY (id);
