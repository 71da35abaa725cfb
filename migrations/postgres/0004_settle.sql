-- Wake-ups, settling, history's partitions.
--
-- Locks:   a SHARE ROW EXCLUSIVE lock on jobs for the triggers, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the triggers and functions that it creates.

-- Tells sleeping workers about new jobs, once per statement.
--
-- A worker that sleeps holds the advisory lock (table, 1) shared on its listening session; a busy
-- one does not. While nobody sleeps the probe below succeeds and nothing is sent: NOTIFY would
-- take a lock on the whole database at commit. The lock goes with its session, so no flag is left behind.
-- A wake-up missed in between costs one poll. `SET LOCAL jobrunner.wake = off` switches it off.
CREATE FUNCTION {schema}.wake_workers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('jobrunner.wake', true) = 'off' THEN
        RETURN NULL;
    END IF;
    IF pg_try_advisory_lock(TG_RELID::integer, 1) THEN
        PERFORM pg_advisory_unlock(TG_RELID::integer, 1);
    ELSE
        PERFORM pg_notify(TG_TABLE_SCHEMA || '_wake', '');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_wake AFTER INSERT ON {schema}.jobs
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.wake_workers();

-- A running job whose row an application replaces runs once more after it settles.
CREATE FUNCTION {schema}.mark_rerun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.jobs
    SET rerun = true
    WHERE id = NEW.id;
    DELETE FROM {schema}.progress WHERE job_id = NEW.id;
    RETURN NULL;
END $$;

-- Fires only for statements that name one of these columns, and no claim or settle does so while the job keeps running.
CREATE TRIGGER jobs_replaced_while_running
    AFTER UPDATE OF kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, tags, meta ON {schema}.jobs
    FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'running' AND NOT NEW.rerun)
    EXECUTE FUNCTION {schema}.mark_rerun();

-- The attempts and the checkpoint of a waiting job are about the work that it had: other work begins from the beginning.
CREATE FUNCTION {schema}.begin_anew() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.jobs
    SET attempt = 0, crashes = 0, snoozes = 0
    WHERE id = NEW.id;
    DELETE FROM {schema}.progress WHERE job_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_given_other_work
    AFTER UPDATE OF kind, args ON {schema}.jobs
    FOR EACH ROW
    WHEN (OLD.fence > 0 AND OLD.state <> 'running' AND (OLD.kind <> NEW.kind OR OLD.args <> NEW.args))
    EXECUTE FUNCTION {schema}.begin_anew();

-- A job that waits for its next attempt and is given a time that has come already is neither ahead of its time nor
-- in the claim order: it takes a place there.
CREATE FUNCTION {schema}.make_runnable() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.jobs
    SET state = 'available', position = nextval('{schema}.job_positions')
    WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_brought_forward
    AFTER UPDATE OF run_at ON {schema}.jobs
    FOR EACH ROW
    WHEN (NEW.state = 'retryable' AND NEW.run_at <= NEW.ready_at)
    EXECUTE FUNCTION {schema}.make_runnable();

-- The attempts of a job as they are kept with it once it has finished.
CREATE FUNCTION {schema}.packed_attempts(job bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(to_jsonb(a) - 'job_id' ORDER BY a.fence)
    FROM {schema}.attempt_log a
    WHERE a.job_id = job
$$;

-- The first day on which a row may go that is to be kept for `keep` from now; null keeps for ever.
CREATE FUNCTION {schema}.keep_until(keep interval) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN keep IS NULL THEN date 'infinity' ELSE ((now() + keep) AT TIME ZONE 'UTC')::date + 1 END
$$;

-- Tells who listens which jobs have finished: an object for each, as text. An application that prepares transactions
-- switches it off together with the wake-ups.
CREATE FUNCTION {schema}.tell_finished(finished text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('jobrunner.wake', true) IS DISTINCT FROM 'off' THEN
        PERFORM pg_notify('{channel}_finished', f.one)
        FROM unnest(finished) AS f(one);
    END IF;
END $$;

-- Completes claims of one worker. The arrays run side by side; those of null stand for nulls throughout.
-- keeps: how long each job is kept; null for ever, zero not at all.
-- Returns the ids of those that were no longer that worker's. A job replaced while it ran goes back to the queue.
CREATE FUNCTION {schema}.complete_jobs(
    of_worker bigint, ids bigint[], fences integer[], keeps interval[],
    results jsonb[], outputs text[], cpus bigint[], sizes bigint[], reads bigint[], writes bigint[])
RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    done bigint[];
    again bigint[];
    told text[];
    keys text[];      -- the serial keys of what completed
    batches bigint[]; -- and its batches
    children bigint[]; -- and those that depended on others
    telling text[];   -- kinds that want it known when their jobs finish
    recording text[]; -- kinds whose completing attempts are recorded, too
BEGIN
    SELECT array_agg(k.kind) FILTER (WHERE k.notify), array_agg(k.kind) FILTER (WHERE k.record_every_attempt)
    INTO telling, recording
    FROM {schema}.kinds k
    WHERE k.notify OR k.record_every_attempt;

    WITH settled AS MATERIALIZED (
        DELETE FROM {schema}.jobs j
        USING unnest(ids, fences, keeps, results, outputs, cpus, sizes, reads, writes)
            AS s(id, fence, keep, result, output, cpu_ms, max_rss_bytes, read_bytes, write_bytes)
        WHERE j.id = s.id
            AND j.fence = s.fence
            AND j.worker = of_worker
            AND j.state = 'running'
            AND NOT j.rerun
        RETURNING j.*, s.keep, s.result, s.output, s.cpu_ms, s.max_rss_bytes, s.read_bytes, s.write_bytes
    ),
    kept AS (
        INSERT INTO {schema}.history (
            id, run_at, created_at, started_at, claimed_at, finished_at, expires_at, worker, batch_id,
            max_rss_bytes, read_bytes, write_bytes, cpu_ms, fence, attempt, max_attempts, cost, keep_until, state,
            snoozes, priority,
            crashes, give_backs, kind, queue, args, timeout, unique_key, concurrency_key, serial_key, fair_key,
            affinity_key, requires, depends_on, on_dependency_failure, tags, meta, traceparent, reason, schedule,
            result, output, attempts)
        SELECT
            id, run_at, created_at, started_at, claimed_at, clock_timestamp(), expires_at, worker, batch_id,
            max_rss_bytes, read_bytes, write_bytes, cpu_ms, fence, attempt, max_attempts, cost,
            -- As keep_until() has it; a call for each row would cost more than the rest of it.
            CASE WHEN keep IS NULL THEN date 'infinity' ELSE ((now() + keep) AT TIME ZONE 'UTC')::date + 1 END, 'completed',
            snoozes, priority, crashes, give_backs, kind, queue, args, timeout, unique_key, concurrency_key,
            serial_key, fair_key, affinity_key, requires, depends_on, on_dependency_failure, tags, meta,
            traceparent, NULL, schedule, result, output,
            CASE WHEN kind = ANY (recording) THEN coalesce({schema}.packed_attempts(id), '[]') ||
                    jsonb_strip_nulls(jsonb_build_object(
                        'fence', fence, 'attempt', attempt, 'worker', worker, 'started_at', claimed_at,
                        'finished_at', clock_timestamp(), 'outcome', 'completed', 'cpu_ms', cpu_ms,
                        'max_rss_bytes', max_rss_bytes, 'read_bytes', read_bytes, 'write_bytes', write_bytes,
                        'output', output))
                WHEN fence > 1 THEN {schema}.packed_attempts(id) END
        FROM settled
        WHERE keep IS NULL OR keep > interval '0'
    ),
    attempts_moved AS (
        DELETE FROM {schema}.attempt_log a
        USING settled s
        WHERE s.fence > 1 AND a.job_id = s.id
    ),
    counted AS (
        INSERT INTO {schema}.statistics_log (minute, queue, kind, completed, run_ms, wait_ms)
        SELECT
            date_trunc('minute', now()), queue, kind, count(*),
            -- date_part counts in doubles; extract would do so in numerics, at a tenth of the whole settle.
            coalesce(sum(date_part('epoch', now() - claimed_at) * 1000), 0),
            coalesce(sum(date_part('epoch', claimed_at - greatest(run_at, created_at)) * 1000), 0)
        FROM settled
        GROUP BY queue, kind
    )
    SELECT
        array_agg(id),
        array_agg(format('{"id":"%s","kind":%s,"state":"completed"}', id, to_jsonb(kind)))
            FILTER (WHERE kind = ANY (telling) OR meta @> '{"notify": true}'),
        array_agg(serial_key) FILTER (WHERE serial_key IS NOT NULL),
        array_agg(batch_id) FILTER (WHERE batch_id IS NOT NULL),
        array_agg(id) FILTER (WHERE depends_on IS NOT NULL)
    INTO done, told, keys, batches, children
    FROM settled;
    IF keys IS NOT NULL OR batches IS NOT NULL OR children IS NOT NULL
        OR EXISTS (SELECT 1 FROM {schema}.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM {schema}.completed_at_gates(done, ids, results, keys, batches, children);
    END IF;
    IF told IS NOT NULL THEN
        PERFORM {schema}.tell_finished(told);
    END IF;

    IF coalesce(cardinality(done), 0) < cardinality(ids) THEN
        WITH settled AS (
            UPDATE {schema}.jobs j
            SET state = 'available', worker = NULL, attempt = 0, crashes = 0, snoozes = 0, rerun = false,
                run_at = greatest(j.run_at, now()), ready_at = now(),
                position = nextval('{schema}.job_positions')
            FROM unnest(ids, fences, cpus, sizes, reads, writes, outputs) AS s(id, fence, cpu_ms, max_rss_bytes,
                read_bytes, write_bytes, output)
            WHERE j.id = s.id
                AND j.fence = s.fence
                AND j.worker = of_worker
                AND j.state = 'running'
                AND j.rerun
            RETURNING j.id, j.fence, j.claimed_at, s.cpu_ms, s.max_rss_bytes, s.read_bytes, s.write_bytes, s.output,
                j.queue, j.kind
        ),
        recorded AS (
            INSERT INTO {schema}.attempt_log
                (job_id, fence, attempt, worker, started_at, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output,
                outcome)
            SELECT id, fence, 1, of_worker, claimed_at, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output,
                'completed'
            FROM settled
        ),
        -- A request to cancel was about the work that is done now.
        requests_cleared AS (
            DELETE FROM {schema}.cancel_requests c
            USING settled s
            WHERE c.job_id = s.id
        ),
        counted AS (
            INSERT INTO {schema}.statistics_log (minute, queue, kind, completed)
            SELECT date_trunc('minute', now()), queue, kind, count(*)
            FROM settled
            GROUP BY queue, kind
        )
        SELECT array_agg(id) INTO again FROM settled;
        RETURN ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(done) EXCEPT SELECT unnest(again));
    END IF;
    RETURN '{}';
END $$;

-- Closes claims that did not complete and puts their jobs back: after a failure, a snooze, a give-back or a
-- crash. One object per claim: id, fence, worker, outcome, delay_ms, refund (attempts given back), reason and
-- the attempt's record. A job that somebody asked to cancel is cancelled instead: the request wins over another try.
-- Returns the ids that were still those claims'.
CREATE FUNCTION {schema}.requeue_jobs(settlements jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    asked bigint[];
BEGIN
    IF EXISTS (SELECT 1 FROM {schema}.cancel_requests) THEN
        SELECT array_agg(c.job_id) INTO asked
        FROM jsonb_array_elements(settlements) AS e(one)
        JOIN {schema}.cancel_requests c ON c.job_id = (e.one ->> 'id')::bigint;
    END IF;
    IF asked IS NOT NULL THEN
        RETURN QUERY
        SELECT f.id
        FROM {schema}.finish_jobs((
            SELECT jsonb_agg(e.one || '{"state": "cancelled"}')
            FROM jsonb_array_elements(settlements) AS e(one)
            WHERE (e.one ->> 'id')::bigint = ANY (asked))) AS f(id);
        settlements := (
            SELECT coalesce(jsonb_agg(e.one), '[]')
            FROM jsonb_array_elements(settlements) AS e(one)
            WHERE (e.one ->> 'id')::bigint <> ALL (asked));
    END IF;

    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT *
        FROM jsonb_to_recordset(settlements) AS s(
            id bigint, fence integer, worker bigint, outcome text, delay_ms bigint, refund integer, reason text,
            error_class text, error text, backtrace text, exit_code integer, signal integer, cpu_ms bigint,
            max_rss_bytes bigint, read_bytes bigint, write_bytes bigint, output text)
        ORDER BY id
    ),
    settled AS MATERIALIZED (
        UPDATE {schema}.jobs j
        SET state = CASE WHEN s.outcome IN ('failed', 'killed', 'out_of_memory', 'timed_out', 'crashed') AND s.delay_ms > 0 AND NOT j.rerun
                THEN 'retryable' ELSE 'available' END::{schema}.job_state,
            worker = NULL,
            attempt = CASE WHEN j.rerun THEN 0 ELSE j.attempt - s.refund END,
            crashes = CASE WHEN j.rerun THEN 0 ELSE j.crashes + (s.outcome = 'crashed')::integer END,
            snoozes = CASE WHEN j.rerun THEN 0 ELSE j.snoozes + (s.outcome = 'snoozed')::integer END,
            give_backs = least(j.give_backs + (s.outcome = 'released')::integer, 32767),
            run_at = CASE WHEN j.rerun THEN greatest(j.run_at, now())
                ELSE now() + s.delay_ms * interval '1 millisecond' END,
            ready_at = now(),
            rerun = false,
            position = nextval('{schema}.job_positions'),
            reason = s.reason
        FROM wanted s
        WHERE j.id = s.id
            AND j.fence = s.fence
            AND j.worker = s.worker
            AND j.state = 'running'
        RETURNING j.id, j.queue, j.kind, j.claimed_at, greatest(j.attempt + s.refund, 1) AS attempt, s.fence, s.worker,
            s.outcome, s.error_class, s.error, s.backtrace, s.exit_code, s.signal, s.cpu_ms, s.max_rss_bytes,
            s.read_bytes, s.write_bytes, s.output
    ),
    recorded AS (
        INSERT INTO {schema}.attempt_log
            (job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace,
             exit_code, signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
        SELECT
            d.id, d.fence, d.attempt, d.worker, d.claimed_at, clock_timestamp(), d.outcome, d.error_class, d.error,
            d.backtrace, d.exit_code, d.signal, d.cpu_ms, d.max_rss_bytes, d.read_bytes, d.write_bytes, d.output
        FROM settled d
    ),
    counted AS (
        INSERT INTO {schema}.statistics_log (minute, queue, kind, failed, snoozed, released, crashed)
        SELECT
            date_trunc('minute', now()), s.queue, s.kind,
            count(*) FILTER (WHERE s.outcome IN ('failed', 'killed', 'out_of_memory', 'timed_out')),
            count(*) FILTER (WHERE s.outcome = 'snoozed'),
            count(*) FILTER (WHERE s.outcome = 'released'),
            count(*) FILTER (WHERE s.outcome = 'crashed')
        FROM settled s
        GROUP BY s.queue, s.kind
    )
    SELECT d.id FROM settled d;
END $$;

-- Closes claims for good without completing them: dead or cancelled. One object per claim, as for
-- requeue_jobs, with state, keep_ms (null: for ever) and fingerprint. A job that somebody asked to cancel is cancelled,
-- whatever state says, and one that was replaced while it ran goes back to the queue instead. Returns the ids that
-- were still those claims'.
CREATE FUNCTION {schema}.finish_jobs(settlements jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    s record;
    j {schema}.jobs%ROWTYPE;
    closing jsonb;
BEGIN
    FOR s IN
        SELECT *
        FROM jsonb_to_recordset(settlements) AS r(
            id bigint, fence integer, worker bigint, state text, outcome text, keep_ms bigint, reason text,
            error_class text, error text, backtrace text, exit_code integer, signal integer, cpu_ms bigint,
            max_rss_bytes bigint, read_bytes bigint, write_bytes bigint, output text, fingerprint text)
        ORDER BY id
    LOOP
        DELETE FROM {schema}.jobs d
        WHERE d.id = s.id
            AND d.fence = s.fence
            AND d.worker = s.worker
            AND d.state = 'running'
            AND NOT d.rerun
        RETURNING d.* INTO j;
        IF NOT FOUND THEN
            CONTINUE WHEN NOT EXISTS (
                SELECT 1 FROM {schema}.jobs r
                WHERE r.id = s.id AND r.fence = s.fence AND r.worker = s.worker AND r.state = 'running' AND r.rerun);
            -- A request to cancel was about the work that it had.
            DELETE FROM {schema}.cancel_requests WHERE job_id = s.id;
            RETURN QUERY
            SELECT r.id
            FROM {schema}.requeue_jobs(jsonb_build_array(to_jsonb(s) || '{"delay_ms": 0, "refund": 0}')) AS r(id);
            CONTINUE;
        END IF;
        IF EXISTS (SELECT 1 FROM {schema}.cancel_requests c WHERE c.job_id = s.id) THEN
            s.state := 'cancelled';
            s.reason := 'cancelled while running';
            s.keep_ms := extract(epoch FROM {schema}.keep_of(j.kind)) * 1000;
        END IF;

        closing := jsonb_strip_nulls(jsonb_build_object(
            'fence', s.fence, 'attempt', j.attempt, 'worker', s.worker, 'started_at', j.claimed_at,
            'finished_at', clock_timestamp(), 'outcome', s.outcome, 'error_class', s.error_class, 'error', s.error,
            'backtrace', s.backtrace, 'exit_code', s.exit_code, 'signal', s.signal, 'cpu_ms', s.cpu_ms,
            'max_rss_bytes', s.max_rss_bytes, 'read_bytes', s.read_bytes, 'write_bytes', s.write_bytes,
            'output', s.output));
        PERFORM {schema}.keep_finished(j, jsonb_build_object(
            'state', s.state, 'reason', s.reason, 'error', s.error, 'fingerprint', s.fingerprint,
            'finished_at', clock_timestamp(), 'cpu_ms', s.cpu_ms, 'max_rss_bytes', s.max_rss_bytes,
            'read_bytes', s.read_bytes, 'write_bytes', s.write_bytes, 'output', s.output,
            'attempts', coalesce({schema}.packed_attempts(j.id), '[]') || closing,
            'keep_until', CASE WHEN s.keep_ms = 0 THEN 'none'
                ELSE {schema}.keep_until(s.keep_ms * interval '1 millisecond')::text END));
        INSERT INTO {schema}.statistics_log (minute, queue, kind, dead, cancelled)
        VALUES (date_trunc('minute', now()), j.queue, j.kind, (s.state = 'dead')::integer,
            (s.state = 'cancelled')::integer);
        RETURN NEXT j.id;
    END LOOP;
    IF EXISTS (SELECT 1 FROM {schema}.gate_news) THEN
        PERFORM {schema}.pass_gates(200, true);
    END IF;
END $$;

-- Writes a job that has just left `jobs` to where its kind of end is kept, and clears what only unfinished
-- jobs have. `closing` holds the columns that its end decides, state and keep_until among them; a job that is
-- not to be kept at all has keep_until 'none'.
CREATE FUNCTION {schema}.keep_finished(j {schema}.jobs, closing jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF closing ->> 'state' = 'dead' THEN
        INSERT INTO {schema}.dead_jobs
        SELECT *
        FROM jsonb_populate_record(NULL::{schema}.dead_jobs, to_jsonb(j) || closing || '{"keep_until": "infinity"}');
    ELSIF closing ->> 'keep_until' <> 'none' THEN
        INSERT INTO {schema}.history
        SELECT *
        FROM jsonb_populate_record(NULL::{schema}.history, to_jsonb(j) || closing);
    END IF;
    DELETE FROM {schema}.attempt_log WHERE job_id = j.id;
    DELETE FROM {schema}.output_chunks WHERE job_id = j.id;
    DELETE FROM {schema}.progress WHERE job_id = j.id;
    DELETE FROM {schema}.cancel_requests WHERE job_id = j.id;
    PERFORM {schema}.left_unfinished(j, (closing ->> 'state')::{schema}.job_state);
    IF j.meta @> '{"notify": true}' OR EXISTS (SELECT 1 FROM {schema}.kinds k WHERE k.kind = j.kind AND k.notify) THEN
        PERFORM {schema}.tell_finished(ARRAY[
            format('{"id":"%s","kind":%s,"state":%s}', j.id, to_jsonb(j.kind), closing -> 'state')]);
    END IF;
END $$;

-- Makes room for rows kept until the given days. Days already standing are passed over. Gives up where a reader is
-- in the way: rows find a place in history_other, and the next call tries again.
CREATE FUNCTION {schema}.ensure_history_days(days date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    day date;
    made integer := 0;
    name text;
BEGIN
    FOREACH day IN ARRAY days LOOP
        name := 'history_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN NOT isfinite(day) OR to_regclass(format('{schema}.%I', name)) IS NOT NULL;
        -- One maker at a time; the others leave the work to it.
        EXIT WHEN NOT pg_try_advisory_xact_lock('{schema}.history'::regclass::oid::integer, 2);
        BEGIN
            -- Writers wait at the door: one that had chosen history_other already would be refused there afterwards.
            LOCK TABLE ONLY {schema}.history IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE {schema}.history_other IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE {schema}.%I (LIKE {schema}.history INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                name);
            EXECUTE format('WITH moved AS (DELETE FROM {schema}.history_other WHERE keep_until = %L RETURNING *)
                INSERT INTO {schema}.%I SELECT * FROM moved', day, name);
            EXECUTE format('ALTER TABLE {schema}.history ATTACH PARTITION {schema}.%I FOR VALUES FROM (%L) TO (%L)',
                name, day, day + 1);
            made := made + 1;
        EXCEPTION WHEN lock_not_available THEN
            RETURN made;
        END;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions of days that have passed. Gives up at once where a reader is in the way; the next call tries again.
CREATE FUNCTION {schema}.drop_history_days() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    partition record;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT c.oid::regclass AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = '{schema}.history'::regclass AND c.relname ~ '^history_[0-9]{8}$'
        ORDER BY 2
    LOOP
        EXIT WHEN partition.day > (now() AT TIME ZONE 'UTC')::date;
        EXECUTE format('DROP TABLE %s', partition.name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM {schema}.history_other WHERE keep_until <= (now() AT TIME ZONE 'UTC')::date;
    RETURN dropped;
EXCEPTION WHEN lock_not_available THEN
    RETURN dropped;
END $$;
