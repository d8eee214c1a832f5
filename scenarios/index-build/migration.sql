CREATE INDEX events_customer_id_happened_at ON events (customer_id, happened_at);
