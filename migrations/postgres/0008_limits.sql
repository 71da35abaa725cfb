-- Limits: how many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.
--
-- Locks:   none on existing tables; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the trigger, the type and the functions that it creates, and make held jobs available.
--
-- How a job under a limit comes to run. An ordinary claim leaves it alone. Where there are limits, a worker first moves those
-- jobs of its lanes aside that are under one: such a job is blocked and stands in a *line*, held_in, of the first limit that
-- it is under, so that a million of them are in nobody's way. Then the worker admits from the lines what has room, in turns
-- between lines and in claim order within each (src/storage/admit_limited.hpp).
--
-- Why no limit is ever exceeded. One transaction at a time admits (an advisory lock, tried and never waited for), and it
-- claims what it admits. What counts is not remembered but read: the jobs that the rows of `claims` name, as long as they
-- run, whoever runs them, and whether the limit was there when they started or not. A killed worker's jobs count until they
-- are taken back. Starts are noted by the database's clock within the same lock, a moment before claimed_at is set.

CREATE TYPE {schema}.job_limit AS (id bigint, at_most integer, starts integer, period interval, line text);

-- The limits that a job is under, and the line in which each of them holds it.
CREATE FUNCTION {schema}.limits_on(of_kind text, of_queue text, of_key text) RETURNS SETOF {schema}.job_limit
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    SELECT l.id, l.at_most, l.starts, l.period, l.id || ':'
    FROM {schema}.limits l
    WHERE (l.scope = 'queue' AND l.name = of_queue)
        OR (l.scope = 'kind' AND l.name = of_kind)
        OR (l.scope = 'key' AND l.name = of_key)
    UNION ALL
    SELECT l.id, l.at_most, l.starts, l.period, l.id || ':' || of_key
    FROM {schema}.limits l
    WHERE of_key IS NOT NULL AND l.scope = 'key' AND right(l.name, 1) = '*'
        AND starts_with(of_key, left(l.name, -1)) AND l.name <> of_key
    ORDER BY 1
$$;

-- A limit that is set, changed or removed counts at once: workers that sleep look at the lines again.
CREATE FUNCTION {schema}.wake_for_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM {schema}.wake_for_gates();
    RETURN NULL;
END $$;

CREATE TRIGGER limits_wake
    AFTER INSERT OR UPDATE OR DELETE ON {schema}.limits
    FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.wake_for_limits();
