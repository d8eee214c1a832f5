-- Version 2 of the documents says in which script they are written.
UPDATE documents
SET payload = payload || '{"version": 2, "script": "latin"}'
WHERE payload ->> 'version' = '1'
  AND id BETWEEN :batch_start AND :batch_end;

CREATE INDEX documents_script ON documents ((payload ->> 'script'), changed_at);
