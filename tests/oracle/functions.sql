-- What queries use beside PostgreSQL's own functions.
CREATE FUNCTION year(d date) RETURNS integer LANGUAGE sql IMMUTABLE
    AS $$ SELECT CAST(extract(year FROM d) AS integer) $$;
CREATE FUNCTION month(d date) RETURNS integer LANGUAGE sql IMMUTABLE
    AS $$ SELECT CAST(extract(month FROM d) AS integer) $$;
-- The class [k x width, k x width + width - 1] of a whole number, as text.
CREATE FUNCTION band(x integer, width integer) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT (x - x % width)::text || '-' || (x - x % width + width - 1)::text $$;
