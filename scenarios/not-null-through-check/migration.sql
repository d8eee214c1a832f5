ALTER TABLE readings ADD CONSTRAINT readings_sensor_id_there CHECK (sensor_id IS NOT NULL) NOT VALID;
ALTER TABLE readings VALIDATE CONSTRAINT readings_sensor_id_there;
ALTER TABLE readings ALTER COLUMN sensor_id SET NOT NULL;
ALTER TABLE readings DROP CONSTRAINT readings_sensor_id_there;
