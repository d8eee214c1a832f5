-- Every cart says in which currency its total is.
ALTER TABLE carts ADD COLUMN currency text;

UPDATE carts
SET currency = CASE shop WHEN 'uk' THEN 'GBP' ELSE 'EUR' END
WHERE currency IS NULL AND id BETWEEN <batch_start> AND <batch_end>;

CREATE INDEX CONCURRENTLY carts_currency_updated_at ON carts (currency, updated_at);
