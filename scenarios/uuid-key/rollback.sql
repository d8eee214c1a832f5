DROP INDEX CONCURRENTLY carts_currency_updated_at;
ALTER TABLE carts DROP COLUMN currency;
