-- Orders belong to customers from now on.
UPDATE orders SET customer_id = user_id
WHERE customer_id IS NULL AND id BETWEEN <batch_start> AND <batch_end>;
