-- The views that people and applications read.
--
-- Locks:   none on existing tables.
-- Oldest binary: 0.1.0
-- Go back: drop the views that it creates.

-- Every job once, unfinished or finished. States that depend on the clock are derived here.
CREATE VIEW {schema}.all_jobs AS
SELECT
    id,
    CASE WHEN state IN ('available', 'retryable') AND run_at <= now() THEN 'available'
        WHEN state = 'available' THEN 'scheduled'
        ELSE state END AS state,
    kind, queue, priority, args, run_at, created_at, started_at, claimed_at, NULL::timestamptz AS finished_at,
    attempt, max_attempts, attempt_limit, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    NULL::jsonb AS result, NULL::text AS output, NULL::text AS error, NULL::bigint AS cpu_ms,
    NULL::bigint AS max_rss_bytes, NULL::bigint AS read_bytes, NULL::bigint AS write_bytes, NULL::date AS keep_until
FROM {schema}.jobs
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, NULL, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM {schema}.history
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, NULL, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM {schema}.dead_jobs;

-- One row per claim that did not complete, of unfinished and finished jobs alike.
CREATE VIEW {schema}.attempts AS
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM {schema}.attempt_log
UNION ALL
SELECT
    f.id, a.fence, a.attempt, a.worker, a.started_at, a.finished_at, a.outcome, a.error_class, a.error, a.backtrace,
    a.exit_code, a.signal, a.cpu_ms, a.max_rss_bytes, a.read_bytes, a.write_bytes, a.output
FROM (
    SELECT id, attempts FROM {schema}.history WHERE attempts IS NOT NULL
    UNION ALL
    SELECT id, attempts FROM {schema}.dead_jobs WHERE attempts IS NOT NULL
) f
CROSS JOIN LATERAL jsonb_populate_recordset(NULL::{schema}.attempt_log, f.attempts) a;

-- Counts per queue, from the unfinished jobs and from the statistics of the last two minutes.
CREATE VIEW {schema}.queue_stats AS
WITH waiting AS (
    SELECT
        queue,
        count(*) FILTER (WHERE state = 'available' AND run_at <= now() OR state = 'retryable' AND run_at <= now()) AS available,
        count(*) FILTER (WHERE state = 'available' AND run_at > now()) AS scheduled,
        count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'retryable' AND run_at > now()) AS retryable,
        min(run_at) FILTER (WHERE state IN ('available', 'retryable') AND run_at <= now()) AS oldest_run_at
    FROM {schema}.jobs
    GROUP BY queue
),
settled AS (
    SELECT
        queue COLLATE "C" AS queue,
        sum(completed) FILTER (WHERE minute = date_trunc('minute', now()) - interval '1 minute') AS completed,
        sum(failed + dead + crashed) FILTER (WHERE minute = date_trunc('minute', now()) - interval '1 minute') AS failed
    FROM (
        SELECT minute, queue, completed, failed, dead, crashed FROM {schema}.statistics
        WHERE minute >= date_trunc('minute', now()) - interval '1 minute'
        UNION ALL
        SELECT minute, queue, completed, failed, dead, crashed FROM {schema}.statistics_log
        WHERE minute >= date_trunc('minute', now()) - interval '1 minute'
    ) s
    GROUP BY queue
),
dead AS (
    SELECT queue, count(*) AS dead FROM {schema}.dead_jobs GROUP BY queue
)
SELECT
    queue,
    q.paused_at IS NOT NULL AS paused,
    coalesce(available, 0) AS available,
    coalesce(scheduled, 0) AS scheduled,
    coalesce(blocked, 0) AS blocked,
    coalesce(running, 0) AS running,
    coalesce(retryable, 0) AS retryable,
    coalesce(dead, 0) AS dead,
    now() - oldest_run_at AS oldest_age,
    coalesce(completed, 0)::bigint AS completed_per_minute,
    coalesce(failed, 0)::bigint AS failed_per_minute,
    q.slots,
    q.weight
FROM waiting
FULL JOIN settled USING (queue)
FULL JOIN dead USING (queue)
FULL JOIN {schema}.queues q USING (queue);

-- Times as programs read them: ISO 8601 UTC with milliseconds.
CREATE FUNCTION {schema}.instant(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Nobody calls anything here but by a grant; see `jobrunner roles`.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;

-- Who keeps dead rows from being removed, who is furthest behind first. Of other users' sessions only members of pg_read_all_stats see
-- enough.
CREATE VIEW {schema}.held_snapshots AS
SELECT
    'session' AS holder, a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, a.backend_type) AS name,
    coalesce(a.state, a.backend_type) AS state, a.xact_start AS since, now() - a.xact_start AS held_for,
    greatest(age(a.backend_xmin), age(a.backend_xid)) AS transactions_behind
FROM pg_stat_activity a
WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.xact_start IS NOT NULL
    AND a.datname = current_database() AND a.backend_type <> 'autovacuum worker' AND a.pid <> pg_backend_pid()
UNION ALL
SELECT 'prepared transaction', NULL, p.gid, 'prepared', p.prepared, now() - p.prepared, age(p.transaction)
FROM pg_prepared_xacts p
WHERE p.database = current_database()
UNION ALL
SELECT
    'replication slot', r.active_pid, r.slot_name::text, CASE WHEN r.active THEN 'in use' ELSE 'not in use' END, NULL, NULL,
    age(r.xmin)
FROM pg_replication_slots r
WHERE r.xmin IS NOT NULL
ORDER BY transactions_behind DESC NULLS LAST;

-- Dead rows and sizes of each table, from the server's own statistics.
CREATE VIEW {schema}.table_health AS
SELECT
    s.relname::text AS table_name, s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
    pg_table_size(s.relid) AS table_bytes, pg_indexes_size(s.relid) AS index_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at, greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
FROM pg_stat_user_tables s
WHERE s.schemaname = '{channel}';

-- What an index takes, and what it would take if it were built anew: an estimate from the planner's row count and the average
-- width of its columns, for B-trees without equal entries, filled as they are told to be. Expressions are taken for 8 bytes.
CREATE VIEW {schema}.index_health AS
SELECT
    c.relname::text AS index_name, t.relname::text AS table_name, i.indisvalid AS is_valid, u.idx_scan AS scans,
    greatest(c.reltuples, 0)::bigint AS entries, pg_relation_size(c.oid) AS index_bytes,
    (8192 * (1 + ceil(greatest(c.reltuples, 0) * (12 + 8 * ceil(w.width / 8.0)) / (8192 * f.filled))))::bigint AS bytes_if_rebuilt
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
LEFT JOIN pg_stat_user_indexes u ON u.indexrelid = c.oid
CROSS JOIN LATERAL (
    SELECT coalesce(sum(coalesce(s.avg_width, 8)), 0) AS width
    FROM unnest(i.indkey::smallint[]) AS k (number)
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    LEFT JOIN pg_stats s ON s.schemaname = '{channel}' AND s.tablename = t.relname AND s.attname = a.attname) w
CROSS JOIN LATERAL (
    SELECT coalesce(max(o.option_value::float8), 90) / 100 AS filled
    FROM pg_options_to_table(c.reloptions) o
    WHERE o.option_name = 'fillfactor') f
WHERE t.relnamespace = '{schema}'::regnamespace AND t.relkind = 'r';
