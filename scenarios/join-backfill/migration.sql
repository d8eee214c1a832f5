-- Payments learn whose they are.
ALTER TABLE payments ADD COLUMN customer_id bigint;

UPDATE payments
SET customer_id = orders.customer_id
FROM orders
WHERE orders.id = payments.order_id
  AND payments.customer_id IS NULL
  AND payments.id BETWEEN :batch_start AND :batch_end;

-- NOT NULL in four short steps; only VALIDATE reads the table, and it lets writers through.
ALTER TABLE payments ADD CONSTRAINT payments_customer_id_present CHECK (customer_id IS NOT NULL) NOT VALID;
ALTER TABLE payments VALIDATE CONSTRAINT payments_customer_id_present;
ALTER TABLE payments ALTER COLUMN customer_id SET NOT NULL;
ALTER TABLE payments DROP CONSTRAINT payments_customer_id_present;
