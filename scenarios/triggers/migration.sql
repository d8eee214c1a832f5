-- Accounts are classified by balance and country.
UPDATE accounts
SET risk_class = CASE WHEN balance_cents > 4000000 THEN 3 WHEN country IN ('IT', 'PL') THEN 2 ELSE 1 END
WHERE risk_class IS NULL AND id BETWEEN <batch_start> AND <batch_end>;

ALTER TABLE accounts ALTER COLUMN risk_class SET DEFAULT 1;
