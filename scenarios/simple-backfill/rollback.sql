UPDATE orders SET customer_id = NULL WHERE customer_id IS NOT NULL;
