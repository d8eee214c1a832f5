ALTER TABLE events DROP CONSTRAINT events_partner_id_fkey;
UPDATE events SET partner_id = NULL WHERE partner_id IS NOT NULL;
