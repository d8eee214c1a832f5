UPDATE invoices
SET due_on = issued_on + 14
WHERE paid_on IS NULL AND due_on = issued_on + 30;
