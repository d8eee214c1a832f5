-- Open invoices get 30 days instead of 14.
UPDATE invoices
SET due_on = issued_on + 30
WHERE paid_on IS NULL AND due_on = issued_on + 14;
