-- Events get a partner, at first the tenant itself.
-- migtime: batch key=(tenant_id, event_id) size=5000
UPDATE events SET partner_id = tenant_id WHERE partner_id IS NULL;

ALTER TABLE events ADD CONSTRAINT events_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES tenants NOT VALID;
ALTER TABLE events VALIDATE CONSTRAINT events_partner_id_fkey;
