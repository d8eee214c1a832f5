-- What is left of a service's notifications after years of deleting by tenant and by age.
CREATE TABLE notifications (
    id bigint NOT NULL,
    recipient_id bigint NOT NULL,
    channel text NOT NULL,
    body text NOT NULL,
    sent_at timestamptz NOT NULL,
    read_at timestamptz,
    state text
);

-- Runs of ids, 500 for the whole table: six of ten are dense, three are thinned out to a tenth,
-- one in ten starts after a hole of 25 runs.
INSERT INTO notifications (id, recipient_id, channel, body, sent_at, read_at)
SELECT sum(gap) OVER (ORDER BY g),
       1 + gap_hash % (:rows / 20),
       (ARRAY['email', 'push', 'sms'])[1 + gap_hash % 3],
       'Your order ' || gap_hash || ' is on its way',
       sent_at,
       CASE WHEN gap_hash % 3 > 0
            THEN sent_at + gap_hash % 90000 * interval '1 second'
       END
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT greatest(:rows / 500, 1) AS run_length,
                     timestamptz '2019-06-01 UTC' + g * (interval '4 years' / :rows) AS sent_at) AS runs,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS gap_hash,
                     (hashint8extended(g / run_length * 4 + 1, :seed) & 2147483647)::integer % 10 AS regime) AS drawn,
     LATERAL (SELECT CASE WHEN regime = 9 AND g % run_length = 0 THEN run_length * 25
                          WHEN regime >= 6 THEN 1 + gap_hash % 19
                          ELSE 1
                     END AS gap) AS holes;

ALTER TABLE notifications ADD PRIMARY KEY (id);
CREATE INDEX notifications_recipient_id_sent_at ON notifications (recipient_id, sent_at);
