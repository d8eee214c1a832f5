UPDATE messages SET word_count = NULL WHERE word_count IS NOT NULL;
ALTER TABLE messages ALTER COLUMN thread_id TYPE integer;
