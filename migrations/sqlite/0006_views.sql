-- The views that people and applications read.
--
-- Locks:   the file, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the views that it creates.

-- Every job once, unfinished or finished. States that depend on the clock are derived here.
-- The casts give each column one type throughout: only then are conditions and LIMIT taken into the three tables.
CREATE VIEW all_jobs AS
SELECT
    id,
    CAST(CASE
        WHEN state IN ('available', 'retryable') AND run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'available'
        WHEN state = 'available' THEN 'scheduled'
        ELSE state END AS TEXT) AS state,
    kind, queue, priority, args, run_at, created_at, started_at, claimed_at, CAST(NULL AS TEXT) AS finished_at,
    attempt, max_attempts, attempt_limit, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    CAST(NULL AS TEXT) AS result, CAST(NULL AS TEXT) AS output, CAST(NULL AS TEXT) AS error,
    CAST(NULL AS INTEGER) AS cpu_ms, CAST(NULL AS INTEGER) AS max_rss_bytes, CAST(NULL AS INTEGER) AS read_bytes,
    CAST(NULL AS INTEGER) AS write_bytes, CAST(NULL AS TEXT) AS keep_until
FROM jobs
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, CAST(NULL AS INTEGER), fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM history
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, CAST(NULL AS INTEGER), fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM dead_jobs;

-- One row per claim that did not complete, of unfinished and finished jobs alike.
CREATE VIEW attempts AS
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM attempt_log
UNION ALL
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM kept_attempts;

-- Counts per queue, from the unfinished jobs and from the statistics of the last two minutes. oldest_age: seconds.
CREATE VIEW queue_stats AS
WITH waiting AS (
    SELECT
        queue,
        count(*) FILTER (WHERE state IN ('available', 'retryable') AND due) AS available,
        count(*) FILTER (WHERE state = 'available' AND NOT due) AS scheduled,
        count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'retryable' AND NOT due) AS retryable,
        min(run_at) FILTER (WHERE state IN ('available', 'retryable') AND due) AS oldest_run_at
    FROM (SELECT queue, state, run_at, run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS due FROM jobs)
    GROUP BY queue
),
settled AS (
    SELECT queue, sum(completed) AS completed, sum(failed + dead + crashed) AS failed
    FROM statistics
    WHERE minute = strftime('%Y-%m-%dT%H:%M:00.000Z', 'now', '-1 minute')
    GROUP BY queue
),
dead AS (
    SELECT queue, count(*) AS dead FROM dead_jobs GROUP BY queue
),
known AS (
    SELECT queue FROM waiting
    UNION
    SELECT queue FROM settled
    UNION
    SELECT queue FROM dead
    UNION
    SELECT queue FROM queues
)
SELECT
    n.queue,
    q.paused_at IS NOT NULL AS paused,
    coalesce(w.available, 0) AS available,
    coalesce(w.scheduled, 0) AS scheduled,
    coalesce(w.blocked, 0) AS blocked,
    coalesce(w.running, 0) AS running,
    coalesce(w.retryable, 0) AS retryable,
    coalesce(d.dead, 0) AS dead,
    round((julianday('now') - julianday(w.oldest_run_at)) * 86400.0, 3) AS oldest_age,
    coalesce(s.completed, 0) AS completed_per_minute,
    coalesce(s.failed, 0) AS failed_per_minute,
    q.slots,
    q.weight
FROM known n
LEFT JOIN waiting w ON w.queue = n.queue
LEFT JOIN settled s ON s.queue = n.queue
LEFT JOIN dead d ON d.queue = n.queue
LEFT JOIN queues q ON q.queue = n.queue;
