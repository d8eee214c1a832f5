-- Invoices due 14 days after they were issued; a third of them is still open.
CREATE TABLE invoices (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    paid_on date,
    total_cents integer NOT NULL,
    reference text NOT NULL
);

INSERT INTO invoices (id, customer_id, issued_on, due_on, paid_on, total_cents, reference)
SELECT g,
       1 + customer_hash % (:rows / 50),
       issued_on,
       issued_on + 14,
       CASE WHEN paid_hash % 3 > 0 THEN issued_on + paid_hash % 20 END,
       1000 + paid_hash % 250000,
       'INV-' || to_char(issued_on, 'YYYY') || '-' || lpad(g::text, 10, '0')
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g * 4, :seed) & 2147483647 AS customer_hash,
                     (hashint8extended(g * 4 + 1, :seed) & 2147483647)::integer AS paid_hash,
                     date '2020-01-01' + (g * 1461 / :rows)::integer AS issued_on) AS drawn;

ALTER TABLE invoices ADD PRIMARY KEY (id);
CREATE INDEX invoices_due_on ON invoices (due_on);
CREATE INDEX invoices_customer_id_due_on ON invoices (customer_id, due_on);
CREATE INDEX invoices_open ON invoices (due_on, total_cents) WHERE paid_on IS NULL;
