-- Messages of a support desk. All bodies stay below the TOAST threshold: widths differ, storage does not.
CREATE TABLE messages (
    id bigint NOT NULL,
    thread_id integer NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL,
    word_count integer
);

INSERT INTO messages (id, thread_id, body, received_at)
SELECT g,
       1 + width_hash % (:rows / 8),
       repeat(md5(:seed || '/' || g) || ' ', repeats),
       timestamptz '2018-01-01 UTC' + g * (interval '5 years' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS width_hash) AS drawn,
     -- Pieces of 33 characters each.
     LATERAL (SELECT CASE WHEN g <= :rows * 0.4 THEN 1 + width_hash % 3
                          WHEN g <= :rows * 0.7 THEN 8 + width_hash % 9
                          WHEN g <= :rows * 0.9 THEN 2 + width_hash % 2
                          ELSE 50 + width_hash % 8
                     END AS repeats) AS eras;

ALTER TABLE messages ADD PRIMARY KEY (id);
CREATE INDEX messages_thread_id ON messages (thread_id);
