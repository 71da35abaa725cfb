-- The statements of the SQLite backend, by name; postgres/queries.sql has the same names in the same order.
-- A block may hold several statements. Parameters are numbered; the comment before a statement says what they are.
-- Where one call handles many jobs, the statements run once for each inside one transaction: they are prepared, so a
-- round costs less than taking arrays apart.
-- Now is strftime('%Y-%m-%dT%H:%M:%fZ', 'now') throughout; lengths of time are handed over in seconds.

-- name: enqueue_jobs
-- Adds one job. ?1 kind, ?2 args, ?3 queue, ?4 priority, ?5 run_at or ?6 seconds from now, ?7 max_attempts, ?8 timeout,
-- ?9 expires_at, ?10 unique_key, ?11 concurrency_key, ?12 cost, ?13 serial_key, ?14 fair_key, ?15 requires,
-- ?16 affinity_key, ?17 depends_on, ?18 on_dependency_failure, ?19 batch_id, ?20 tags, ?21 meta, ?22 traceparent.
INSERT OR ROLLBACK INTO jobs
    (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
     serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta, traceparent)
VALUES
    (?1, ?2, coalesce(?3, 'default'), coalesce(?4, 0),
     CASE WHEN ?5 IS NOT NULL THEN coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', ?5), ?5)
        WHEN ?6 IS NULL THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        ELSE strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?6)) END,
     ?7, ?8, coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', ?9), ?9), ?10, ?11, coalesce(?12, 1), ?13, ?14, coalesce(?15, '[]'),
     ?16, ?17, coalesce(?18, 'cancel'), ?19, coalesce(?20, '[]'), coalesce(?21, '{}'), ?22);

-- The job that holds a key, and whether it is unfinished. ?1 unique_key.
SELECT id, 1
FROM jobs
WHERE unique_key = ?1
UNION ALL
SELECT job_id, 0
FROM unique_windows
WHERE unique_key = ?1 AND until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
LIMIT 1;

-- Gives the holder of the key the new job's values. Parameters as above, and ?23 on_conflict.
INSERT INTO enqueue
    (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, tags, meta, on_conflict)
VALUES
    (?1, ?2, ?3, ?4,
     CASE WHEN ?5 IS NULL AND ?6 IS NOT NULL
        THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?6)) ELSE ?5 END,
     ?7, ?8, ?9, ?10, ?20, ?21, ?23);

-- The key that a job's kind derives from its args. ?1 kind, ?2 args.
SELECT k.kind || ' ' || (
    SELECT json_group_object(c.name, json(c.value))
    FROM (
        SELECT p.value AS name, coalesce(?2 -> a.fullkey, 'null') AS value
        FROM json_each(k.unique_policy, '$.args') p
        LEFT JOIN json_each(?2) a ON a.key = p.value
        UNION ALL
        SELECT a.key, ?2 -> a.fullkey
        FROM json_each(?2) a
        WHERE json_array_length(k.unique_policy, '$.args') = 0
        ORDER BY 1) c)
FROM kinds k
WHERE k.kind = ?1 AND k.unique_policy IS NOT NULL AND json_valid(?2);

-- name: register_worker
-- ?1 id, ?2 lease, ?3 pid, ?4 slots, ?5 name, ?6 host, ?7 version, ?8 labels, ?9 queues, ?10 kinds.
INSERT INTO workers (id, lease, lease_until, pid, slots, name, host, version, labels, queues, kinds)
VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?2)), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: publish_kind
-- Written only where something changes, so that a fleet that starts does not write for nothing.
-- ?1 kind, ?2 max_attempts, ?3 retry_delays in milliseconds, ?4 timeout, ?5 keep, ?6 snooze, ?7 notify,
-- ?8 record_every_attempt, ?9 publisher, ?10 unique_policy.
INSERT INTO kinds
    (kind, max_attempts, retry_delays, timeout, keep, snooze, notify, record_every_attempt, published_by,
     unique_policy)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (kind) DO UPDATE
SET max_attempts = excluded.max_attempts, retry_delays = excluded.retry_delays, timeout = excluded.timeout,
    keep = excluded.keep, snooze = excluded.snooze, notify = excluded.notify,
    record_every_attempt = excluded.record_every_attempt, published_by = excluded.published_by, published_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    unique_policy = excluded.unique_policy
WHERE (max_attempts, retry_delays, timeout, keep, snooze, notify, record_every_attempt, unique_policy)
    IS NOT (excluded.max_attempts, excluded.retry_delays, excluded.timeout, excluded.keep, excluded.snooze,
        excluded.notify, excluded.record_every_attempt, excluded.unique_policy);

-- name: heartbeat
-- A lease that has passed is never revived: its jobs may be somebody else's by now. ?1 worker, ?2 state, ?3 running,
-- ?4 report.
UPDATE workers
SET heartbeat_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', lease)),
    state = ?2, running = ?3, report = coalesce(?4, report)
WHERE id = ?1
    AND lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    AND state NOT IN ('lost', 'gone', 'stopped');

-- name: retire_worker
-- ?1 worker.
DELETE FROM claims
WHERE worker = ?1
    AND NOT EXISTS (
        SELECT 1 FROM json_each(claims.jobs) c JOIN jobs j ON j.id = c.value
        WHERE j.worker = claims.worker AND j.state = 'running');

UPDATE workers
SET lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), running = 0,
    -- With claims left it is as good as lost: others take them back at once.
    state = CASE WHEN EXISTS (SELECT 1 FROM claims c WHERE c.worker = ?1) THEN 'lost' ELSE 'stopped' END
WHERE id = ?1;

-- name: probe_lanes
-- The lanes of a stretch of the claim index, whether something can run in each, and when its next job is due. The
-- index is walked from lane to lane, whatever their jobs. ?1 low queue, ?2 low priority, ?3 high queue,
-- ?4 high priority, ?5 fitting only, ?6 kinds, ?7 labels.
WITH RECURSIVE lane (queue, priority) AS (
    SELECT f.queue, f.priority
    FROM (
        SELECT queue, priority
        FROM jobs
        WHERE state IN ('available', 'retryable')
            AND (queue, priority) >= (?1, ?2)
            AND (queue, priority) < (?3, ?4)
        ORDER BY queue, priority
        LIMIT 1
    ) f
    UNION ALL
    SELECT n.queue, n.priority
    FROM lane l
    CROSS JOIN jobs n
    WHERE n.id = (
        SELECT j.id
        FROM jobs j
        WHERE j.state IN ('available', 'retryable')
            AND (j.queue, j.priority) > (l.queue, l.priority)
            AND (j.queue, j.priority) < (?3, ?4)
        ORDER BY j.queue, j.priority
        LIMIT 1)
)
SELECT
    l.queue, l.priority,
    EXISTS (
        SELECT 1
        FROM jobs j
        WHERE j.state IN ('available', 'retryable')
            AND j.queue = l.queue
            AND j.priority = l.priority
            AND j.run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            AND (NOT ?5 OR j.kind IN (SELECT value FROM json_each(?6)))
            AND (NOT ?5 OR j.requires = '[]' OR NOT EXISTS (
                SELECT 1 FROM json_each(j.requires) r WHERE r.value NOT IN (SELECT value FROM json_each(?7))))
            AND (j.expires_at IS NULL OR j.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))),
    -- Never 0, lest a caller comes a moment too early and asks again at once.
    (
        SELECT max(CAST((julianday(j.run_at) - julianday('now')) * 86400000.0 + 0.9 AS INTEGER), 1)
        FROM jobs j
        WHERE j.state IN ('available', 'retryable')
            AND j.queue = l.queue
            AND j.priority = l.priority
            AND j.run_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        ORDER BY j.run_at
        LIMIT 1)
FROM lane l
WHERE NOT EXISTS (SELECT 1 FROM queues q WHERE q.queue = l.queue AND q.paused_at IS NOT NULL);

-- What operators said of queues.
SELECT queue, paused_at IS NOT NULL, slots, weight
FROM queues;

-- What else there is to do.
SELECT
    EXISTS (
        SELECT 1 FROM workers
        WHERE lease_until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND state NOT IN ('stopped', 'gone')),
    EXISTS (
        SELECT 1 FROM jobs
        WHERE expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND expires_at IS NOT NULL AND state <> 'running'),
    EXISTS (SELECT 1 FROM gate_news),
    EXISTS (SELECT 1 FROM limits),
    EXISTS (SELECT 1 FROM jobs WHERE held_in > '');

-- name: claim_jobs
-- Claims from one lane. A kind without a published policy is left alone, and a worker that is taken for lost takes
-- nothing: nobody would look for it again.
-- Jobs under a limit stay. ?1 queue, ?2 priority, ?3 limit, ?4 worker, ?5 kinds, ?6 labels, ?7 jobs that were admitted from
-- the lines of limits, which come instead of a lane's, or null.
UPDATE jobs
SET state = 'running',
    worker = ?4,
    fence = fence + 1,
    attempt = attempt + 1,
    claimed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    started_at = coalesce(started_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    attempt_limit = coalesce(max_attempts, (SELECT k.max_attempts FROM kinds k WHERE k.kind = jobs.kind)),
    retry_delay = (
        SELECT json_extract(k.retry_delays,
            '$[' || min(jobs.attempt, json_array_length(k.retry_delays) - 1) || ']') / 1000.0
        FROM kinds k
        WHERE k.kind = jobs.kind),
    held_in = NULL,
    unique_key = CASE WHEN 'queued' IS (SELECT k.unique_policy ->> '$.while' FROM kinds k WHERE k.kind = jobs.kind)
        THEN NULL ELSE unique_key END
WHERE id IN (
    SELECT j.id
    FROM jobs j
    WHERE ?7 IS NULL
        AND j.state IN ('available', 'retryable')
        AND j.queue = ?1
        AND j.priority = ?2
        AND j.run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        AND j.kind IN (SELECT k.kind FROM json_each(?5) e CROSS JOIN kinds k WHERE k.kind = e.value)
        AND (j.requires = '[]' OR NOT EXISTS (
            SELECT 1 FROM json_each(j.requires) r WHERE r.value NOT IN (SELECT value FROM json_each(?6))))
        AND (j.expires_at IS NULL OR j.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        AND NOT EXISTS (SELECT 1 FROM queues q WHERE q.queue = ?1 AND q.paused_at IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM limits l WHERE l.scope = 'queue' AND l.name = ?1)
        AND j.kind NOT IN (SELECT l.name FROM limits l WHERE l.scope = 'kind')
        AND (j.concurrency_key IS NULL OR NOT EXISTS (
            SELECT 1 FROM limits l
            WHERE l.scope = 'key' AND (l.name = j.concurrency_key OR (substr(l.name, -1) = '*'
                AND substr(j.concurrency_key, 1, length(l.name) - 1) = substr(l.name, 1, length(l.name) - 1)))))
        AND EXISTS (
            SELECT 1 FROM workers w
            WHERE w.id = ?4
                AND w.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
                AND w.state NOT IN ('lost', 'gone', 'stopped'))
    ORDER BY j.run_at, j.id
    LIMIT ?3)
    OR (id IN (SELECT h.value FROM json_each(?7) h) AND kind IN (SELECT k.kind FROM kinds k))
RETURNING
    id, fence, kind, queue, priority, args, attempt, attempt_limit, timeout, traceparent, crashes, snoozes, give_backs,
    run_at,
    -- Only a job that was claimed before can have a checkpoint.
    CASE WHEN fence > 1 THEN (SELECT p.checkpoint FROM progress p WHERE p.job_id = jobs.id) END;

-- Notes what was claimed. ?1 worker, ?2 batch, ?3 ids.
INSERT INTO claims (worker, batch, jobs)
VALUES (?1, ?2, ?3);

-- name: hold_limited
-- Moves aside what is under a limit among the first jobs of a lane that the worker could claim. ?1 queue, ?2 priority,
-- ?3 how many to look at, ?4 kinds, ?5 labels.
CREATE TEMP TABLE IF NOT EXISTS looked_at (id INTEGER PRIMARY KEY);

DELETE FROM temp.looked_at;

INSERT INTO temp.looked_at (id)
SELECT j.id
FROM jobs j
WHERE j.state IN ('available', 'retryable')
    AND j.queue = ?1
    AND j.priority = ?2
    AND j.run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    AND j.kind IN (SELECT value FROM json_each(?4))
    AND (j.requires = '[]' OR NOT EXISTS (
        SELECT 1 FROM json_each(j.requires) r WHERE r.value NOT IN (SELECT value FROM json_each(?5))))
    AND (j.expires_at IS NULL OR j.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ORDER BY j.run_at, j.id
LIMIT ?3;

UPDATE jobs
SET state = 'blocked', held_in = f.line
FROM (
    SELECT o.job_id, o.line, min(o.limit_id)
    FROM temp.looked_at t
    CROSS JOIN limits_on o ON o.job_id = t.id
    GROUP BY o.job_id) f
WHERE jobs.id = f.job_id;

-- name: lock_limits
-- There is one writer at a time. Also whether the worker may take jobs. ?1 worker.
SELECT 1, EXISTS (
    SELECT 1 FROM workers
    WHERE id = ?1 AND lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND state NOT IN ('lost', 'gone', 'stopped'));

-- name: running_by_line
SELECT o.line, sum(min(j.cost, o.at_most))
FROM claims c
CROSS JOIN json_each(c.jobs) e
CROSS JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
CROSS JOIN limits_on o ON o.job_id = j.id AND o.at_most IS NOT NULL
GROUP BY o.line;

-- name: line_after
SELECT min(held_in)
FROM jobs
WHERE held_in > ?1;

-- name: limit_of_line
SELECT scope, name, at_most, starts, period
FROM limits
WHERE id = CAST(substr(?1, 1, instr(?1, ':') - 1) AS INTEGER);

-- name: jobs_of_line
-- The first jobs of a line that the worker can run, a row for each limit on them. ?1 line, ?2 limit, ?3 kinds, ?4 labels,
-- ?5 queues, or none for all.
SELECT j.id, j.queue, j.priority, j.cost, o.line, o.at_most, o.starts, o.period
FROM (
    SELECT h.id, h.queue, h.priority, h.run_at, h.cost
    FROM jobs h
    WHERE h.held_in = ?1
        AND h.kind IN (SELECT value FROM json_each(?3))
        AND (h.requires = '[]' OR NOT EXISTS (
            SELECT 1 FROM json_each(h.requires) r WHERE r.value NOT IN (SELECT value FROM json_each(?4))))
        AND (?5 = '[]' OR h.queue IN (SELECT value FROM json_each(?5)))
        AND (h.expires_at IS NULL OR h.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        AND h.queue NOT IN (SELECT q.queue FROM queues q WHERE q.paused_at IS NOT NULL)
    ORDER BY h.priority, h.run_at, h.id
    LIMIT ?2
) j
LEFT JOIN limits_on o ON o.job_id = j.id
ORDER BY j.priority, j.run_at, j.id, o.limit_id;

-- name: starts_within
-- ?1 line, ?2 seconds.
SELECT
    coalesce(sum(cost), 0),
    max(CAST((julianday(min(started_at)) - julianday('now')) * 86400000.0 + ?2 * 1000.0 + 0.9 AS INTEGER), 1)
FROM limit_starts
WHERE line = ?1 AND started_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', ?2));

-- name: move_to_line
UPDATE jobs
SET held_in = ?2
WHERE id = ?1;

-- name: release_line
-- Its limit was removed.
UPDATE jobs
SET state = 'available', held_in = NULL, ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id IN (SELECT h.id FROM jobs h WHERE h.held_in = ?1 ORDER BY h.priority, h.run_at, h.id LIMIT 5000);

-- name: note_starts
-- ?1 line, ?2 cost.
INSERT INTO limit_starts (line, cost)
VALUES (?1, ?2);

-- name: claimed_in
-- ?1 worker, ?2 batch.
SELECT
    j.id, j.fence, j.kind, j.queue, j.priority, j.args, j.attempt, j.attempt_limit, j.timeout, j.traceparent,
    j.crashes, j.snoozes, j.give_backs, j.run_at, (SELECT p.checkpoint FROM progress p WHERE p.job_id = j.id)
FROM claims c
CROSS JOIN json_each(c.jobs) e
CROSS JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
WHERE c.worker = ?1
    AND c.batch = ?2;

-- name: complete_jobs
-- Completes many claims: gathered in a temporary table they cost a quarter of what statements for each would.
-- OR ROLLBACK here and below: the whole transaction is at stake, so SQLite need not be able to undo the statement alone.
CREATE TEMP TABLE IF NOT EXISTS completing (
    id            INTEGER NOT NULL,
    fence         INTEGER NOT NULL,
    worker        INTEGER NOT NULL,
    keep          REAL,
    result        TEXT,
    output        TEXT,
    cpu_ms        INTEGER,
    max_rss_bytes INTEGER,
    read_bytes    INTEGER,
    write_bytes   INTEGER,
    PRIMARY KEY (id, fence)
) WITHOUT ROWID;

-- ?1 id, ?2 fence, ?3 worker, ?4 keep, ?5 result, ?6 output, ?7 cpu_ms, ?8 max_rss_bytes,
-- ?9 read_bytes, ?10 write_bytes.
INSERT OR IGNORE INTO completing (id, fence, worker, keep, result, output, cpu_ms, max_rss_bytes, read_bytes,
    write_bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- Sorts out claims that do not stand, and jobs that have to run again.
DELETE FROM completing
WHERE NOT EXISTS (
    SELECT 1
    FROM jobs j
    WHERE j.id = completing.id
        AND j.fence = completing.fence
        AND j.worker = completing.worker
        AND j.state = 'running'
        AND j.rerun = 0);

INSERT OR ROLLBACK INTO history (
    id, state, worker, fence, keep_until, finished_at, attempt, priority, queue, kind, run_at, expires_at,
    requires, claimed_at, created_at, started_at, max_attempts, timeout, crashes, snoozes, give_backs, cost,
    batch_id, unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on,
    on_dependency_failure, traceparent, schedule, cpu_ms, max_rss_bytes, read_bytes, write_bytes, tags, meta, args,
    result, output, attempts)
SELECT
    j.id, 'completed', j.worker, j.fence,
    CASE WHEN c.keep IS NULL THEN 'infinity'
        ELSE coalesce(date('now', printf('%.3f seconds', c.keep), '+1 day'), 'infinity') END,
    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), j.attempt, j.priority, j.queue, j.kind, j.run_at, j.expires_at,
    j.requires, j.claimed_at, j.created_at, j.started_at, j.max_attempts, j.timeout, j.crashes, j.snoozes,
    j.give_backs, j.cost, j.batch_id, j.unique_key, j.concurrency_key, j.serial_key, j.fair_key, j.affinity_key,
    j.depends_on, j.on_dependency_failure, j.traceparent, j.schedule, c.cpu_ms, c.max_rss_bytes, c.read_bytes,
    c.write_bytes, j.tags, j.meta,
    j.args, c.result, c.output,
    CASE WHEN j.kind IN (SELECT kind FROM kinds WHERE record_every_attempt) THEN
            json_insert(
                coalesce((SELECT p.attempts FROM packed_attempts p WHERE p.job_id = j.id), '[]'), '$[#]', json_object(
                    'fence', j.fence, 'attempt', j.attempt, 'worker', j.worker, 'started_at', j.claimed_at,
                    'finished_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'outcome', 'completed',
                    'cpu_ms', c.cpu_ms, 'max_rss_bytes', c.max_rss_bytes, 'read_bytes', c.read_bytes,
                    'write_bytes', c.write_bytes, 'output', c.output))
        WHEN j.fence > 1 THEN (SELECT p.attempts FROM packed_attempts p WHERE p.job_id = j.id) END
FROM completing c
CROSS JOIN jobs j
WHERE j.id = c.id
    AND (c.keep IS NULL OR c.keep > 0);

INSERT OR ROLLBACK INTO statistics (minute, queue, kind, completed, run_ms, wait_ms)
SELECT
    strftime('%Y-%m-%dT%H:%M:00.000Z', 'now'), j.queue, j.kind, count(*),
    CAST(round(sum(julianday('now') - julianday(j.claimed_at)) * 86400000.0) AS INTEGER),
    CAST(round(sum(julianday(j.claimed_at) - julianday(max(j.run_at, j.created_at))) * 86400000.0) AS INTEGER)
FROM completing c
CROSS JOIN jobs j
WHERE j.id = c.id
GROUP BY j.queue, j.kind
ON CONFLICT (minute, queue, kind) DO UPDATE
SET completed = completed + excluded.completed, run_ms = run_ms + excluded.run_ms,
    wait_ms = wait_ms + excluded.wait_ms;

-- What it means for jobs that depend on these, and for batches. The first conditions spare the rest where there are none.
INSERT OR ROLLBACK INTO close_edges (parent_id, state, result)
SELECT c.id, 'completed', c.result
FROM completing c
WHERE EXISTS (SELECT 1 FROM dependencies)
    AND EXISTS (SELECT 1 FROM dependencies d WHERE d.parent_id = c.id AND d.closed_at IS NULL OR d.job_id = c.id);

INSERT OR ROLLBACK INTO batch_counts (batch_id, completed)
SELECT j.batch_id, count(*)
FROM completing c
CROSS JOIN jobs j
WHERE EXISTS (SELECT 1 FROM batches)
    AND j.id = c.id
    AND j.batch_id IS NOT NULL
GROUP BY j.batch_id;

DELETE FROM jobs
WHERE id IN (SELECT id FROM completing);

SELECT id, fence
FROM completing;

DELETE FROM completing;

-- One claim by itself, such as that of a job that has to run again. Parameters as above.
INSERT OR ROLLBACK INTO complete_jobs (id, fence, worker, keep, result, output, cpu_ms, max_rss_bytes, read_bytes,
    write_bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: requeue_jobs
-- ?1 id, ?2 fence, ?3 worker, ?4 outcome, ?5 reason, ?6 error_class, ?7 error, ?8 backtrace, ?9 exit_code, ?10 signal,
-- ?11 cpu_ms, ?12 max_rss_bytes, ?13 read_bytes, ?14 write_bytes, ?15 output, ?16 delay, ?17 refund.
INSERT OR ROLLBACK INTO requeue_jobs
    (id, fence, worker, outcome, reason, error_class, error, backtrace, exit_code, signal, cpu_ms, max_rss_bytes,
    read_bytes, write_bytes,
     output, delay, refund)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17);

-- name: finish_jobs
-- As for requeue_jobs up to ?15, then ?16 state, ?17 keep, ?18 fingerprint.
INSERT OR ROLLBACK INTO finish_jobs
    (id, fence, worker, outcome, reason, error_class, error, backtrace, exit_code, signal, cpu_ms, max_rss_bytes,
    read_bytes, write_bytes,
     output, state, keep, fingerprint)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18);

-- name: clear_live_data
-- What a job wrote while it ran, once its attempt is closed. ?1 id.
DELETE FROM output_chunks
WHERE job_id = ?1
    AND NOT EXISTS (
        SELECT 1 FROM jobs j
        WHERE j.id = output_chunks.job_id AND j.fence = output_chunks.fence AND j.state = 'running');

-- name: clear_progress
-- ?1 id.
DELETE FROM progress
WHERE job_id = ?1
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = progress.job_id);

-- name: forget_batches
-- ?1 worker, ?2 batch.
DELETE FROM claims
WHERE worker = ?1
    AND batch = ?2;

-- name: standing_claims
-- Whether this claim still stands. ?1 id, ?2 fence, ?3 worker.
SELECT 1
FROM jobs
WHERE id = ?1 AND fence = ?2 AND worker = ?3 AND state = 'running';

-- name: closed_claims
-- Whether this claim was closed by whoever held it: what a job's own code, or a settle in doubt, has done, and not one
-- whose job was taken back; and whether that completed the job. ?1 id, ?2 fence, ?3 worker.
SELECT state = 'completed'
FROM history
WHERE id = ?1 AND fence = ?2 AND worker = ?3
    AND (state = 'completed' OR attempts ->> '$[#-1].outcome' IS NOT 'crashed')
UNION ALL
SELECT 0
FROM dead_jobs
WHERE id = ?1 AND fence = ?2 AND worker = ?3 AND attempts ->> '$[#-1].outcome' IS NOT 'crashed'
UNION ALL
SELECT outcome IN ('completed', 'settled_by_job')
FROM attempt_log
WHERE job_id = ?1 AND fence = ?2 AND worker = ?3 AND outcome <> 'crashed'
UNION ALL
-- By now the job has finished with a later claim.
SELECT outcome IN ('completed', 'settled_by_job')
FROM kept_attempts
WHERE job_id = ?1 AND fence = ?2 AND worker = ?3 AND outcome <> 'crashed';

-- name: forget_marks
-- What a job that settled itself left for this claim's worker to find. ?1 id, ?2 fence, ?3 worker.
DELETE FROM attempt_log
WHERE job_id = ?1 AND fence = ?2 AND worker = ?3 AND outcome = 'settled_by_job';

-- name: cancel_requests
-- ?1 worker.
SELECT job_id, fence, worker
FROM cancel_requests
WHERE worker = ?1
ORDER BY job_id
LIMIT 1000;

-- name: clear_cancel_requests
-- Of a job that is done with: the settlement may be a stale one, and the request about a later claim. ?1 id.
DELETE FROM cancel_requests
WHERE job_id = ?1
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = cancel_requests.job_id);

-- name: write_output
-- ?1 id, ?2 fence, ?3 worker, ?4 sequence, ?5 stream, ?6 body.
INSERT INTO output_chunks (job_id, fence, sequence, stream, body)
SELECT id, fence, ?4, ?5, ?6
FROM jobs
WHERE id = ?1 AND fence = ?2 AND worker = ?3 AND state = 'running'
ON CONFLICT (job_id, fence, sequence) DO NOTHING;

-- name: write_progress
-- A job replaced while it runs keeps none: it will begin from the beginning.
-- ?1 id, ?2 fence, ?3 worker, ?4 percent, ?5 note, ?6 checkpoint.
INSERT INTO progress (job_id, fence, percent, note, checkpoint)
SELECT id, fence, ?4, ?5, ?6
FROM jobs
WHERE id = ?1 AND fence = ?2 AND worker = ?3 AND state = 'running' AND rerun = 0
ON CONFLICT (job_id) DO UPDATE
SET fence = excluded.fence, updated_at = excluded.updated_at, percent = coalesce(excluded.percent, percent),
    note = coalesce(excluded.note, note), checkpoint = coalesce(excluded.checkpoint, checkpoint)
WHERE fence <= excluded.fence;

-- name: promote_jobs
-- Jobs ahead of their time stand in the claim order already, behind those that are due.
SELECT 1 WHERE 0;

-- name: pass_gates
-- The last of up to ?1 notes, if there are any.
SELECT max(id)
FROM (SELECT id FROM gate_news ORDER BY id LIMIT ?1);

-- Parents that had ended before their child came. ?1 the last note.
UPDATE dependencies
SET parent_state = coalesce(
        (SELECT d.state FROM dead_jobs d WHERE d.id = dependencies.parent_id),
        (SELECT h.state FROM history h WHERE h.id = dependencies.parent_id),
        -- It was there when the child came, and is of a kind of which nothing is kept.
        'completed'),
    result = (SELECT h.result FROM history h WHERE h.id = dependencies.parent_id),
    closed_at = CASE
        WHEN 'block' IS (SELECT j.on_dependency_failure FROM jobs j WHERE j.id = dependencies.job_id)
            AND (dependencies.parent_id IN (SELECT d.id FROM dead_jobs d)
                OR EXISTS (SELECT 1 FROM history h WHERE h.id = dependencies.parent_id AND h.state = 'cancelled'))
        THEN NULL
        ELSE strftime('%Y-%m-%dT%H:%M:%fZ', 'now') END
WHERE closed_at IS NULL
    AND job_id IN (SELECT n.job_id FROM gate_news n WHERE n.id <= ?1)
    AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.id = dependencies.parent_id);

-- Jobs that must not run, since a parent failed. ?1 the last note.
SELECT j.id, d.parent_id, d.parent_state
FROM (SELECT DISTINCT job_id FROM gate_news WHERE id <= ?1 AND job_id IS NOT NULL) n
CROSS JOIN jobs j ON j.id = n.job_id AND j.state = 'blocked' AND j.on_dependency_failure = 'cancel'
CROSS JOIN dependencies d ON d.job_id = j.id AND d.parent_state IN ('dead', 'cancelled')
GROUP BY j.id
HAVING min(d.parent_id);

-- ?1 id, ?2 reason.
INSERT INTO cancel_unclaimed (id, reason)
VALUES (?1, ?2);

-- Turns whose jobs have finished. ?1 the last note.
DELETE FROM serial_turns
WHERE serial_key IN (
    SELECT n.serial_key FROM gate_news n WHERE n.id <= ?1 AND n.serial_key IS NOT NULL
    UNION
    SELECT j.serial_key FROM gate_news n CROSS JOIN jobs j WHERE n.id <= ?1 AND j.id = n.job_id AND j.serial_key IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = serial_turns.job_id);

-- ?1 the last note.
INSERT OR IGNORE INTO serial_turns (serial_key, job_id)
SELECT k.serial_key, (SELECT min(j.id) FROM jobs j WHERE j.serial_key = k.serial_key)
FROM (
    SELECT n.serial_key FROM gate_news n WHERE n.id <= ?1 AND n.serial_key IS NOT NULL
    UNION
    SELECT j.serial_key FROM gate_news n CROSS JOIN jobs j WHERE n.id <= ?1 AND j.id = n.job_id AND j.serial_key IS NOT NULL) k
WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.serial_key = k.serial_key);

-- ?1 the last note.
UPDATE jobs
SET state = 'available', ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id IN (
    SELECT n.job_id FROM gate_news n WHERE n.id <= ?1 AND n.job_id IS NOT NULL
    UNION
    SELECT t.job_id FROM serial_turns t WHERE t.serial_key IN (
    SELECT n.serial_key FROM gate_news n WHERE n.id <= ?1 AND n.serial_key IS NOT NULL
    UNION
    SELECT j.serial_key FROM gate_news n CROSS JOIN jobs j WHERE n.id <= ?1 AND j.id = n.job_id AND j.serial_key IS NOT NULL))
    AND state = 'blocked' AND held_in IS NULL
    AND NOT EXISTS (SELECT 1 FROM dependencies d WHERE d.job_id = jobs.id AND d.closed_at IS NULL)
    AND (serial_key IS NULL
        OR EXISTS (SELECT 1 FROM serial_turns t WHERE t.serial_key = jobs.serial_key AND t.job_id = jobs.id));

-- ?1 the last note.
SELECT DISTINCT batch_id
FROM gate_news
WHERE id <= ?1
    AND batch_id IS NOT NULL;

-- ?1 the last note.
DELETE FROM gate_news
WHERE id <= ?1;

-- name: close_batch
-- What there is to do for a batch, if it is there. ?1 id. Whether its callbacks on_death, on_complete and on_success are due,
-- and the jobs that they are.
SELECT
    b.died_at IS NULL AND c.dead > 0,
    b.finished_at IS NULL AND u.over,
    b.succeeded_at IS NULL AND u.over AND c.dead <= 0 AND c.cancelled <= 0
        AND NOT EXISTS (SELECT 1 FROM batches x WHERE x.parent_id = b.id AND x.succeeded_at IS NULL),
    b.on_death, b.on_complete, b.on_success
FROM batches b
CROSS JOIN (
    SELECT coalesce(sum(dead), 0) AS dead, coalesce(sum(cancelled), 0) AS cancelled
    FROM batch_counts
    WHERE batch_id = ?1) c
CROSS JOIN (
    SELECT EXISTS (SELECT 1 FROM batches WHERE id = ?1 AND sealed_at IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE batch_id = ?1)
        AND NOT EXISTS (SELECT 1 FROM batches WHERE parent_id = ?1 AND finished_at IS NULL) AS over) u
WHERE b.id = ?1;

-- ?1 batch, ?2 event, ?3 the job.
INSERT INTO enqueue_many (jobs, on_conflict)
VALUES (
    json_array(json_set(json(?3), '$.args', json_patch(
        json_object('batch_id', ?1, 'event', ?2), coalesce(json_extract(?3, '$.args'), '{}')))),
    'skip');

-- ?1 id, ?2 died, ?3 finished, ?4 succeeded, ?5 problem.
UPDATE batches
SET died_at = CASE WHEN ?2 THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') ELSE died_at END,
    finished_at = CASE WHEN ?3 THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') ELSE finished_at END,
    succeeded_at = CASE WHEN ?4 THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') ELSE succeeded_at END,
    problem = coalesce(?5, problem)
WHERE id = ?1;

-- The batch of which it is a part may have finished with it. ?1 id.
INSERT INTO gate_news (batch_id)
SELECT parent_id FROM batches WHERE id = ?1 AND parent_id IS NOT NULL AND finished_at IS NOT NULL;

-- Folds its counts into one row. ?1 id.
UPDATE batch_counts
SET completed = (SELECT sum(c.completed) FROM batch_counts c WHERE c.batch_id = ?1),
    cancelled = (SELECT sum(c.cancelled) FROM batch_counts c WHERE c.batch_id = ?1),
    dead = (SELECT sum(c.dead) FROM batch_counts c WHERE c.batch_id = ?1)
WHERE rowid = (SELECT min(c.rowid) FROM batch_counts c WHERE c.batch_id = ?1);

-- ?1 id.
DELETE FROM batch_counts
WHERE batch_id = ?1
    AND rowid <> (SELECT min(c.rowid) FROM batch_counts c WHERE c.batch_id = ?1);

-- name: expire_jobs
-- Jobs that were not started in time. ?1 limit.
SELECT id
FROM jobs
WHERE expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    AND expires_at IS NOT NULL
    AND state <> 'running'
ORDER BY expires_at
LIMIT ?1;

-- ?1 id.
INSERT INTO cancel_unclaimed (id, reason)
VALUES (?1, 'expired');

-- name: mark_lost_workers
UPDATE workers
SET state = 'lost'
WHERE id IN (
    SELECT id
    FROM workers
    WHERE lease_until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        AND state NOT IN ('stopped', 'gone')
        AND state <> 'lost'
    LIMIT 100);

-- name: abandoned_jobs
-- Once each: a job that its worker gave back and took again stands in two of its claims. ?1 limit.
SELECT DISTINCT
    j.id, j.fence, j.worker, j.kind, j.attempt, coalesce(j.attempt_limit, j.max_attempts, 25), j.crashes,
    coalesce(j.retry_delay, 15)
FROM workers w
CROSS JOIN claims c ON c.worker = w.id
CROSS JOIN json_each(c.jobs) e
CROSS JOIN jobs j ON j.id = e.value AND j.worker = w.id AND j.state = 'running'
WHERE w.lease_until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    AND w.state NOT IN ('stopped', 'gone')
    AND w.state = 'lost'
ORDER BY j.id
LIMIT ?1;

-- name: clear_lost_workers
-- A lost worker that holds nothing any more is done with.
UPDATE workers
SET state = 'gone', running = 0
WHERE state = 'lost'
    AND lease_until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    AND NOT EXISTS (
        SELECT 1
        FROM claims c
        CROSS JOIN json_each(c.jobs) e
        CROSS JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
        WHERE c.worker = workers.id);

DELETE FROM claims
WHERE worker IN (SELECT id FROM workers WHERE state = 'gone')
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(claims.jobs) e
        CROSS JOIN jobs j ON j.id = e.value AND j.worker = claims.worker AND j.state = 'running');

-- name: clear_workers
-- A worker that left or was cleared up, and has jobs all the same, is lost.
UPDATE workers
SET state = 'lost'
WHERE state IN ('stopped', 'gone')
    AND EXISTS (
        SELECT 1
        FROM claims c
        CROSS JOIN json_each(c.jobs) e
        CROSS JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
        WHERE c.worker = workers.id);

DELETE FROM workers
WHERE state IN ('stopped', 'gone')
    AND lease_until < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.worker = workers.id);

-- name: clear_cancelled
-- A request and the end of its claim cannot come at the same time here, since there is one writer at a time. Requests
-- that their jobs left behind by completing are done with.
DELETE FROM cancel_requests
WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = cancel_requests.job_id);

-- name: clear_marks
-- Marks of workers that never came to look.
DELETE FROM attempt_log
WHERE outcome = 'settled_by_job'
    AND finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day');

-- name: fold_statistics
-- Statistics are added up in place.
SELECT 1 WHERE 0;

-- name: clear_statistics
DELETE FROM statistics
WHERE minute < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-400 days');

-- name: clear_windows
DELETE FROM unique_windows
WHERE until < strftime('%Y-%m-%dT%H:%M:%fZ', 'now');

-- name: clear_starts
-- Those that are out of the longest period.
DELETE FROM limit_starts
WHERE started_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', coalesce((SELECT max(period) FROM limits), 0)));

-- name: clear_dependencies
-- Of jobs whose own time to be kept is over.
DELETE FROM dependencies
WHERE keep_until <= strftime('%Y-%m-%d', 'now')
    AND job_id IN (
        SELECT job_id FROM dependencies WHERE keep_until <= strftime('%Y-%m-%d', 'now') LIMIT 20000);

-- name: clear_batches
DELETE FROM batch_counts
WHERE batch_id IN (
    SELECT id FROM batches
    WHERE finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id));

DELETE FROM batches
WHERE finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id);

-- name: ensure_history_days
-- History is one table: no day needs to be made.
SELECT 1 WHERE 0;

-- name: drop_history_days
-- One slice of the rows whose day has come. ?1 limit.
DELETE FROM history
WHERE id IN (
    SELECT id
    FROM history
    WHERE keep_until <= date('now')
    LIMIT ?1);

-- name: put_schedule
-- ?1 name, ?2 expression, ?3 time zone, ?4 kind, ?5 args, ?6 options, ?7 overlap, ?8 missed, ?9 jitter, ?10 source.
-- Written only where something changes.
INSERT INTO schedules
    (name, expression, time_zone, kind, args, options, overlap, missed, jitter, source)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (name) DO UPDATE
SET expression = excluded.expression, time_zone = excluded.time_zone, kind = excluded.kind, args = excluded.args,
    options = excluded.options, overlap = excluded.overlap, missed = excluded.missed, jitter = excluded.jitter,
    source = excluded.source, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE (expression, time_zone, kind, args, options, overlap, missed, jitter, source)
    IS NOT (excluded.expression, excluded.time_zone, excluded.kind, excluded.args, excluded.options,
        excluded.overlap, excluded.missed, excluded.jitter, excluded.source);

-- name: remove_other_schedules
-- ?1 source, ?2 names that stay.
DELETE FROM schedule_runs
WHERE schedule IN (
    SELECT name FROM schedules WHERE source = ?1 AND name NOT IN (SELECT value FROM json_each(?2)));

DELETE FROM schedules
WHERE source = ?1
    AND name NOT IN (SELECT value FROM json_each(?2));

-- name: schedule_outlook
-- Milliseconds until something is due, 0: now, null: nothing will be; and whether runs wait for earlier ones.
SELECT
    CASE WHEN EXISTS (SELECT 1 FROM schedules WHERE next_at IS NULL AND paused_at IS NULL AND problem IS NULL) THEN 0
        ELSE (
            SELECT max(CAST((julianday(next_at) - julianday('now')) * 86400000.0 + 0.9 AS INTEGER), 0)
            FROM schedules
            WHERE paused_at IS NULL AND next_at IS NOT NULL
            ORDER BY next_at
            LIMIT 1) END,
    EXISTS (SELECT 1 FROM schedule_runs WHERE outcome = 'waiting');

-- name: due_schedules
-- ?1 limit.
SELECT
    name, expression, time_zone, missed, jitter, CAST(strftime('%s', next_at) AS INTEGER),
    CAST(strftime('%s', 'now') AS INTEGER)
FROM schedules
WHERE paused_at IS NULL
    AND (next_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') OR (next_at IS NULL AND problem IS NULL))
ORDER BY next_at, name
LIMIT ?1;

-- name: fire_schedule
-- The schedule, if it still is what the caller has worked this out from: its overlap, and how many of its runs wait.
-- ?1 name, ?2 expression, ?3 time zone, ?4 due.
SELECT overlap
FROM schedules
WHERE name = ?1 AND expression = ?2 AND time_zone = ?3 AND paused_at IS NULL
    AND CAST(strftime('%s', next_at) AS INTEGER) IS ?4;

-- Notes a due time; nothing changes where it is noted. ?1 name, ?2 due.
INSERT INTO schedule_runs (schedule, due_at, outcome)
VALUES (?1, strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch'), 'skipped')
ON CONFLICT (schedule, due_at) DO NOTHING;

-- The jobs of the latest runs that have not finished. ?1 name.
SELECT j.id
FROM (SELECT job_id FROM schedule_runs WHERE schedule = ?1 ORDER BY due_at DESC LIMIT 1000) r
CROSS JOIN jobs j ON j.id = r.job_id;

-- ?1 name.
SELECT count(*)
FROM schedule_runs
WHERE schedule = ?1 AND outcome = 'waiting';

-- Adds the job of a due time, unless its unique_key is held. ?1 name, ?2 due, ?3 delay.
INSERT INTO enqueue_many (jobs, on_conflict)
SELECT
    json_array(json_set(
        options, '$.kind', kind, '$.args', json(args),
        '$.run_at', strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch', printf('%.3f seconds', ?3)),
        '$.meta', json_set(coalesce(options -> '$.meta', '{}'),
            '$.due_at', strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch')))),
    'skip'
FROM schedules
WHERE name = ?1;

-- The newest job: ids only grow.
SELECT coalesce(max(id), 0)
FROM jobs;

-- ?1 name, ?2 job.
UPDATE jobs
SET schedule = ?1
WHERE id = ?2;

-- What came of a due time. ?1 name, ?2 due, ?3 outcome, ?4 job.
UPDATE schedule_runs
SET outcome = ?3, job_id = ?4
WHERE schedule = ?1
    AND due_at = strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch');

-- ?1 name, ?2 next due time, ?3 what is wrong.
UPDATE schedules
SET next_at = strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch'), problem = ?3
WHERE name = ?1;

-- name: fail_schedule
-- ?1 name, ?2 expression, ?3 time zone, ?4 due, ?5 what is wrong.
UPDATE schedules
SET problem = ?5, next_at = NULL
WHERE name = ?1 AND expression = ?2 AND time_zone = ?3 AND paused_at IS NULL
    AND CAST(strftime('%s', next_at) AS INTEGER) IS ?4;

-- name: release_runs
-- The oldest waiting run of each schedule that has no unfinished one.
SELECT r.schedule, CAST(strftime('%s', min(r.due_at)) AS INTEGER)
FROM schedule_runs r
JOIN schedules s ON s.name = r.schedule AND s.paused_at IS NULL
WHERE r.outcome = 'waiting'
    AND NOT EXISTS (
        SELECT 1
        FROM schedule_runs u
        CROSS JOIN jobs j ON j.id = u.job_id
        WHERE u.schedule = r.schedule)
GROUP BY r.schedule
ORDER BY r.schedule
LIMIT 1000;

-- ?1 name, ?2 what is wrong.
UPDATE schedules
SET problem = ?2
WHERE name = ?1;

-- name: clear_schedule_runs
-- The latest 1000 of each schedule stay.
DELETE FROM schedule_runs
WHERE outcome <> 'waiting'
    AND due_at <= (
        SELECT o.due_at FROM schedule_runs o
        WHERE o.schedule = schedule_runs.schedule
        ORDER BY o.due_at DESC
        LIMIT 1 OFFSET 1000);

-- name: find_job
-- ?1 id.
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at, expires_at, attempt,
    max_attempts, fence, worker, crashes, snoozes, give_backs, timeout, unique_key, tags, meta, reason, result, output,
    error, cpu_ms, max_rss_bytes, read_bytes, write_bytes
FROM all_jobs
WHERE id = ?1
LIMIT 1;

-- name: list_jobs
-- ?1 states, ?2 kind, ?3 queue, ?4 tag, ?5 since, ?6 below, ?7 limit, ?8 batch; null: any.
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at, expires_at, attempt,
    max_attempts, fence, worker, crashes, snoozes, give_backs, timeout, unique_key, tags, meta, reason, result, output,
    error, cpu_ms, max_rss_bytes, read_bytes, write_bytes
FROM all_jobs
WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR kind = ?2)
    AND (?3 IS NULL OR queue = ?3)
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) t WHERE t.value = ?4))
    AND (?5 IS NULL OR created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', ?5))
    AND id < coalesce(?6, 9223372036854775807)
    AND (?8 IS NULL OR batch_id = ?8)
ORDER BY id DESC
LIMIT ?7;

-- name: list_attempts
-- ?1 id.
SELECT
    fence, attempt, worker, started_at, finished_at, outcome, error_class, error, exit_code, signal, cpu_ms,
    max_rss_bytes, read_bytes, write_bytes, output, backtrace
FROM attempts
WHERE job_id = ?1
ORDER BY fence
LIMIT 10000;

-- name: find_progress
-- ?1 id.
SELECT fence, updated_at, percent, note, checkpoint
FROM progress
WHERE job_id = ?1;

-- name: list_output
-- ?1 id, ?2 after fence, ?3 after sequence.
SELECT fence, sequence, written_at, stream, body
FROM output_chunks
WHERE job_id = ?1
    AND (fence, sequence) > (?2, ?3)
ORDER BY fence, sequence
LIMIT 1000;

-- name: list_queues
SELECT
    queue, paused, available, scheduled, blocked, running, retryable, dead, oldest_age, completed_per_minute,
    failed_per_minute, slots, weight
FROM queue_stats
ORDER BY queue
LIMIT 10000;

-- name: list_workers
SELECT
    id, name, host, pid, version,
    CASE WHEN state IN ('running', 'quiet', 'stopping') AND lease_until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        THEN 'lost' ELSE state END,
    slots, running, started_at, heartbeat_at, lease_until, labels, queues, kinds, report
FROM workers
ORDER BY state IN ('stopped', 'gone'), started_at DESC
LIMIT 10000;

-- name: list_kind_stats
-- ?1 seconds back from now; null: all.
SELECT
    kind, sum(completed), sum(failed), sum(dead), sum(cancelled), sum(snoozed), sum(released), sum(crashed),
    sum(run_ms), sum(wait_ms)
FROM statistics
WHERE ?1 IS NULL OR minute >= strftime('%Y-%m-%dT%H:%M:00.000Z', 'now', printf('-%.3f seconds', ?1))
GROUP BY kind
ORDER BY kind
LIMIT 10000;

-- name: list_minute_stats
-- Per step of ?2 seconds. ?1: seconds back from now, begun steps included. ?3: limit.
SELECT
    strftime('%Y-%m-%dT%H:%M:%fZ', step * ?2, 'unixepoch'), queue, kind, sum(completed), sum(failed), sum(dead),
    sum(cancelled), sum(snoozed), sum(released), sum(crashed), sum(run_ms), sum(wait_ms)
FROM (
    SELECT CAST(strftime('%s', minute) AS INTEGER) / ?2 AS step, *
    FROM statistics
    WHERE minute >= strftime(
        '%Y-%m-%dT%H:%M:%fZ',
        CAST(strftime('%s', 'now', printf('-%.3f seconds', ?1)) AS INTEGER) / ?2 * ?2,
        'unixepoch'))
GROUP BY step, queue, kind
ORDER BY step DESC, queue, kind
LIMIT ?3;

-- name: list_dead_groups
-- ?1 limit.
SELECT
    d.kind, coalesce(d.fingerprint, ''), count(*), max(d.id), max(d.finished_at),
    (
        SELECT coalesce(n.error, n.reason, '')
        FROM dead_jobs n
        WHERE n.kind = d.kind AND n.fingerprint IS d.fingerprint
        ORDER BY n.finished_at DESC, n.id DESC
        LIMIT 1)
FROM dead_jobs d
GROUP BY d.kind, d.fingerprint
ORDER BY count(*) DESC, d.kind
LIMIT ?1;

-- name: list_violations
-- One row per broken promise: its code, the job, what is wrong.
SELECT * FROM (
    SELECT 'one_place', p.id, 'it is in ' || group_concat(p.place, ' and in ')
    FROM (
        SELECT id, 'jobs' AS place FROM jobs
        UNION ALL SELECT id, 'history' FROM history
        UNION ALL SELECT id, 'dead_jobs' FROM dead_jobs) p
    GROUP BY p.id
    HAVING count(*) > 1
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'running_is_claimed', j.id, 'it runs, but no claim of worker ' || j.worker || ' names it: nobody would take it back'
    FROM jobs j
    WHERE j.state = 'running'
        AND NOT EXISTS (
            SELECT 1 FROM claims c, json_each(c.jobs) e WHERE c.worker = j.worker AND e.value = j.id)
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'running_has_a_worker', j.id, 'it runs under worker ' || j.worker || ', which is not there any more'
    FROM jobs j
    WHERE j.state = 'running'
        AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = j.worker AND w.state NOT IN ('gone', 'stopped'))
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'one_claim_per_fence', a.job_id, 'its claim ' || a.fence || ' was closed ' || count(*) || ' times'
    FROM attempts a
    GROUP BY a.job_id, a.fence
    HAVING count(*) > 1
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'attempts_within_limit', j.id, 'it is at attempt ' || j.attempt || ' of ' || coalesce(j.attempt_limit, j.max_attempts)
    FROM all_jobs j
    WHERE j.attempt > coalesce(j.attempt_limit, j.max_attempts)
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'not_before_run_at', j.id, 'it started at ' || j.claimed_at || ', before its time, ' || j.run_at
    FROM history j
    WHERE j.fence = 1 AND j.claimed_at < j.run_at
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'one_at_a_time', min(j.id), count(*) || ' jobs of serial key "' || j.serial_key || '" run at once'
    FROM jobs j
    WHERE j.serial_key IS NOT NULL AND j.state = 'running'
    GROUP BY j.serial_key
    HAVING count(*) > 1
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'one_job_per_due_time', min(j.id), 'schedule "' || j.schedule || '" has ' || count(*) || ' jobs for ' || (j.meta ->> '$.due_at')
    FROM all_jobs j
    WHERE j.schedule IS NOT NULL
    GROUP BY j.schedule, j.meta ->> '$.due_at'
    HAVING count(*) > 1
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'each_claim_is_closed', j.id, 'of its ' || j.fence || ' claims ' || j.closed || ' are closed on record'
    FROM (
        SELECT
            a.id, a.fence, a.state,
            (SELECT count(*) FROM attempts t WHERE t.job_id = a.id) AS closed,
            EXISTS (SELECT 1 FROM attempts t WHERE t.job_id = a.id AND t.fence = a.fence AND t.outcome = 'completed') AS has_last
        FROM all_jobs a) j
    WHERE j.closed + (j.state = 'running' OR (j.state = 'completed' AND NOT j.has_last)) <> j.fence
        -- A retried job's completing claim went with its result.
        AND NOT EXISTS (SELECT 1 FROM operator_audit o WHERE o.job_id = j.id AND o.action = 'retry')
    LIMIT 100)
UNION ALL
SELECT * FROM (
    SELECT 'blocked_by_something', j.id, 'it is blocked, but nothing blocks it and no note of it is left'
    FROM jobs j
    WHERE j.state = 'blocked' AND j.held_in IS NULL
        AND NOT EXISTS (SELECT 1 FROM dependencies d WHERE d.job_id = j.id AND d.closed_at IS NULL)
        AND (j.serial_key IS NULL
            OR EXISTS (SELECT 1 FROM serial_turns t WHERE t.serial_key = j.serial_key AND t.job_id = j.id))
        AND NOT EXISTS (SELECT 1 FROM gate_news g WHERE g.job_id = j.id OR g.serial_key = j.serial_key)
    LIMIT 100);

-- name: list_findings
-- Severity, code, text, remedy.
SELECT s.severity, s.code, s.text, s.remedy
FROM (
    SELECT 'warning' AS severity, 'no_worker' AS code, 'no worker takes jobs' AS text,
        'jobrunner work starts one' AS remedy
    WHERE NOT EXISTS (SELECT 1 FROM workers w WHERE w.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND w.state = 'running')
    UNION ALL
    SELECT 'error', 'worker_lost', 'worker ' || w.name || ' on ' || w.host || ' has not spoken since ' || w.heartbeat_at
            || ', and its jobs are not all taken back',
        'any live worker does that within seconds: see that one runs'
    FROM workers w
    WHERE w.lease_until < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 seconds') AND w.state NOT IN ('stopped', 'gone')
    UNION ALL
    SELECT 'error', 'held_back', 'worker ' || w.name || ' holds back ' || coalesce(h.value ->> '$.kinds', 'a kind') || ': '
            || coalesce(h.value ->> '$.error', 'its service does not start'),
        'mend the program, or the configuration, of that service'
    FROM workers w, json_each(w.report, '$.held_back') h
    WHERE w.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    UNION ALL
    SELECT 'warning', 'unknown_kind', 'at least ' || count(*) || ' jobs of kind "' || k.kind || '" wait, which no live worker has',
        'add the kind to a worker''s configuration, or cancel them: jobrunner cancel --kind ' || k.kind
    FROM (SELECT j.kind FROM jobs j WHERE j.state = 'available' LIMIT 20000) k
    WHERE EXISTS (SELECT 1 FROM workers w WHERE w.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND w.state = 'running')
        AND NOT EXISTS (
            SELECT 1 FROM workers w, json_each(w.kinds) e
            WHERE w.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND w.state = 'running' AND e.value = k.kind)
    GROUP BY k.kind
    UNION ALL
    SELECT 'warning', 'stuck_job', 'job ' || j.id || ' (' || j.kind || ') has run since ' || j.claimed_at,
        'jobrunner cancel ' || j.id || ', and give its kind a timeout'
    FROM claims c, json_each(c.jobs) e
    JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
    WHERE j.claimed_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
    UNION ALL
    SELECT 'warning', 'schedule_problem', 'schedule "' || s.name || '": ' || s.problem, 'jobrunner schedules show ' || s.name
    FROM schedules s WHERE s.problem IS NOT NULL
    UNION ALL
    SELECT 'warning', 'schedule_late', 'schedule "' || s.name || '" was due at ' || s.next_at || ', and has not run',
        'any live worker runs it with its next look: see that one runs'
    FROM schedules s
    WHERE s.next_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 minute') AND s.paused_at IS NULL AND s.problem IS NULL
    UNION ALL
    SELECT 'warning', 'batch_problem', 'batch ' || b.id || ': ' || b.problem, 'jobrunner batches show ' || b.id
    FROM batches b WHERE b.problem IS NOT NULL
    UNION ALL
    SELECT 'note', 'queue_paused', 'queue "' || q.queue || '" is paused since ' || q.paused_at, 'jobrunner queues resume ' || q.queue
    FROM queues q WHERE q.paused_at IS NOT NULL
    UNION ALL
    SELECT 'note', 'journal_mode', 'SQLite ' || sqlite_version() || ' with journal mode ' || p.journal_mode,
        CASE p.journal_mode WHEN 'wal' THEN 'none needed: this SQLite has the fix for its write-ahead log'
            ELSE 'none needed; newer SQLites may use the faster write-ahead log' END
    FROM pragma_journal_mode p) s
ORDER BY instr('error warning note', s.severity), s.code, s.text;

-- Damage to the file itself.
SELECT 'error', 'damaged_file', q.quick_check, 'stop all that use the file, and restore it or recover it with the sqlite3 shell'
FROM pragma_quick_check(20) q
WHERE q.quick_check <> 'ok';

-- name: list_parents
-- ?1 id.
SELECT d.parent_id, coalesce(d.parent_state, s.state, 'completed'), d.closed_at IS NOT NULL, d.result
FROM dependencies d
LEFT JOIN job_states s ON s.id = d.parent_id
WHERE d.job_id = ?1
ORDER BY d.parent_id
LIMIT 10000;

-- name: find_wait_facts
-- ?1 id, ?2 how far jobs ahead are counted.
WITH fits AS (
    SELECT
        x.slots, x.running,
        x.queues = '[]' OR j.queue IN (SELECT value FROM json_each(x.queues)) AS queue_fits,
        j.kind IN (SELECT value FROM json_each(x.kinds)) AS kind_fits,
        NOT EXISTS (
            SELECT 1 FROM json_each(j.requires) r WHERE r.value NOT IN (SELECT value FROM json_each(x.labels)))
            AS labels_fit
    FROM jobs j
    CROSS JOIN workers x
    WHERE j.id = ?1
        AND x.lease_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
        AND x.state = 'running'
)
SELECT
    EXISTS (SELECT 1 FROM queues q WHERE q.queue = j.queue AND q.paused_at IS NOT NULL),
    (SELECT count(*) FROM fits),
    (SELECT count(*) FROM fits WHERE queue_fits),
    (SELECT count(*) FROM fits WHERE queue_fits AND kind_fits),
    (SELECT count(*) FROM fits WHERE queue_fits AND kind_fits AND labels_fit),
    (SELECT coalesce(sum(max(slots - running, 0)), 0) FROM fits WHERE queue_fits AND kind_fits AND labels_fit),
    j.requires, j.serial_key, t.job_id,
    (SELECT s.state FROM job_states s WHERE s.id = t.job_id),
    (SELECT count(*) FROM (
        SELECT 1
        FROM jobs b
        WHERE b.state IN ('available', 'retryable')
            AND b.queue = j.queue
            AND b.run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            AND (b.priority, b.run_at, b.id) < (j.priority, j.run_at, j.id)
        LIMIT ?2)),
    j.run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), j.held_in, l.scope, l.name, l.at_most, l.starts, l.period,
    (SELECT json_group_array(CAST(h.id AS TEXT)) FROM (
        SELECT r.id
        FROM claims c
        CROSS JOIN json_each(c.jobs) e
        CROSS JOIN jobs r ON r.id = e.value AND r.worker = c.worker AND r.state = 'running'
        CROSS JOIN limits_on o ON o.job_id = r.id AND o.at_most IS NOT NULL AND o.line = j.held_in
        LIMIT 5) h)
FROM jobs j
LEFT JOIN serial_turns t ON t.serial_key = j.serial_key
LEFT JOIN limits l ON l.id = CAST(substr(j.held_in, 1, instr(j.held_in, ':') - 1) AS INTEGER)
WHERE j.id = ?1;

-- name: create_batch
-- ?1 name, ?2 on_success, ?3 on_complete, ?4 on_death, ?5 parent, ?6 sealed.
INSERT INTO create_batch (name, on_success, on_complete, on_death, parent_id, sealed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

SELECT max(id) FROM batches;

-- name: seal_batch
-- ?1 id. The first returns a row if it is there.
SELECT 1 FROM batches WHERE id = ?1;

INSERT INTO seal_batch (id)
VALUES (?1);

-- name: list_batches
-- ?1 the one, or null; ?2 limit.
SELECT
    id, name, parent_id, state, unfinished, running, completed, cancelled, dead, created_at, sealed_at, finished_at,
    succeeded_at, died_at, eta, problem
FROM batch_stats
WHERE ?1 IS NULL OR id = ?1
ORDER BY id DESC
LIMIT ?2;

-- name: set_actor
-- The actor is handed to each verb.
SELECT 1 WHERE 0;

-- name: cancel_job
-- What the action will come to: done, requested, or the state in which it is not possible; no row: not found. ?1 id.
SELECT CASE WHEN state IN ('completed', 'cancelled', 'dead') THEN state
    WHEN state = 'running' THEN 'requested'
    ELSE 'done' END
FROM job_states
WHERE id = ?1;

-- ?1 id, ?2 actor.
INSERT INTO cancel (id, actor)
VALUES (?1, ?2);

-- name: retry_job
SELECT CASE WHEN state IN ('running', 'blocked', 'scheduled')
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = ?1 AND j.held_in IS NOT NULL) THEN state ELSE 'done' END
FROM job_states
WHERE id = ?1;

INSERT INTO retry (id, actor)
VALUES (?1, ?2);

-- name: delete_job
SELECT CASE WHEN state = 'running' THEN state ELSE 'done' END
FROM job_states
WHERE id = ?1;

INSERT INTO delete_job (id, actor)
VALUES (?1, ?2);

-- name: reschedule_job
SELECT CASE WHEN state IN ('available', 'retryable')
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.id = ?1 AND j.held_in IS NOT NULL) THEN 'done' ELSE state END
FROM job_states
WHERE id = ?1;

-- ?3 an instant, or ?4 seconds from now.
INSERT INTO reschedule (id, actor, run_at)
VALUES (?1, ?2, coalesce(?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?4))));

-- name: edit_job
SELECT CASE WHEN state IN ('running', 'completed', 'cancelled', 'dead') THEN state ELSE 'done' END
FROM job_states
WHERE id = ?1;

-- ?3 changes.
INSERT INTO edit_job (id, actor, changes)
VALUES (?1, ?2, ?3);

-- name: pause_queue
-- ?1 queue, ?2 actor.
INSERT INTO pause_queue (name, actor)
VALUES (?1, ?2);

-- name: resume_queue
-- ?1 queue, ?2 actor.
INSERT INTO resume_queue (name, actor)
VALUES (?1, ?2);

-- name: set_queue
-- ?1 queue, ?2 slots, ?3 weight, ?4 actor.
INSERT INTO operator_audit (actor, action, queue, details)
VALUES (?4, 'set', ?1, json_object('slots', ?2, 'weight', ?3));

INSERT INTO queues (queue, slots, weight)
VALUES (?1, ?2, ?3)
ON CONFLICT (queue) DO UPDATE
SET slots = coalesce(?2, slots), weight = coalesce(?3, weight);

-- name: list_limits
-- ?1 how far waiting jobs are counted. Of a limit of many keys: the sum over all of them.
SELECT
    l.scope, l.name, l.at_most, l.starts, l.period,
    coalesce((
        SELECT sum(min(j.cost, l.at_most))
        FROM claims c
        CROSS JOIN json_each(c.jobs) e
        CROSS JOIN jobs j ON j.id = e.value AND j.worker = c.worker AND j.state = 'running'
        CROSS JOIN limits_on o ON o.job_id = j.id AND o.limit_id = l.id), 0),
    coalesce((
        SELECT sum(s.cost)
        FROM limit_starts s
        WHERE s.line >= l.id || ':' AND s.line < l.id || ';'
            AND s.started_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', l.period))), 0),
    (SELECT count(*) FROM (SELECT 1 FROM jobs h WHERE h.held_in >= l.id || ':' AND h.held_in < l.id || ';' LIMIT ?1))
FROM limits l
ORDER BY l.scope, l.name
LIMIT 10000;

-- name: set_limit
-- ?1 scope, ?2 name, ?3 at_most, ?4 starts, ?5 seconds, ?6 actor.
INSERT INTO operator_audit (actor, action, details)
VALUES (?6, 'set limit', json_object('scope', ?1, 'name', ?2, 'at_most', ?3, 'starts', ?4, 'period_ms', CAST(?5 * 1000 AS INTEGER)));

INSERT INTO limits (scope, name, at_most, starts, period)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, name) DO UPDATE
SET at_most = excluded.at_most, starts = excluded.starts, period = excluded.period;

-- name: remove_limit
-- ?1 scope, ?2 name, ?3 actor.
INSERT INTO operator_audit (actor, action, details)
SELECT ?3, 'remove limit', json_object('scope', scope, 'name', name)
FROM limits
WHERE scope = ?1 AND name = ?2;

DELETE FROM limits
WHERE scope = ?1 AND name = ?2;

-- name: list_schedules
SELECT
    name, expression, time_zone, kind, args, options, overlap, missed, jitter, next_at, paused_at, source, problem
FROM schedules
ORDER BY name
LIMIT 10000;

-- name: list_schedule_runs
-- ?1 name, ?2 limit.
SELECT due_at, enqueued_at, job_id, outcome
FROM schedule_runs
WHERE schedule = ?1
ORDER BY due_at DESC
LIMIT ?2;

-- name: pause_schedule
-- ?1 name.
SELECT EXISTS (SELECT 1 FROM schedules WHERE name = ?1);

-- ?1 name, ?2 actor.
INSERT INTO pause_schedule (name, actor)
VALUES (?1, ?2);

-- name: resume_schedule
-- ?1 name.
SELECT EXISTS (SELECT 1 FROM schedules WHERE name = ?1);

-- ?1 name, ?2 actor.
INSERT INTO resume_schedule (name, actor)
VALUES (?1, ?2);

-- name: remove_schedule
-- ?1 name.
SELECT EXISTS (SELECT 1 FROM schedules WHERE name = ?1);

-- ?1 name, ?2 actor.
INSERT INTO remove_schedule (name, actor)
VALUES (?1, ?2);

-- name: run_schedule
-- Now, in seconds, where there is such a schedule. ?1 name.
SELECT julianday('now') * 86400.0 - 210866760000.0
FROM schedules
WHERE name = ?1;

-- A run's key is its time: one that shares a millisecond with another is noted a millisecond after it.
-- ?1 name, ?2 now, ?3 job.
WITH now (at) AS (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch')),
latest (at) AS (SELECT max(due_at) FROM schedule_runs WHERE schedule = ?1)
INSERT INTO schedule_runs (schedule, due_at, job_id, outcome)
SELECT
    ?1,
    CASE WHEN latest.at >= now.at THEN strftime('%Y-%m-%dT%H:%M:%fZ', latest.at, '+0.001 seconds') ELSE now.at END,
    ?3,
    'run now'
FROM now, latest;

-- ?1 name, ?2 job, ?3 actor.
INSERT INTO operator_audit (actor, action, job_id, details)
VALUES (?3, 'run', ?2, json_object('schedule', ?1));

-- name: prune_jobs
-- ?1 states, ?2 seconds since the end, ?3 limit. A dead job's edges go with it; finished ones' have a day of their own.
DELETE FROM dependencies
WHERE job_id IN (
    SELECT id
    FROM dead_jobs
    WHERE 'dead' IN (SELECT value FROM json_each(?1))
        AND finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', ?2))
    ORDER BY id
    LIMIT ?3);

DELETE FROM dead_jobs
WHERE id IN (
    SELECT id
    FROM dead_jobs
    WHERE 'dead' IN (SELECT value FROM json_each(?1))
        AND finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', ?2))
    ORDER BY id
    LIMIT ?3);

DELETE FROM history
WHERE id IN (
    SELECT id
    FROM history
    WHERE state IN (SELECT value FROM json_each(?1))
        AND finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', ?2))
    LIMIT ?3);

-- name: arm_wake
-- A sleeping worker watches the file: nobody has to be told.
SELECT 1 WHERE 0;

-- name: disarm_wake
-- See arm_wake.
SELECT 1 WHERE 0;

-- name: create_migrations
-- Made before the first migration, which it records.
CREATE TABLE IF NOT EXISTS migrations (
    number        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    applied_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    applied_by    TEXT NOT NULL,
    -- Binaries older than this one no longer fit the schema from here on.
    oldest_binary TEXT NOT NULL
) STRICT;

-- name: list_migrations
SELECT number, name, applied_at, oldest_binary
FROM migrations
ORDER BY number;

-- name: record_migration
-- ?1 number, ?2 name, ?3 applied by, ?4 oldest binary.
INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (?1, ?2, ?3, ?4);

-- name: make_schema
-- The file is the schema.
SELECT 1 WHERE 0;

-- name: lock_migrations
-- BEGIN IMMEDIATE holds the file to the end of the transaction: one migrates, the others wait.
SELECT 1 WHERE 0;

-- name: has_migrations
SELECT EXISTS (
    SELECT 1 FROM sqlite_schema
    WHERE type = 'table'
        AND name = 'migrations');

-- name: roles
-- SQLite has no roles: who may write the file may do everything with it.
SELECT 1 WHERE 0;
