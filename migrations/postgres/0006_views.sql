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
