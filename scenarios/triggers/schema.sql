-- Accounts of a payment service, audited row by row.
CREATE TABLE accounts (
    id bigint NOT NULL,
    holder text NOT NULL,
    country character(2) NOT NULL,
    balance_cents bigint NOT NULL,
    risk_class smallint,
    opened_at timestamptz NOT NULL
);

INSERT INTO accounts (id, holder, country, balance_cents, opened_at)
SELECT g,
       'Holder ' || to_hex(balance_hash),
       (ARRAY['DE', 'FR', 'IT', 'PL', 'SE'])[1 + balance_hash % 5],
       balance_hash % 5000000,
       timestamptz '2015-01-01 UTC' + g * (interval '8 years' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS balance_hash) AS drawn;

ALTER TABLE accounts ADD PRIMARY KEY (id);
CREATE INDEX accounts_country_opened_at ON accounts (country, opened_at);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    row_id bigint NOT NULL,
    before jsonb,
    after jsonb,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_relation_row_id ON audit_log (relation, row_id);

CREATE FUNCTION write_audit_log() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    -- One line for each changed row; a statement such as UPDATE accounts SET id = :rows must not confuse anybody here.
    INSERT INTO audit_log (relation, row_id, before, after)
    VALUES (TG_TABLE_NAME, NEW.id, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END
$function$;

CREATE TRIGGER accounts_audit AFTER UPDATE ON accounts
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION write_audit_log();
