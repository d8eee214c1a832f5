DROP INDEX documents_script;
UPDATE documents SET payload = payload - 'script' || '{"version": 1}' WHERE payload ->> 'version' = '2';
