-- Events of a multi-tenant service; fifteen of a thousand own half of them.
CREATE TABLE tenants (
    id integer PRIMARY KEY,
    name text NOT NULL,
    region text NOT NULL
);

INSERT INTO tenants (id, name, region)
SELECT g, 'Tenant ' || g, (ARRAY['eu-west', 'eu-north', 'us-east'])[1 + g % 3]
FROM generate_series(1, 1000) AS g;

CREATE TABLE events (
    tenant_id integer NOT NULL,
    event_id bigint NOT NULL,
    actor_id bigint NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    partner_id integer
);

INSERT INTO events (tenant_id, event_id, actor_id, kind, occurred_at)
SELECT 1 + floor(1000 * power(tenant_hash / 2147483648.0::double precision, 6))::integer,
       g,
       1 + actor_hash % (:rows / 25),
       (ARRAY['login', 'view', 'view', 'view', 'edit', 'export', 'invite'])[1 + actor_hash % 7],
       timestamptz '2023-01-01 UTC' + g * (interval '1 year' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT hashint8extended(g * 4, :seed) & 2147483647 AS tenant_hash,
                     (hashint8extended(g * 4 + 1, :seed) & 2147483647)::integer AS actor_hash) AS drawn;

ALTER TABLE events ADD PRIMARY KEY (tenant_id, event_id);
CREATE INDEX events_tenant_id_occurred_at ON events (tenant_id, occurred_at);
