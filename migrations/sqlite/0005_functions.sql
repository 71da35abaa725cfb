-- The verbs that applications and operators use: views without rows into which they insert arguments.
--
-- Locks:   the file, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the views that it creates.

-- Adds a job, or meets the unfinished one that holds its unique_key: on_conflict null refuses, 'skip' leaves the
-- holder, 'replace' gives it the new job's values, 'merge' adds the new args to its own. Where no key is involved,
-- INSERT INTO jobs … RETURNING id does the same and tells the id. Times may be written in any of SQLite's ways.
CREATE VIEW enqueue
    (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
     serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta,
     traceparent, on_conflict) AS
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL
WHERE 0;

CREATE TRIGGER enqueue_insert INSTEAD OF INSERT ON enqueue
BEGIN
    INSERT INTO enqueue_keyed
        (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
         serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta,
         traceparent, on_conflict)
    VALUES (
        NEW.kind, NEW.args, NEW.queue, NEW.priority, NEW.run_at, NEW.max_attempts, NEW.timeout, NEW.expires_at,
        -- Where there is none: what the kind derives from chosen args.
        coalesce(NEW.unique_key, (
            SELECT k.kind || ' ' || (
                SELECT json_group_object(c.name, json(c.value))
                FROM (
                    SELECT p.value AS name, coalesce(coalesce(NEW.args, '{}') -> a.fullkey, 'null') AS value
                    FROM json_each(k.unique_policy, '$.args') p
                    LEFT JOIN json_each(coalesce(NEW.args, '{}')) a ON a.key = p.value
                    UNION ALL
                    SELECT a.key, coalesce(NEW.args, '{}') -> a.fullkey
                    FROM json_each(coalesce(NEW.args, '{}')) a
                    WHERE json_array_length(k.unique_policy, '$.args') = 0
                    ORDER BY 1) c)
            FROM kinds k
            WHERE k.kind = NEW.kind AND k.unique_policy IS NOT NULL AND json_valid(coalesce(NEW.args, '{}')))),
        NEW.concurrency_key, NEW.cost, NEW.serial_key, NEW.fair_key, NEW.requires, NEW.affinity_key, NEW.depends_on,
        NEW.on_dependency_failure, NEW.batch_id, NEW.tags, NEW.meta, NEW.traceparent, NEW.on_conflict);
END;

-- As enqueue, for a job whose key is known.
CREATE VIEW enqueue_keyed
    (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
     serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta,
     traceparent, on_conflict) AS
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL
WHERE 0;

CREATE TRIGGER enqueue_keyed_insert INSTEAD OF INSERT ON enqueue_keyed
BEGIN
    SELECT RAISE(ABORT, 'on_conflict is none of skip, replace and merge')
    WHERE NEW.on_conflict NOT IN ('skip', 'replace', 'merge');
    SELECT RAISE(ABORT, 'unique_key is held by a job that was enqueued a short while ago')
    WHERE NEW.on_conflict IS NULL
        AND EXISTS (
            SELECT 1 FROM unique_windows
            WHERE unique_key = NEW.unique_key AND until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));

    UPDATE jobs
    SET kind = NEW.kind,
        args = CASE WHEN NEW.on_conflict = 'replace' OR NOT json_valid(NEW.args) THEN coalesce(NEW.args, '{}')
            -- Values are taken as they are written, so that numbers stay exact; a name with a backslash cannot
            -- be looked up by its path.
            ELSE (SELECT json_group_object(key, json(value)) FROM (
                SELECT key, CASE WHEN instr(fullkey, '\') THEN json_quote(value) ELSE args -> fullkey END AS value
                FROM json_each(args)
                WHERE key NOT IN (SELECT key FROM json_each(coalesce(NEW.args, '{}')))
                UNION ALL
                SELECT key, CASE WHEN instr(fullkey, '\') THEN json_quote(value) ELSE NEW.args -> fullkey END
                FROM json_each(coalesce(NEW.args, '{}')))) END,
        -- Asked for anew, it has all of its attempts; a running one will when it runs again.
        attempt = CASE state WHEN 'running' THEN attempt ELSE 0 END,
        crashes = CASE state WHEN 'running' THEN crashes ELSE 0 END,
        snoozes = CASE state WHEN 'running' THEN snoozes ELSE 0 END,
        queue = coalesce(NEW.queue, 'default'),
        priority = coalesce(NEW.priority, 0),
        run_at = coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(NEW.run_at, 'now')), NEW.run_at),
        max_attempts = NEW.max_attempts,
        timeout = NEW.timeout,
        expires_at = coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', NEW.expires_at), NEW.expires_at),
        tags = coalesce(NEW.tags, '[]'),
        meta = coalesce(NEW.meta, '{}')
    WHERE unique_key = NEW.unique_key
        AND NEW.on_conflict IN ('replace', 'merge');

    INSERT INTO jobs
        (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
         serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta,
         traceparent)
    SELECT
        NEW.kind, coalesce(NEW.args, '{}'), coalesce(NEW.queue, 'default'), coalesce(NEW.priority, 0),
        coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(NEW.run_at, 'now')), NEW.run_at), NEW.max_attempts,
        NEW.timeout, coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', NEW.expires_at), NEW.expires_at), NEW.unique_key, NEW.concurrency_key, coalesce(NEW.cost, 1), NEW.serial_key, NEW.fair_key,
        coalesce(NEW.requires, '[]'), NEW.affinity_key, NEW.depends_on,
        coalesce(NEW.on_dependency_failure, 'cancel'), NEW.batch_id, coalesce(NEW.tags, '[]'),
        coalesce(NEW.meta, '{}'), NEW.traceparent
    WHERE NEW.on_conflict IS NULL
        OR (NOT EXISTS (SELECT 1 FROM jobs WHERE unique_key = NEW.unique_key)
            AND NOT EXISTS (
                SELECT 1 FROM unique_windows
                WHERE unique_key = NEW.unique_key AND until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));
END;

-- Holds the key of a new job for as long as its kind says, counted from now.
CREATE TRIGGER jobs_take_window AFTER INSERT ON jobs
WHEN NEW.unique_key IS NOT NULL AND NEW.reason IS NOT 'retried'
BEGIN
    INSERT INTO unique_windows (unique_key, job_id, until)
    SELECT NEW.unique_key, NEW.id,
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', (k.unique_policy ->> '$.for_ms') / 1000.0))
    FROM kinds k
    WHERE k.kind = NEW.kind AND k.unique_policy ->> '$.for_ms' IS NOT NULL
    ON CONFLICT (unique_key) DO UPDATE
    SET job_id = excluded.job_id, until = excluded.until
    WHERE unique_windows.until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now');
END;

-- Adds many jobs: an array of objects whose members are named like the columns of `enqueue`.
CREATE VIEW enqueue_many (jobs, on_conflict) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER enqueue_many_insert INSTEAD OF INSERT ON enqueue_many
BEGIN
    SELECT RAISE(ABORT, 'jobs is no array; an array of objects was expected')
    WHERE NOT CASE WHEN json_valid(NEW.jobs) THEN json_type(NEW.jobs) = 'array' ELSE 0 END;
    SELECT RAISE(ABORT, 'a job is an object, such as {"kind": "mail.send", "args": {}}')
    WHERE EXISTS (SELECT 1 FROM json_each(NEW.jobs) WHERE type <> 'object');
    SELECT RAISE(ABORT, 'a job has a member that is no column that an application may set')
    WHERE EXISTS (
        SELECT 1 FROM json_each(NEW.jobs) j, json_each(j.value) m
        WHERE m.key NOT IN ('kind', 'args', 'queue', 'priority', 'run_at', 'max_attempts', 'timeout', 'expires_at',
            'unique_key', 'concurrency_key', 'cost', 'serial_key', 'fair_key', 'requires', 'affinity_key',
            'depends_on', 'on_dependency_failure', 'batch_id', 'tags', 'meta', 'traceparent'));

    INSERT INTO enqueue
        (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
         serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta,
         traceparent, on_conflict)
    SELECT
        value ->> '$.kind', value -> '$.args', value ->> '$.queue', value ->> '$.priority', value ->> '$.run_at',
        value ->> '$.max_attempts', value ->> '$.timeout', value ->> '$.expires_at', value ->> '$.unique_key',
        value ->> '$.concurrency_key', value ->> '$.cost', value ->> '$.serial_key', value ->> '$.fair_key',
        value -> '$.requires', value ->> '$.affinity_key', value -> '$.depends_on',
        value ->> '$.on_dependency_failure', value ->> '$.batch_id', value -> '$.tags', value -> '$.meta',
        value ->> '$.traceparent', NEW.on_conflict
    FROM json_each(NEW.jobs)
    ORDER BY id;
END;

-- Every job's id and state, wherever it is.
CREATE VIEW job_states (id, state) AS
SELECT id, state FROM jobs
UNION ALL
SELECT id, state FROM dead_jobs
UNION ALL
SELECT id, state FROM history;

-- Settles a job from its own code, in its own transaction: what that transaction wrote and the completion commit
-- together or not at all. A token that is stale rolls the whole transaction back.
CREATE VIEW complete (token, result) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER complete_insert INSTEAD OF INSERT ON complete
BEGIN
    SELECT RAISE(ROLLBACK, 'this is no token of a claim; pass the job''s JOBRUNNER_TOKEN as it is')
    WHERE NEW.token IS NULL OR NEW.token GLOB '*[^0-9.]*' OR NEW.token NOT GLOB '[1-9]*.[1-9]*.[1-9]*';
    SELECT RAISE(ROLLBACK, 'the claim on this job is no longer held: its lease ended or it was settled already')
    WHERE NOT EXISTS (
        SELECT 1 FROM jobs
        WHERE id = CAST(NEW.token AS INTEGER) AND state = 'running' AND id || '.' || fence || '.' || worker = NEW.token);

    INSERT INTO complete_jobs (id, fence, worker, keep, result)
    SELECT j.id, j.fence, j.worker, CASE WHEN k.kind IS NULL THEN 604800 ELSE k.keep END, NEW.result
    FROM jobs j
    LEFT JOIN kinds k ON k.kind = j.kind
    WHERE j.id = CAST(NEW.token AS INTEGER);

    -- A job of which nothing is kept leaves no other row by which its worker could tell that it settled itself. A cast
    -- reads up to the next dot of the token.
    INSERT INTO attempt_log (job_id, fence, attempt, worker, outcome)
    SELECT
        CAST(NEW.token AS INTEGER), CAST(t.rest AS INTEGER), 1, CAST(substr(t.rest, instr(t.rest, '.') + 1) AS INTEGER),
        'settled_by_job'
    FROM (SELECT substr(NEW.token, instr(NEW.token, '.') + 1) AS rest) t
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = CAST(NEW.token AS INTEGER));
END;

-- Fails a job's attempt from its own code, in its own transaction; it is tried again as its kind says.
CREATE VIEW fail (token, error, class) AS
SELECT NULL, NULL, NULL WHERE 0;

CREATE TRIGGER fail_insert INSTEAD OF INSERT ON fail
BEGIN
    SELECT RAISE(ROLLBACK, 'this is no token of a claim; pass the job''s JOBRUNNER_TOKEN as it is')
    WHERE NEW.token IS NULL OR NEW.token GLOB '*[^0-9.]*' OR NEW.token NOT GLOB '[1-9]*.[1-9]*.[1-9]*';
    SELECT RAISE(ROLLBACK, 'the claim on this job is no longer held: its lease ended or it was settled already')
    WHERE NOT EXISTS (
        SELECT 1 FROM jobs
        WHERE id = CAST(NEW.token AS INTEGER) AND state = 'running' AND id || '.' || fence || '.' || worker = NEW.token);

    INSERT INTO requeue_jobs (id, fence, worker, outcome, delay, refund, error_class, error)
    SELECT id, fence, worker, 'failed', coalesce(retry_delay, 15), 0, NEW.class, NEW.error
    FROM jobs
    WHERE id = CAST(NEW.token AS INTEGER)
        AND attempt < coalesce(attempt_limit, max_attempts, 25);

    INSERT INTO finish_jobs (id, fence, worker, state, outcome, reason, error_class, error)
    SELECT id, fence, worker, 'dead', 'failed', 'out of attempts', NEW.class, NEW.error
    FROM jobs
    WHERE id = CAST(NEW.token AS INTEGER)
        AND state = 'running';
END;

-- Takes an unclaimed job out of the queue for good, as cancelled; a running one is left alone.
CREATE VIEW cancel_unclaimed (id, reason) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER cancel_unclaimed_insert INSTEAD OF INSERT ON cancel_unclaimed
BEGIN
    INSERT INTO keep_finished (id, state, keep, reason)
    SELECT j.id, 'cancelled', CASE WHEN k.kind IS NULL THEN 604800 ELSE k.keep END, NEW.reason
    FROM jobs j
    LEFT JOIN kinds k ON k.kind = j.kind
    WHERE j.id = NEW.id AND j.state <> 'running';
END;

-- Cancels a job: at once, or, while it runs, by asking its worker.
CREATE VIEW cancel (id, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER cancel_insert INSTEAD OF INSERT ON cancel
BEGIN
    SELECT RAISE(ABORT, 'the job is not found')
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'the job has finished: cancel is not possible')
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id);

    INSERT INTO cancel_requests (job_id, fence, worker, requested_by)
    SELECT id, fence, worker, coalesce(NEW.actor, 'sql')
    FROM jobs
    WHERE id = NEW.id AND state = 'running'
    ON CONFLICT (job_id) DO UPDATE
    SET fence = excluded.fence, worker = excluded.worker, requested_by = excluded.requested_by;

    INSERT INTO operator_audit (actor, action, job_id, details)
    SELECT coalesce(NEW.actor, 'sql'), 'cancel', id, CASE state WHEN 'running' THEN '{"running":true}' ELSE '{}' END
    FROM jobs
    WHERE id = NEW.id;

    INSERT INTO cancel_unclaimed (id, reason)
    VALUES (NEW.id, 'cancelled by ' || coalesce(NEW.actor, 'sql'));
END;

-- Runs a waiting job now, or puts a finished one back into the queue with all its attempts before it.
CREATE VIEW retry (id, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER retry_insert INSTEAD OF INSERT ON retry
BEGIN
    SELECT RAISE(ABORT, 'the job is not found')
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'the job is running or blocked: retry is not possible')
    WHERE EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id AND state NOT IN ('available', 'retryable') AND held_in IS NULL);

    INSERT INTO operator_audit (actor, action, job_id, details)
    SELECT coalesce(NEW.actor, 'sql'), 'retry', id,
        CASE WHEN state IN ('available', 'retryable', 'blocked') THEN '{}' ELSE json_object('was', state) END
    FROM job_states
    WHERE id = NEW.id;

    UPDATE jobs
    SET state = 'available', run_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), held_in = NULL
    WHERE id = NEW.id;

    INSERT INTO attempt_log
        (job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace,
         exit_code, signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
    SELECT
        job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace,
        exit_code, signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
    FROM kept_attempts
    WHERE job_id = NEW.id;

    DELETE FROM dependencies
    WHERE job_id = NEW.id AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id);

    -- What was asked of an earlier run does not hold for this one.
    DELETE FROM cancel_requests
    WHERE job_id = NEW.id AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id);

    -- It counts as an unfinished member of its batch again.
    INSERT INTO batch_counts (batch_id, completed, cancelled, dead)
    SELECT batch_id, -(state = 'completed'), -(state = 'cancelled'), -(state = 'dead')
    FROM (SELECT id, state, batch_id FROM dead_jobs UNION ALL SELECT id, state, batch_id FROM history)
    WHERE id = NEW.id AND batch_id IS NOT NULL;

    -- A held unique_key refuses the insert, in words, and with it the whole action. Of its parents the job waits again for
    -- those that are unfinished again.
    INSERT INTO jobs (
        id, fence, priority, queue, kind, requires, created_at, started_at, max_attempts, timeout, cost, batch_id,
        unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on, on_dependency_failure,
        traceparent, reason, schedule, tags, meta, args)
    SELECT
        id, fence, priority, queue, kind, requires, created_at, started_at, max_attempts, timeout, cost, batch_id,
        unique_key, concurrency_key, serial_key, fair_key, affinity_key,
        (SELECT nullif(json_group_array(p.value), '[]') FROM json_each(f.depends_on) p
            WHERE p.value IN (SELECT j.id FROM jobs j)),
        on_dependency_failure, traceparent, 'retried', schedule, tags, meta, args
    FROM (
        SELECT
            id, fence, priority, queue, kind, requires, created_at, started_at, max_attempts, timeout, cost, batch_id,
            unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on, on_dependency_failure,
            traceparent, schedule, tags, meta, args
        FROM dead_jobs
        WHERE id = NEW.id
        UNION ALL
        SELECT
            id, fence, priority, queue, kind, requires, created_at, started_at, max_attempts, timeout, cost, batch_id,
            unique_key, concurrency_key, serial_key, fair_key, affinity_key, depends_on, on_dependency_failure,
            traceparent, schedule, tags, meta, args
        FROM history
        WHERE id = NEW.id) f;

    DELETE FROM dead_jobs WHERE id = NEW.id;
    DELETE FROM history WHERE id = NEW.id;
END;

-- Removes a job and all that is known of it.
CREATE VIEW delete_job (id, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER delete_job_insert INSTEAD OF INSERT ON delete_job
BEGIN
    SELECT RAISE(ABORT, 'the job is not found')
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'the job is running: delete is not possible')
    WHERE EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id AND state = 'running');

    INSERT INTO close_edges (parent_id, state)
    SELECT id, 'cancelled' FROM jobs WHERE id = NEW.id;
    INSERT INTO batch_counts (batch_id, cancelled)
    SELECT batch_id, 1 FROM jobs WHERE id = NEW.id AND batch_id IS NOT NULL;

    DELETE FROM jobs WHERE id = NEW.id;
    DELETE FROM dead_jobs WHERE id = NEW.id;
    DELETE FROM history WHERE id = NEW.id;
    DELETE FROM dependencies WHERE job_id = NEW.id;

    INSERT INTO operator_audit (actor, action, job_id)
    VALUES (coalesce(NEW.actor, 'sql'), 'delete', NEW.id);
END;

-- Sets when a waiting job may run.
CREATE VIEW reschedule (id, run_at, actor) AS
SELECT NULL, NULL, NULL WHERE 0;

CREATE TRIGGER reschedule_insert INSTEAD OF INSERT ON reschedule
BEGIN
    SELECT RAISE(ABORT, 'the job is not found')
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'the job is running, blocked or finished: reschedule is not possible')
    WHERE NOT EXISTS (
        SELECT 1 FROM jobs WHERE id = NEW.id AND (state IN ('available', 'retryable') OR held_in IS NOT NULL));

    UPDATE jobs
    SET run_at = coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', NEW.run_at), NEW.run_at), ready_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        state = CASE WHEN held_in IS NULL THEN state ELSE 'available' END, held_in = NULL
    WHERE id = NEW.id;

    INSERT INTO operator_audit (actor, action, job_id, details)
    SELECT coalesce(NEW.actor, 'sql'), 'reschedule', id, json_object('run_at', run_at)
    FROM jobs
    WHERE id = NEW.id;
END;

-- Changes columns of an unfinished job that is not running: an object of column and value.
CREATE VIEW edit_job (id, changes, actor) AS
SELECT NULL, NULL, NULL WHERE 0;

CREATE TRIGGER edit_job_insert INSTEAD OF INSERT ON edit_job
BEGIN
    SELECT RAISE(ABORT, 'changes is no object of columns and values')
    WHERE NOT CASE WHEN json_valid(NEW.changes) THEN json_type(NEW.changes) = 'object' ELSE 0 END;
    SELECT RAISE(ABORT, 'changes name a column that cannot be edited')
    WHERE EXISTS (
        SELECT 1 FROM json_each(NEW.changes)
        WHERE key NOT IN
            ('kind', 'args', 'queue', 'priority', 'max_attempts', 'timeout', 'expires_at', 'tags', 'meta'));
    SELECT RAISE(ABORT, 'timeout is no length of time; seconds were expected, such as 30 or "30 seconds"')
    WHERE (NEW.changes ->> '$.timeout') GLOB '*[^0-9.]*'
        AND (NEW.changes ->> '$.timeout') NOT GLOB '[0-9]* seconds'
        AND (NEW.changes ->> '$.timeout') NOT GLOB '[0-9]* milliseconds';
    SELECT RAISE(ABORT, 'the job is not found')
    WHERE NOT EXISTS (SELECT 1 FROM job_states WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'the job is running or finished: edit is not possible')
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id AND state <> 'running');

    UPDATE jobs
    SET kind = CASE WHEN json_type(NEW.changes, '$.kind') IS NULL THEN kind ELSE NEW.changes ->> '$.kind' END,
        args = CASE WHEN json_type(NEW.changes, '$.args') IS NULL THEN args ELSE NEW.changes -> '$.args' END,
        queue = CASE WHEN json_type(NEW.changes, '$.queue') IS NULL THEN queue ELSE NEW.changes ->> '$.queue' END,
        priority = CASE WHEN json_type(NEW.changes, '$.priority') IS NULL THEN priority
            ELSE NEW.changes ->> '$.priority' END,
        max_attempts = CASE WHEN json_type(NEW.changes, '$.max_attempts') IS NULL THEN max_attempts
            ELSE NEW.changes ->> '$.max_attempts' END,
        timeout = CASE WHEN json_type(NEW.changes, '$.timeout') IS NULL THEN timeout
            WHEN json_type(NEW.changes, '$.timeout') = 'null' THEN NULL
            WHEN (NEW.changes ->> '$.timeout') GLOB '* milliseconds'
                THEN CAST(NEW.changes ->> '$.timeout' AS REAL) / 1000
            ELSE CAST(NEW.changes ->> '$.timeout' AS REAL) END,
        expires_at = CASE WHEN json_type(NEW.changes, '$.expires_at') IS NULL THEN expires_at
            ELSE coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', NEW.changes ->> '$.expires_at'), NEW.changes ->> '$.expires_at') END,
        tags = CASE WHEN json_type(NEW.changes, '$.tags') IS NULL THEN tags ELSE NEW.changes -> '$.tags' END,
        meta = CASE WHEN json_type(NEW.changes, '$.meta') IS NULL THEN meta ELSE NEW.changes -> '$.meta' END,
        -- It may be under other limits now: the next claim tells.
        state = CASE WHEN held_in IS NULL THEN state ELSE 'available' END, held_in = NULL
    WHERE id = NEW.id;

    -- The changed names, not their values: args may hold what an audit must not.
    INSERT INTO operator_audit (actor, action, job_id, details)
    VALUES (coalesce(NEW.actor, 'sql'), 'edit', NEW.id, json_object('columns',
        (SELECT json_group_array(key) FROM json_each(NEW.changes))));
END;

-- A paused queue's jobs wait where they are; those running go on.
CREATE VIEW pause_queue (name, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER pause_queue_insert INSTEAD OF INSERT ON pause_queue
BEGIN
    INSERT INTO queues (queue, paused_at, paused_by)
    VALUES (NEW.name, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), coalesce(NEW.actor, 'sql'))
    ON CONFLICT (queue) DO UPDATE
    SET paused_at = coalesce(paused_at, excluded.paused_at), paused_by = excluded.paused_by;

    INSERT INTO operator_audit (actor, action, queue)
    VALUES (coalesce(NEW.actor, 'sql'), 'pause', NEW.name);
END;

CREATE VIEW resume_queue (name, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER resume_queue_insert INSTEAD OF INSERT ON resume_queue
BEGIN
    UPDATE queues
    SET paused_at = NULL, paused_by = NULL
    WHERE queue = NEW.name;

    INSERT INTO operator_audit (actor, action, queue)
    VALUES (coalesce(NEW.actor, 'sql'), 'resume', NEW.name);
END;

-- A paused schedule's due times pass; resumed, it goes on with the next one.
CREATE VIEW pause_schedule (name, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER pause_schedule_insert INSTEAD OF INSERT ON pause_schedule
BEGIN
    SELECT RAISE(ABORT, 'the schedule is not found')
    WHERE NOT EXISTS (SELECT 1 FROM schedules WHERE name = NEW.name);

    UPDATE schedules
    SET paused_at = coalesce(paused_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    WHERE name = NEW.name;

    INSERT INTO operator_audit (actor, action, details)
    VALUES (coalesce(NEW.actor, 'sql'), 'pause', json_object('schedule', NEW.name));
END;

CREATE VIEW resume_schedule (name, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER resume_schedule_insert INSTEAD OF INSERT ON resume_schedule
BEGIN
    SELECT RAISE(ABORT, 'the schedule is not found')
    WHERE NOT EXISTS (SELECT 1 FROM schedules WHERE name = NEW.name);

    UPDATE schedules
    SET paused_at = NULL
    WHERE name = NEW.name;

    INSERT INTO operator_audit (actor, action, details)
    VALUES (coalesce(NEW.actor, 'sql'), 'resume', json_object('schedule', NEW.name));
END;

-- Removes a schedule and its history; jobs that it has enqueued stay.
CREATE VIEW remove_schedule (name, actor) AS
SELECT NULL, NULL WHERE 0;

CREATE TRIGGER remove_schedule_insert INSTEAD OF INSERT ON remove_schedule
BEGIN
    SELECT RAISE(ABORT, 'the schedule is not found')
    WHERE NOT EXISTS (SELECT 1 FROM schedules WHERE name = NEW.name);

    DELETE FROM schedule_runs WHERE schedule = NEW.name;
    DELETE FROM schedules WHERE name = NEW.name;

    INSERT INTO operator_audit (actor, action, details)
    VALUES (coalesce(NEW.actor, 'sql'), 'remove', json_object('schedule', NEW.name));
END;
