ALTER TABLE line_items DROP CONSTRAINT line_items_order_id_fkey;
