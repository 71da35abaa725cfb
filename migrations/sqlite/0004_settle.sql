-- Running again after a replacement, settling.
--
-- Locks:   the file, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the triggers and views that it creates.
--
-- SQLite has no stored functions. A verb is a view without rows: inserting its arguments does what its name says.
-- The views of this file are the runner's own; those for applications come with the next one.

-- A running job whose row an application replaces runs once more after it settles. Fires only for statements that
-- name one of these columns, and no claim or settle does so while the job keeps running.
CREATE TRIGGER jobs_replaced_while_running
AFTER UPDATE OF kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, tags, meta ON jobs
WHEN OLD.state = 'running' AND NEW.state = 'running' AND NEW.rerun = 0
BEGIN
    UPDATE jobs SET rerun = 1 WHERE id = NEW.id;
    DELETE FROM progress WHERE job_id = NEW.id;
END;

-- The attempts and the checkpoint of a waiting job are about the work that it had: other work begins from the beginning.
CREATE TRIGGER jobs_given_other_work
AFTER UPDATE OF kind, args ON jobs
WHEN OLD.fence > 0 AND OLD.state <> 'running' AND (OLD.kind <> NEW.kind OR OLD.args <> NEW.args)
BEGIN
    UPDATE jobs SET attempt = 0, crashes = 0, snoozes = 0 WHERE id = NEW.id;
    DELETE FROM progress WHERE job_id = NEW.id;
END;

-- Takes a job out of `jobs` for good: into dead_jobs, or into history until its time to be kept is over.
-- keep: seconds; null for ever, 0 not at all. Its attempts are packed from attempt_log.
CREATE VIEW keep_finished
    (id, state, keep, reason, error, fingerprint, cpu_ms, max_rss_bytes, read_bytes, write_bytes, result, output) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER keep_finished_insert INSTEAD OF INSERT ON keep_finished
BEGIN
    INSERT INTO history (
        id, state, worker, fence, keep_until, finished_at, attempt, priority, queue, kind, run_at, expires_at,
        requires, claimed_at, created_at, started_at, max_attempts, timeout, crashes, snoozes, give_backs, cost,
        batch_id, unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on,
        on_dependency_failure, traceparent, reason, schedule, cpu_ms, max_rss_bytes, read_bytes, write_bytes, tags,
        meta, args, result,
        output, error, attempts)
    SELECT
        id, NEW.state, worker, fence,
        CASE WHEN NEW.keep IS NULL THEN 'infinity'
            ELSE coalesce(date('now', printf('%.3f seconds', NEW.keep), '+1 day'), 'infinity') END,
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), attempt, priority, queue, kind, run_at, expires_at,
        requires, claimed_at, created_at, started_at, max_attempts, timeout, crashes, snoozes, give_backs, cost,
        batch_id, unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on,
        on_dependency_failure, traceparent, NEW.reason, schedule, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes,
        NEW.write_bytes, tags, meta, args,
        NEW.result, NEW.output, NEW.error,
        -- A job that completes at its first claim has no other.
        CASE WHEN NEW.state = 'completed' AND kind IN (SELECT kind FROM kinds WHERE record_every_attempt) THEN
            json_insert(
                coalesce((SELECT p.attempts FROM packed_attempts p WHERE p.job_id = jobs.id), '[]'), '$[#]', json_object(
                    'fence', fence, 'attempt', attempt, 'worker', worker, 'started_at', claimed_at,
                    'finished_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'outcome', 'completed',
                    'cpu_ms', NEW.cpu_ms, 'max_rss_bytes', NEW.max_rss_bytes, 'read_bytes', NEW.read_bytes,
                    'write_bytes', NEW.write_bytes, 'output', NEW.output))
        WHEN fence > 1 OR NEW.state <> 'completed' THEN
            (SELECT p.attempts FROM packed_attempts p WHERE p.job_id = jobs.id) END
    FROM jobs
    WHERE id = NEW.id AND NEW.state <> 'dead' AND (NEW.keep IS NULL OR NEW.keep > 0);

    INSERT INTO dead_jobs (
        id, state, worker, fence, finished_at, attempt, priority, queue, kind, run_at, expires_at,
        requires, claimed_at, created_at, started_at, max_attempts, timeout, crashes, snoozes, give_backs, cost,
        batch_id, unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on,
        on_dependency_failure, traceparent, reason, schedule, cpu_ms, max_rss_bytes, read_bytes, write_bytes, tags,
        meta, args, result,
        output, error, attempts, fingerprint)
    SELECT
        id, NEW.state, worker, fence, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), attempt, priority, queue, kind, run_at,
        expires_at, requires, claimed_at, created_at, started_at, max_attempts, timeout, crashes, snoozes,
        give_backs, cost, batch_id, unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on,
        on_dependency_failure, traceparent, NEW.reason, schedule, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes,
        NEW.write_bytes, tags, meta, args,
        NEW.result, NEW.output, NEW.error,
        (SELECT p.attempts FROM packed_attempts p WHERE p.job_id = jobs.id), NEW.fingerprint
    FROM jobs
    WHERE id = NEW.id AND NEW.state = 'dead';

    INSERT INTO close_edges (parent_id, state, result)
    SELECT NEW.id, NEW.state, NEW.result
    WHERE EXISTS (SELECT 1 FROM dependencies);

    INSERT INTO batch_counts (batch_id, completed, cancelled, dead)
    SELECT batch_id, NEW.state = 'completed', NEW.state = 'cancelled', NEW.state = 'dead'
    FROM jobs
    WHERE id = NEW.id AND batch_id IS NOT NULL;

    INSERT INTO statistics (minute, queue, kind, completed, dead, cancelled, run_ms, wait_ms)
    SELECT
        strftime('%Y-%m-%dT%H:%M:00.000Z', 'now'), queue, kind,
        NEW.state = 'completed', NEW.state = 'dead', NEW.state = 'cancelled',
        CASE WHEN NEW.state = 'completed' THEN
            CAST(round((julianday('now') - julianday(claimed_at)) * 86400000.0) AS INTEGER) ELSE 0 END,
        CASE WHEN NEW.state = 'completed' THEN
            CAST(round((julianday(claimed_at) - julianday(max(run_at, created_at))) * 86400000.0) AS INTEGER)
            ELSE 0 END
    FROM jobs
    WHERE id = NEW.id
    ON CONFLICT (minute, queue, kind) DO UPDATE
    SET completed = completed + excluded.completed, dead = dead + excluded.dead,
        cancelled = cancelled + excluded.cancelled,
        run_ms = run_ms + excluded.run_ms, wait_ms = wait_ms + excluded.wait_ms;

    DELETE FROM jobs WHERE id = NEW.id;
END;

-- What only unfinished jobs have goes with them. A job that ends at its first claim has left no attempts.
CREATE TRIGGER jobs_leave_nothing_behind AFTER DELETE ON jobs
WHEN OLD.fence <> 1 OR OLD.state <> 'running'
BEGIN
    DELETE FROM attempt_log WHERE job_id = OLD.id;
    DELETE FROM output_chunks WHERE job_id = OLD.id;
    DELETE FROM progress WHERE job_id = OLD.id;
    DELETE FROM cancel_requests WHERE job_id = OLD.id;
END;

-- The attempts of a job as they are kept with it once it has finished.
CREATE VIEW packed_attempts AS
SELECT
    job_id,
    json_group_array(json_object(
        'fence', fence, 'attempt', attempt, 'worker', worker, 'started_at', started_at, 'finished_at', finished_at,
        'outcome', outcome, 'error_class', error_class, 'error', error, 'backtrace', backtrace,
        'exit_code', exit_code, 'signal', signal, 'cpu_ms', cpu_ms, 'max_rss_bytes', max_rss_bytes,
        'read_bytes', read_bytes, 'write_bytes', write_bytes,
        'output', output)) AS attempts
FROM attempt_log
GROUP BY job_id;

-- The attempts that finished jobs keep in their own rows, one row each.
CREATE VIEW kept_attempts AS
SELECT
    f.id AS job_id, a.value ->> '$.fence' AS fence, a.value ->> '$.attempt' AS attempt,
    a.value ->> '$.worker' AS worker, a.value ->> '$.started_at' AS started_at,
    a.value ->> '$.finished_at' AS finished_at, a.value ->> '$.outcome' AS outcome,
    a.value ->> '$.error_class' AS error_class, a.value ->> '$.error' AS error,
    a.value ->> '$.backtrace' AS backtrace, a.value ->> '$.exit_code' AS exit_code,
    a.value ->> '$.signal' AS signal, a.value ->> '$.cpu_ms' AS cpu_ms,
    a.value ->> '$.max_rss_bytes' AS max_rss_bytes, a.value ->> '$.read_bytes' AS read_bytes,
    a.value ->> '$.write_bytes' AS write_bytes, a.value ->> '$.output' AS output
FROM history f, json_each(f.attempts) a
UNION ALL
SELECT
    f.id, a.value ->> '$.fence', a.value ->> '$.attempt', a.value ->> '$.worker', a.value ->> '$.started_at',
    a.value ->> '$.finished_at', a.value ->> '$.outcome', a.value ->> '$.error_class', a.value ->> '$.error',
    a.value ->> '$.backtrace', a.value ->> '$.exit_code', a.value ->> '$.signal', a.value ->> '$.cpu_ms',
    a.value ->> '$.max_rss_bytes', a.value ->> '$.read_bytes', a.value ->> '$.write_bytes', a.value ->> '$.output'
FROM dead_jobs f, json_each(f.attempts) a;

-- Completes one claim. A claim that does not stand changes nothing. A job replaced while it ran goes back to the queue.
CREATE VIEW complete_jobs (id, fence, worker, keep, result, output, cpu_ms, max_rss_bytes, read_bytes, write_bytes) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER complete_jobs_insert INSTEAD OF INSERT ON complete_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs
    WHERE id = NEW.id AND fence = NEW.fence AND worker = NEW.worker AND state = 'running' AND rerun = 0)
BEGIN
    INSERT INTO keep_finished (id, state, keep, cpu_ms, max_rss_bytes, read_bytes, write_bytes, result, output)
    VALUES (NEW.id, 'completed', NEW.keep, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.result,
    NEW.output);
END;

CREATE TRIGGER complete_jobs_to_run_again INSTEAD OF INSERT ON complete_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs
    WHERE id = NEW.id AND fence = NEW.fence AND worker = NEW.worker AND state = 'running' AND rerun = 1)
BEGIN
    INSERT INTO attempt_log (job_id, fence, attempt, worker, started_at, cpu_ms, max_rss_bytes, read_bytes,
        write_bytes, output, outcome)
    SELECT id, fence, attempt, worker, claimed_at, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes,
        NEW.output, 'completed'
    FROM jobs
    WHERE id = NEW.id;

    INSERT INTO statistics (minute, queue, kind, completed)
    SELECT strftime('%Y-%m-%dT%H:%M:00.000Z', 'now'), queue, kind, 1
    FROM jobs
    WHERE id = NEW.id
    ON CONFLICT (minute, queue, kind) DO UPDATE
    SET completed = completed + 1;

    UPDATE jobs
    SET state = 'available', worker = NULL, attempt = 0, crashes = 0, snoozes = 0, rerun = 0,
        run_at = max(run_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE id = NEW.id;

    -- A request to cancel was about the work that is done now.
    DELETE FROM cancel_requests WHERE job_id = NEW.id;
END;

-- Closes a claim that did not complete and puts its job back: after a failure, a snooze, a give-back or a crash.
-- delay: seconds from now; refund: attempts given back. A claim that does not stand changes nothing. A job that somebody
-- asked to cancel is cancelled instead: the request wins over another try.
CREATE VIEW requeue_jobs
    (id, fence, worker, outcome, delay, refund, reason, error_class, error, backtrace, exit_code, signal, cpu_ms,
     max_rss_bytes, read_bytes, write_bytes, output) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER requeue_jobs_cancelled INSTEAD OF INSERT ON requeue_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs j
    WHERE j.id = NEW.id AND j.fence = NEW.fence AND j.worker = NEW.worker AND j.state = 'running' AND j.rerun = 0
        AND EXISTS (SELECT 1 FROM cancel_requests c WHERE c.job_id = j.id))
BEGIN
    INSERT INTO finish_jobs
        (id, fence, worker, state, outcome, error_class, error, backtrace, exit_code, signal, cpu_ms, max_rss_bytes,
        read_bytes, write_bytes,
         output)
    VALUES
        (NEW.id, NEW.fence, NEW.worker, 'cancelled', NEW.outcome, NEW.error_class, NEW.error, NEW.backtrace,
         NEW.exit_code, NEW.signal, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.output);
END;

CREATE TRIGGER requeue_jobs_insert INSTEAD OF INSERT ON requeue_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs j
    WHERE j.id = NEW.id AND j.fence = NEW.fence AND j.worker = NEW.worker AND j.state = 'running'
        AND (j.rerun OR NOT EXISTS (SELECT 1 FROM cancel_requests c WHERE c.job_id = j.id)))
BEGIN
    INSERT INTO attempt_log
        (job_id, fence, attempt, worker, started_at, outcome, error_class, error, backtrace, exit_code, signal,
         cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
    SELECT
        id, fence, attempt, worker, claimed_at, NEW.outcome, NEW.error_class, NEW.error, NEW.backtrace,
        NEW.exit_code, NEW.signal, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.output
    FROM jobs
    WHERE id = NEW.id;

    INSERT INTO statistics (minute, queue, kind, failed, snoozed, released, crashed)
    SELECT
        strftime('%Y-%m-%dT%H:%M:00.000Z', 'now'), queue, kind, NEW.outcome IN ('failed', 'killed', 'out_of_memory', 'timed_out'),
        NEW.outcome = 'snoozed', NEW.outcome = 'released', NEW.outcome = 'crashed'
    FROM jobs
    WHERE id = NEW.id
    ON CONFLICT (minute, queue, kind) DO UPDATE
    SET failed = failed + excluded.failed, snoozed = snoozed + excluded.snoozed,
        released = released + excluded.released, crashed = crashed + excluded.crashed;

    UPDATE jobs
    SET state = CASE WHEN NEW.outcome IN ('failed', 'killed', 'out_of_memory', 'timed_out', 'crashed') AND NEW.delay > 0 AND NOT rerun
            THEN 'retryable' ELSE 'available' END,
        worker = NULL,
        attempt = CASE WHEN rerun THEN 0 ELSE attempt - NEW.refund END,
        crashes = CASE WHEN rerun THEN 0 ELSE crashes + (NEW.outcome = 'crashed') END,
        snoozes = CASE WHEN rerun THEN 0 ELSE snoozes + (NEW.outcome = 'snoozed') END,
        give_backs = give_backs + (NEW.outcome = 'released'),
        run_at = CASE WHEN rerun THEN max(run_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
            -- A wait beyond the calendar's end is one until its end.
            ELSE coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', NEW.delay)),
                '9999-12-31T23:59:59.999Z') END,
        ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        rerun = 0,
        reason = NEW.reason
    WHERE id = NEW.id;

    -- Of a job that has other work now: the request was about what it had.
    DELETE FROM cancel_requests WHERE job_id = NEW.id;
END;

-- Closes a claim for good without completing it: state is dead or cancelled. keep: seconds; null for ever, 0 not at
-- all; dead letters stay. A claim that does not stand changes nothing. A job that somebody asked to cancel is cancelled,
-- whatever state says, and one that was replaced while it ran goes back to the queue instead.
CREATE VIEW finish_jobs
    (id, fence, worker, state, outcome, keep, reason, error_class, error, backtrace, exit_code, signal, cpu_ms,
     max_rss_bytes, read_bytes, write_bytes, output, fingerprint) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER finish_jobs_to_run_again INSTEAD OF INSERT ON finish_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs
    WHERE id = NEW.id AND fence = NEW.fence AND worker = NEW.worker AND state = 'running' AND rerun = 1)
BEGIN
    INSERT INTO requeue_jobs
        (id, fence, worker, outcome, delay, refund, reason, error_class, error, backtrace, exit_code, signal, cpu_ms,
         max_rss_bytes, read_bytes, write_bytes, output)
    VALUES
        (NEW.id, NEW.fence, NEW.worker, NEW.outcome, 0, 0, NEW.reason, NEW.error_class, NEW.error, NEW.backtrace,
         NEW.exit_code, NEW.signal, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.output);
END;

CREATE TRIGGER finish_jobs_insert INSTEAD OF INSERT ON finish_jobs
WHEN EXISTS (
    SELECT 1 FROM jobs
    WHERE id = NEW.id AND fence = NEW.fence AND worker = NEW.worker AND state = 'running' AND rerun = 0)
BEGIN
    INSERT INTO attempt_log
        (job_id, fence, attempt, worker, started_at, outcome, error_class, error, backtrace, exit_code, signal,
         cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
    SELECT
        id, fence, attempt, worker, claimed_at, NEW.outcome, NEW.error_class, NEW.error, NEW.backtrace,
        NEW.exit_code, NEW.signal, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.output
    FROM jobs
    WHERE id = NEW.id;

    INSERT INTO keep_finished
        (id, state, keep, reason, error, fingerprint, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
    SELECT
        j.id,
        CASE WHEN c.job_id IS NULL THEN NEW.state ELSE 'cancelled' END,
        CASE WHEN c.job_id IS NULL THEN NEW.keep WHEN k.kind IS NULL THEN 604800 ELSE k.keep END,
        CASE WHEN c.job_id IS NULL THEN NEW.reason ELSE 'cancelled while running' END,
        NEW.error, NEW.fingerprint, NEW.cpu_ms, NEW.max_rss_bytes, NEW.read_bytes, NEW.write_bytes, NEW.output
    FROM jobs j
    LEFT JOIN cancel_requests c ON c.job_id = j.id
    LEFT JOIN kinds k ON k.kind = j.kind
    WHERE j.id = NEW.id;

    DELETE FROM attempt_log WHERE job_id = NEW.id;
    DELETE FROM output_chunks WHERE job_id = NEW.id;
    DELETE FROM progress WHERE job_id = NEW.id;
    DELETE FROM cancel_requests WHERE job_id = NEW.id;
END;
