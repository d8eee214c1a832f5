-- thread_id runs out of 32 bits soon.
ALTER TABLE messages ALTER COLUMN thread_id TYPE bigint;

UPDATE messages
SET word_count = length(body) - length(replace(body, ' ', ''))
WHERE word_count IS NULL AND id >= <batch_start> AND id <= <batch_end>;
