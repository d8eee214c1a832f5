-- Login sessions; how long one stays valid depends on the device, so old and valid ones lie mixed in the middle.
CREATE TABLE sessions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    token text NOT NULL,
    agent text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

INSERT INTO sessions (id, user_id, token, agent, created_at, expires_at)
SELECT g,
       1 + user_hash % (:rows / 8),
       md5(:seed || '/' || g),
       (ARRAY['Firefox on Linux', 'Chrome on Android', 'Safari on iPhone', 'Edge on Windows'])[1 + user_hash % 4],
       created_at,
       created_at + (1 + user_hash % 180) * interval '1 day'
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS user_hash,
                     timestamptz '2022-01-01 UTC' + g * (interval '2 years' / :rows) AS created_at) AS drawn;

ALTER TABLE sessions ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX sessions_token ON sessions (token);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE session_totals (
    counted_at timestamptz NOT NULL,
    sessions bigint NOT NULL
);
