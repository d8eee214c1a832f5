UPDATE notifications SET state = NULL WHERE state IS NOT NULL;
