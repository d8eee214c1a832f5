-- One JSON document: the server's version and those of the wanted settings that it has, as SHOW prints them.
--
-- $1: names of settings.
SELECT json_build_object(
    'version_num', current_setting('server_version_num')::int,
    'settings', (
        SELECT json_object_agg(name, current_setting(name, true))
        FROM unnest($1::text[]) AS name
        WHERE current_setting(name, true) IS NOT NULL)
)::text
