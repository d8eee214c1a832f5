-- Documents of a content system; the hexadecimal text does not compress, so wide ones are really stored wide.
CREATE TABLE documents (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    payload jsonb NOT NULL,
    changed_at timestamptz NOT NULL
);

INSERT INTO documents (id, owner_id, payload, changed_at)
SELECT g,
       1 + width_hash % (:rows / 10),
       jsonb_build_object(
           'version', 1,
           'title', 'Document ' || g,
           'language', (ARRAY['en', 'fr', 'pt'])[1 + width_hash % 3],
           'sections', (SELECT jsonb_agg(encode(sha512(convert_to(:seed || '/' || g || '/' || piece, 'UTF8')), 'hex'))
                        FROM generate_series(1, pieces) AS piece)
       ),
       timestamptz '2023-01-01 UTC' + g * (interval '1 year' / :rows)
FROM generate_series(1::bigint, :rows) AS g,
     LATERAL (SELECT (hashint8extended(g * 4, :seed) & 2147483647)::integer AS width_hash) AS drawn,
     -- Pieces of 128 characters each.
     LATERAL (SELECT CASE WHEN width_hash % 4 = 0 THEN 20 + width_hash % 30
                          ELSE 1 + width_hash % 5
                     END AS pieces) AS widths;

ALTER TABLE documents ADD PRIMARY KEY (id);
CREATE INDEX documents_owner_id ON documents (owner_id);
