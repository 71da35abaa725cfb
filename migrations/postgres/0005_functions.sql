-- The functions that applications and operators call.
--
-- Locks:   none on existing tables.
-- Oldest binary: 0.1.0
-- Go back: drop the functions that it creates.

-- The key that a kind derives from a job's args, where it publishes which of them make two jobs the same work.
CREATE FUNCTION {schema}.derived_key(of_kind text, args jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.kind || ' ' || CASE WHEN octet_length(c.chosen) > 800 THEN md5(c.chosen) ELSE c.chosen END
    FROM {schema}.kinds k
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_array_length(k.unique_policy -> 'args') = 0 THEN args
            ELSE (
                SELECT jsonb_object_agg(n.name, args -> n.name)
                FROM jsonb_array_elements_text(k.unique_policy -> 'args') AS n(name)) END::text AS chosen) c
    WHERE k.kind = of_kind AND k.unique_policy IS NOT NULL
$$;

-- Takes the key of a new job for as long as its kind says, counted from now. Returns null, or the job that has it.
CREATE FUNCTION {schema}.take_window(fresh {schema}.jobs) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    length interval;
    holder bigint;
BEGIN
    SELECT (k.unique_policy ->> 'for_ms')::bigint * interval '1 millisecond' INTO length
    FROM {schema}.kinds k WHERE k.kind = fresh.kind;
    IF length IS NULL OR fresh.unique_key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO {schema}.unique_windows AS w (unique_key, job_id, until)
    VALUES (fresh.unique_key, fresh.id, now() + length)
    ON CONFLICT ON CONSTRAINT unique_windows_pkey DO UPDATE
    SET job_id = excluded.job_id, until = excluded.until
    WHERE w.until <= now();
    SELECT w.job_id INTO holder FROM {schema}.unique_windows w WHERE w.unique_key = fresh.unique_key;
    RETURN nullif(holder, fresh.id);
END $$;

-- The row that stands for one job as an application describes it: an object of the columns that it may set,
-- or run_in, a length of time from now, for run_at.
CREATE FUNCTION {schema}.new_job(job jsonb) RETURNS {schema}.jobs
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j {schema}.jobs%ROWTYPE;
    unknown text;
BEGIN
    IF jsonb_typeof(job) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'a job is an object, such as {"kind": "mail.send", "args": {}}'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO unknown
    FROM jsonb_object_keys(job) AS k(key)
    WHERE key <> ALL (ARRAY['kind', 'args', 'queue', 'priority', 'run_at', 'run_in', 'max_attempts', 'timeout',
        'expires_at', 'unique_key', 'concurrency_key', 'cost', 'serial_key', 'fair_key', 'requires', 'affinity_key',
        'depends_on', 'on_dependency_failure', 'batch_id', 'tags', 'meta', 'traceparent'])
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'job has "%", which is no column that an application may set', unknown
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    j.position := nextval('{schema}.job_positions');
    j.run_at := now() + coalesce((job ->> 'run_in')::interval, '0');
    j.ready_at := now();
    j.created_at := now();
    j.fence := 0;
    j.attempt := 0;
    j.cost := 1;
    j.state := 'available';
    j.snoozes := 0;
    j.priority := 0;
    j.crashes := 0;
    j.give_backs := 0;
    j.rerun := false;
    j.queue := 'default';
    j.args := '{}';
    j.requires := '{}';
    j.on_dependency_failure := 'cancel';
    j.tags := '{}';
    j.meta := '{}';
    j := jsonb_populate_record(j, job);
    j.unique_key := coalesce(j.unique_key, {schema}.derived_key(j.kind, j.args));
    j.id := nextval(pg_get_serial_sequence('{schema}.jobs', 'id'));
    RETURN j;
END $$;

-- Adds one job whose unique_key may be held. Returns its id, or that of the unfinished job that holds the key.
CREATE FUNCTION {schema}.enqueue_or_meet(job jsonb, on_conflict text, OUT id bigint, OUT existing boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    fresh {schema}.jobs%ROWTYPE := {schema}.new_job(job);
    holder bigint := {schema}.take_window(fresh);
BEGIN
    existing := true;
    IF holder IS NOT NULL AND (on_conflict = 'skip' OR NOT EXISTS (
        SELECT 1 FROM {schema}.jobs h WHERE h.unique_key = fresh.unique_key)) THEN
        id := holder; -- It may have finished: nothing of it can be replaced.
        RETURN;
    END IF;
    LOOP
        INSERT INTO {schema}.jobs OVERRIDING SYSTEM VALUE
        SELECT (fresh).*
        ON CONFLICT ON CONSTRAINT jobs_unique_key DO NOTHING;
        IF FOUND THEN
            id := fresh.id;
            existing := false;
            RETURN;
        END IF;
        IF on_conflict = 'skip' THEN
            SELECT h.id INTO id FROM {schema}.jobs h WHERE h.unique_key = fresh.unique_key;
        ELSE
            UPDATE {schema}.jobs h
            SET kind = fresh.kind,
                args = CASE on_conflict WHEN 'merge' THEN h.args || fresh.args ELSE fresh.args END,
                -- Asked for anew, it has all of its attempts; a running one will when it runs again.
                attempt = CASE WHEN h.state = 'running' THEN h.attempt ELSE 0 END,
                crashes = CASE WHEN h.state = 'running' THEN h.crashes ELSE 0 END,
                snoozes = CASE WHEN h.state = 'running' THEN h.snoozes ELSE 0 END,
                queue = fresh.queue, priority = fresh.priority, run_at = fresh.run_at,
                max_attempts = fresh.max_attempts, timeout = fresh.timeout, expires_at = fresh.expires_at,
                tags = fresh.tags, meta = fresh.meta
            WHERE h.unique_key = fresh.unique_key
            RETURNING h.id INTO id;
        END IF;
        -- Not found: its holder has just finished, so the key is free again.
        EXIT WHEN id IS NOT NULL;
    END LOOP;
    -- No job was enqueued, so no window begins.
    DELETE FROM {schema}.unique_windows w WHERE w.unique_key = fresh.unique_key AND w.job_id = fresh.id;
END $$;

-- Refuses a job whose key is held by one that was enqueued a short while ago.
CREATE FUNCTION {schema}.insist_on_window(fresh {schema}.jobs) RETURNS {schema}.jobs
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder bigint := {schema}.take_window(fresh);
BEGIN
    IF holder IS NOT NULL THEN
        RAISE EXCEPTION 'unique_key is held by job %, which was enqueued a short while ago', holder
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'unique_windows_pkey';
    END IF;
    RETURN fresh;
END $$;

-- Adds many jobs: an array of objects as for new_job. on_conflict says what happens where a unique_key is held:
-- null refuses all of them, 'skip' leaves the holder, 'replace' gives it the new job's values, 'merge' adds the
-- new args to its own. Returns each job's place in the array from 1, its id or the holder's, and whether it was there before.
CREATE FUNCTION {schema}.enqueue_many(jobs jsonb, on_conflict text DEFAULT NULL)
RETURNS TABLE (place bigint, id bigint, existing boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF jsonb_typeof(jobs) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'jobs is no array; an array of objects was expected' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF on_conflict <> ALL (ARRAY['skip', 'replace', 'merge']) THEN
        RAISE EXCEPTION 'on_conflict is "%"; skip, replace or merge was expected', on_conflict
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF on_conflict IS NULL THEN
        RETURN QUERY
        WITH wanted AS MATERIALIZED (
            SELECT e.nth, {schema}.insist_on_window({schema}.new_job(e.job)) AS fresh
            FROM jsonb_array_elements(jobs) WITH ORDINALITY AS e(job, nth)
        ),
        added AS (
            INSERT INTO {schema}.jobs OVERRIDING SYSTEM VALUE
            SELECT (w.fresh).* FROM wanted w ORDER BY w.nth
        )
        SELECT w.nth, (w.fresh).id, false FROM wanted w ORDER BY w.nth;
    ELSE
        RETURN QUERY
        SELECT e.nth, r.id, r.existing
        FROM jsonb_array_elements(jobs) WITH ORDINALITY AS e(job, nth)
        CROSS JOIN LATERAL {schema}.enqueue_or_meet(e.job, on_conflict) r
        ORDER BY e.nth;
    END IF;
END $$;

-- Adds one job and returns its id, or that of the job that holds its unique_key already.
CREATE FUNCTION {schema}.enqueue(
    kind text, args jsonb DEFAULT '{}', queue text DEFAULT NULL, priority integer DEFAULT NULL,
    run_at timestamptz DEFAULT NULL, max_attempts integer DEFAULT NULL, timeout interval DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, unique_key text DEFAULT NULL, concurrency_key text DEFAULT NULL,
    cost integer DEFAULT NULL, serial_key text DEFAULT NULL, fair_key text DEFAULT NULL,
    requires text[] DEFAULT NULL, affinity_key text DEFAULT NULL, depends_on bigint[] DEFAULT NULL,
    on_dependency_failure text DEFAULT NULL, batch_id bigint DEFAULT NULL, tags text[] DEFAULT NULL,
    meta jsonb DEFAULT NULL, traceparent text DEFAULT NULL, on_conflict text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.id
    FROM {schema}.enqueue_many(jsonb_build_array(
        jsonb_strip_nulls(jsonb_build_object(
            'kind', kind, 'queue', queue, 'priority', priority, 'run_at', run_at, 'max_attempts', max_attempts,
            'timeout', timeout, 'expires_at', expires_at, 'unique_key', unique_key,
            'concurrency_key', concurrency_key, 'cost', cost, 'serial_key', serial_key, 'fair_key', fair_key,
            'requires', requires, 'affinity_key', affinity_key, 'depends_on', depends_on,
            'on_dependency_failure', on_dependency_failure, 'batch_id', batch_id, 'tags', tags,
            'traceparent', traceparent))
        || jsonb_build_object('args', args, 'meta', coalesce(meta, '{}'))), on_conflict) e
$$;

-- Settles a job from its own code, in its own transaction: what that transaction wrote and the completion commit
-- together or not at all. A token that is stale raises an error, and so rolls the whole transaction back.
CREATE FUNCTION {schema}.complete(token text, result jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claim bigint[] := {schema}.parse_token(token);
    kept interval;
BEGIN
    SELECT {schema}.keep_of(j.kind) INTO kept
    FROM {schema}.jobs j
    WHERE j.id = claim[1];
    IF {schema}.complete_jobs(claim[3], ARRAY[claim[1]], ARRAY[claim[2]::integer], ARRAY[kept],
        ARRAY[result], NULL, NULL, NULL, NULL, NULL) <> '{}' THEN
        PERFORM {schema}.refuse_stale_token(token);
    END IF;
    IF kept <= interval '0' THEN
        -- The job leaves no row by which its worker could tell that it settled itself.
        INSERT INTO {schema}.attempt_log (job_id, fence, attempt, worker, outcome)
        VALUES (claim[1], claim[2], 1, claim[3], 'settled_by_job')
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

-- Fails a job's attempt from its own code, in its own transaction; it is tried again as its kind says.
CREATE FUNCTION {schema}.fail(token text, error text, class text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claim bigint[] := {schema}.parse_token(token);
    j {schema}.jobs%ROWTYPE;
    closing jsonb;
    settled bigint;
BEGIN
    SELECT * INTO j FROM {schema}.jobs WHERE id = claim[1];
    closing := jsonb_build_object('id', claim[1], 'fence', claim[2], 'worker', claim[3], 'outcome', 'failed',
        'error', error, 'error_class', class, 'refund', 0,
        'delay_ms', (extract(epoch FROM coalesce(j.retry_delay, interval '15 seconds')) * 1000)::bigint);
    IF j.attempt < coalesce(j.attempt_limit, j.max_attempts, 25) THEN
        SELECT * INTO settled FROM {schema}.requeue_jobs(jsonb_build_array(closing));
    ELSE
        SELECT * INTO settled FROM {schema}.finish_jobs(jsonb_build_array(
            closing || '{"state": "dead", "reason": "out of attempts"}'));
    END IF;
    IF settled IS NULL THEN
        PERFORM {schema}.refuse_stale_token(token);
    END IF;
END $$;

CREATE FUNCTION {schema}.parse_token(token text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF token IS NULL OR token !~ '^[0-9]{1,19}\.[0-9]{1,10}\.[0-9]{1,19}$' THEN
        RAISE EXCEPTION 'this is no token of a claim; pass the job''s JOBRUNNER_TOKEN as it is'
            USING ERRCODE = 'JR409';
    END IF;
    RETURN string_to_array(token, '.')::bigint[];
END $$;

CREATE FUNCTION {schema}.refuse_stale_token(token text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the claim on job % is no longer held: its lease ended or it was settled already',
        split_part(token, '.', 1)
        USING ERRCODE = 'JR409';
END $$;

-- Who acts: what the client says of itself, else the database's user.
CREATE FUNCTION {schema}.actor() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('jobrunner.actor', true), ''), session_user::text)
$$;

CREATE FUNCTION {schema}.note_action(action text, job bigint, details jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO {schema}.operator_audit (actor, action, job_id, details)
    VALUES ({schema}.actor(), action, job, details)
$$;

-- What stands in an operator's way with one job: its state, or 'not found'.
CREATE FUNCTION {schema}.state_of(job bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT j.state::text FROM {schema}.jobs j WHERE j.id = job),
        (SELECT 'dead' FROM {schema}.dead_jobs d WHERE d.id = job),
        (SELECT h.state::text FROM {schema}.history h WHERE h.id = job LIMIT 1),
        'not found')
$$;

-- How long finished jobs of a kind are kept: null for ever, zero not at all, a week where nobody has said.
CREATE FUNCTION {schema}.keep_of(of_kind text) RETURNS interval
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) = 0 THEN interval '7 days' ELSE min(k.keep) END
    FROM {schema}.kinds k
    WHERE k.kind = of_kind
$$;

-- Takes unclaimed jobs out of the queue for good, as cancelled. Rows that somebody holds are passed over.
CREATE FUNCTION {schema}.cancel_unclaimed(ids bigint[], why text) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j {schema}.jobs%ROWTYPE;
    kept interval;
BEGIN
    FOR j IN
        DELETE FROM {schema}.jobs d
        WHERE d.id = ANY (ARRAY(
            SELECT p.id FROM {schema}.jobs p
            WHERE p.id = ANY (ids) AND p.state <> 'running'
            ORDER BY p.id
            FOR UPDATE SKIP LOCKED))
        RETURNING d.*
    LOOP
        kept := {schema}.keep_of(j.kind);
        PERFORM {schema}.keep_finished(j, jsonb_build_object(
            'state', 'cancelled', 'reason', why, 'finished_at', clock_timestamp(),
            'attempts', {schema}.packed_attempts(j.id),
            'keep_until', CASE WHEN kept <= interval '0' THEN 'none' ELSE {schema}.keep_until(kept)::text END));
        INSERT INTO {schema}.statistics_log (minute, queue, kind, cancelled)
        VALUES (date_trunc('minute', now()), j.queue, j.kind, 1);
        RETURN NEXT j.id;
    END LOOP;
END $$;

-- The try_… functions do what their name says to one job and return 'done', 'requested' (its worker will do it),
-- 'not found', or the state in which it is not possible. The functions of the plain name raise an error instead.
CREATE FUNCTION {schema}.try_cancel(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cancelled bigint;
BEGIN
    SELECT * INTO cancelled FROM {schema}.cancel_unclaimed(ARRAY[job], 'cancelled by ' || {schema}.actor());
    IF cancelled IS NOT NULL THEN
        PERFORM {schema}.note_action('cancel', job, '{}');
        RETURN 'done';
    END IF;
    INSERT INTO {schema}.cancel_requests (job_id, fence, worker, requested_by)
    SELECT j.id, j.fence, j.worker, {schema}.actor()
    FROM {schema}.jobs j
    WHERE j.id = job AND j.state = 'running'
    ON CONFLICT (job_id) DO UPDATE
    SET fence = excluded.fence, worker = excluded.worker, requested_by = excluded.requested_by;
    IF FOUND THEN
        PERFORM {schema}.note_action('cancel', job, '{"running": true}');
        PERFORM pg_notify('{channel}_wake', 'cancel');
        RETURN 'requested';
    END IF;
    RETURN {schema}.state_of(job);
END $$;

CREATE FUNCTION {schema}.try_retry(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    finished jsonb;
    fresh {schema}.jobs%ROWTYPE;
    state_then text;
BEGIN
    UPDATE {schema}.jobs j
    SET state = 'available', run_at = now(), ready_at = now(), position = nextval('{schema}.job_positions'), held_in = NULL
    WHERE j.id = job AND (j.state IN ('available', 'retryable') OR j.held_in IS NOT NULL);
    IF FOUND THEN
        PERFORM {schema}.note_action('retry', job, '{}');
        PERFORM pg_notify('{channel}_wake', '');
        RETURN 'done';
    END IF;
    -- What was asked of an earlier run does not hold for this one.
    DELETE FROM {schema}.cancel_requests WHERE job_id = job AND NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = job);
    WITH gone AS (DELETE FROM {schema}.dead_jobs d WHERE d.id = job RETURNING d.*)
    SELECT to_jsonb(gone) INTO finished FROM gone;
    IF finished IS NULL THEN
        WITH gone AS (DELETE FROM {schema}.history h WHERE h.id = job RETURNING h.*)
        SELECT to_jsonb(gone) INTO finished FROM gone LIMIT 1;
    END IF;
    IF finished IS NULL THEN
        RETURN {schema}.state_of(job);
    END IF;
    state_then := finished ->> 'state';
    -- It waits again for those of its parents that are unfinished again, and for no other.
    DELETE FROM {schema}.dependencies d WHERE d.job_id = job;
    finished := jsonb_set(finished, '{depends_on}', coalesce((
        SELECT jsonb_agg(j.id)
        FROM {schema}.jobs j
        WHERE j.id IN (SELECT p.one::bigint FROM jsonb_array_elements_text(CASE
            WHEN jsonb_typeof(finished -> 'depends_on') = 'array' THEN finished -> 'depends_on' ELSE '[]' END) AS p(one))),
        'null'));
    PERFORM {schema}.returned_to_batch((finished ->> 'batch_id')::bigint, state_then);
    fresh := jsonb_populate_record(NULL::{schema}.jobs, finished || jsonb_build_object(
        'state', 'available', 'attempt', 0, 'crashes', 0, 'snoozes', 0, 'give_backs', 0, 'rerun', false,
        'worker', NULL, 'reason', 'retried', 'claimed_at', NULL, 'expires_at', NULL, 'run_at', now(), 'ready_at', now(),
        'position', nextval('{schema}.job_positions')));
    -- A held unique_key refuses the insert, in words, and with it the whole action.
    INSERT INTO {schema}.jobs OVERRIDING SYSTEM VALUE SELECT (fresh).*;
    INSERT INTO {schema}.attempt_log
    SELECT a.*
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(finished -> 'attempts') = 'array'
        THEN finished -> 'attempts' ELSE '[]' END) AS e(one)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::{schema}.attempt_log,
        e.one || jsonb_build_object('job_id', job)) a;
    PERFORM {schema}.note_action('retry', job, jsonb_build_object('was', state_then));
    RETURN 'done';
END $$;

CREATE FUNCTION {schema}.try_delete(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted boolean := false;
    gone {schema}.jobs%ROWTYPE;
BEGIN
    DELETE FROM {schema}.jobs j WHERE j.id = job AND j.state <> 'running' RETURNING j.* INTO gone;
    deleted := FOUND;
    IF deleted THEN
        PERFORM {schema}.left_unfinished(gone, 'cancelled');
        DELETE FROM {schema}.attempt_log WHERE job_id = job;
        DELETE FROM {schema}.output_chunks WHERE job_id = job;
        DELETE FROM {schema}.progress WHERE job_id = job;
    ELSE
        DELETE FROM {schema}.dead_jobs d WHERE d.id = job;
        deleted := FOUND;
    END IF;
    IF NOT deleted THEN
        DELETE FROM {schema}.history h WHERE h.id = job;
        deleted := FOUND;
    END IF;
    IF NOT deleted THEN
        RETURN {schema}.state_of(job);
    END IF;
    DELETE FROM {schema}.dependencies d WHERE d.job_id = job;
    PERFORM {schema}.note_action('delete', job, '{}');
    RETURN 'done';
END $$;

CREATE FUNCTION {schema}.try_reschedule(job bigint, new_run_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.jobs j
    SET state = CASE WHEN j.held_in IS NULL THEN j.state ELSE 'available' END,
        run_at = new_run_at, ready_at = now(), position = nextval('{schema}.job_positions'), held_in = NULL
    WHERE j.id = job AND (j.state IN ('available', 'retryable') OR j.held_in IS NOT NULL);
    IF NOT FOUND THEN
        RETURN {schema}.state_of(job);
    END IF;
    PERFORM {schema}.note_action('reschedule', job, jsonb_build_object('run_at', new_run_at));
    PERFORM pg_notify('{channel}_wake', '');
    RETURN 'done';
END $$;

-- Changes columns of an unfinished job that is not running: an object of column and value.
CREATE FUNCTION {schema}.try_edit(job bigint, changes jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j {schema}.jobs%ROWTYPE;
    unknown text;
BEGIN
    SELECT key INTO unknown
    FROM jsonb_object_keys(changes) AS k(key)
    WHERE key <> ALL (ARRAY['kind', 'args', 'queue', 'priority', 'max_attempts', 'timeout', 'expires_at', 'tags', 'meta'])
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is no column that can be edited', unknown USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO j FROM {schema}.jobs l WHERE l.id = job AND l.state <> 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN {schema}.state_of(job);
    END IF;
    j := jsonb_populate_record(j, changes);
    UPDATE {schema}.jobs u
    SET kind = j.kind, args = j.args, queue = j.queue, priority = j.priority, max_attempts = j.max_attempts,
        timeout = j.timeout, expires_at = j.expires_at, tags = j.tags, meta = j.meta,
        position = nextval('{schema}.job_positions'),
        -- It may be under other limits now: the next claim tells.
        state = CASE WHEN u.held_in IS NULL THEN u.state ELSE 'available' END, held_in = NULL
    WHERE u.id = job;
    -- The changed names, not their values: args may hold what an audit must not.
    PERFORM {schema}.note_action('edit', job, jsonb_build_object('columns',
        (SELECT jsonb_agg(key) FROM jsonb_object_keys(changes) AS k(key))));
    RETURN 'done';
END $$;

CREATE FUNCTION {schema}.insist(outcome text, action text, job bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF outcome = 'not found' THEN
        RAISE EXCEPTION 'job % is not found', job USING ERRCODE = 'JR404';
    ELSIF outcome NOT IN ('done', 'requested') THEN
        RAISE EXCEPTION 'job % is %: % is not possible', job, outcome, action USING ERRCODE = 'JR409';
    END IF;
    RETURN outcome;
END $$;

CREATE FUNCTION {schema}.cancel(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT {schema}.insist({schema}.try_cancel($1), 'cancel', $1)
$$;
CREATE FUNCTION {schema}.retry(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT {schema}.insist({schema}.try_retry($1), 'retry', $1)
$$;
CREATE FUNCTION {schema}.delete_job(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT {schema}.insist({schema}.try_delete($1), 'delete', $1)
$$;
CREATE FUNCTION {schema}.reschedule(id bigint, run_at timestamptz) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT {schema}.insist({schema}.try_reschedule($1, $2), 'reschedule', $1)
$$;

-- A paused queue's jobs wait where they are; those running go on.
CREATE FUNCTION {schema}.pause_queue(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO {schema}.queues AS q (queue, paused_at, paused_by)
    VALUES (name, now(), {schema}.actor())
    ON CONFLICT (queue) DO UPDATE
    SET paused_at = coalesce(q.paused_at, now()), paused_by = {schema}.actor();
    INSERT INTO {schema}.operator_audit (actor, action, queue) VALUES ({schema}.actor(), 'pause', name);
$$;

CREATE FUNCTION {schema}.resume_queue(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE {schema}.queues SET paused_at = NULL, paused_by = NULL WHERE queue = name;
    INSERT INTO {schema}.operator_audit (actor, action, queue) VALUES ({schema}.actor(), 'resume', name);
    SELECT pg_notify('{channel}_wake', '');
$$;

-- The jobs of a schedule's latest runs that have not finished.
CREATE FUNCTION {schema}.unfinished_runs(of_schedule text) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(j.id), '{}')
    FROM (
        SELECT r.job_id FROM {schema}.schedule_runs r
        WHERE r.schedule = of_schedule ORDER BY r.due_at DESC LIMIT 1000) r
    JOIN {schema}.jobs j ON j.id = r.job_id
$$;

-- Adds the job of one due time. Null: its unique_key is held by an unfinished job.
CREATE FUNCTION {schema}.enqueue_run(s {schema}.schedules, due timestamptz, delay interval) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added record;
BEGIN
    SELECT e.id, e.existing INTO added
    FROM {schema}.enqueue_many(jsonb_build_array(s.options || jsonb_build_object(
        'kind', s.kind, 'args', s.args, 'run_at', due + delay,
        'meta', coalesce(s.options -> 'meta', '{}') || jsonb_build_object('due_at', {schema}.instant(due)))), 'skip') e;
    IF added.existing THEN
        RETURN NULL;
    END IF;
    UPDATE {schema}.jobs j SET schedule = s.name WHERE j.id = added.id;
    RETURN added.id;
END $$;

-- Adds the job of a due time that is noted already, and says there what came of it. Returns what is wrong, or null.
CREATE FUNCTION {schema}.start_run(s {schema}.schedules, due timestamptz, delay interval) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    job := {schema}.enqueue_run(s, due, delay);
    UPDATE {schema}.schedule_runs r
    SET job_id = job, outcome = CASE WHEN job IS NULL THEN 'skipped' ELSE 'enqueued' END
    WHERE r.schedule = s.name AND r.due_at = due;
    RETURN NULL;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    UPDATE {schema}.schedule_runs r SET outcome = 'refused' WHERE r.schedule = s.name AND r.due_at = due;
    RETURN SQLERRM;
END $$;

-- Notes due times and adds their jobs, as the schedule's overlap says, if the schedule still is what the caller has
-- worked this out from. Epochs and delays are in seconds and milliseconds. Never waits for another that does the same.
CREATE FUNCTION {schema}.fire_schedule(of_schedule text, of_expression text, of_time_zone text, expected bigint,
    due bigint[], delays bigint[], next bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s {schema}.schedules%ROWTYPE;
    at timestamptz;
    unfinished bigint[]; -- null: not looked at since the last one was started
    waiting bigint;
    wrong text;
BEGIN
    SELECT * INTO s
    FROM {schema}.schedules x
    WHERE x.name = of_schedule AND x.expression = of_expression AND x.time_zone = of_time_zone
        AND x.paused_at IS NULL
        AND floor(extract(epoch FROM x.next_at))::bigint IS NOT DISTINCT FROM expected
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM set_config('jobrunner.actor', 'schedule ' || s.name, true);
    SELECT count(*) INTO waiting
    FROM {schema}.schedule_runs r WHERE r.schedule = s.name AND r.outcome = 'waiting';
    FOR i IN 1 .. cardinality(due) LOOP
        at := to_timestamp(due[i]);
        INSERT INTO {schema}.schedule_runs (schedule, due_at, outcome)
        VALUES (s.name, at, 'skipped')
        ON CONFLICT ON CONSTRAINT schedule_runs_pkey DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        IF unfinished IS NULL AND s.overlap <> 'allow' THEN
            unfinished := {schema}.unfinished_runs(s.name);
        END IF;
        CONTINUE WHEN s.overlap = 'skip' AND unfinished <> '{}';
        IF s.overlap = 'queue' AND (unfinished <> '{}' OR waiting > 0) THEN
            IF waiting < 100 THEN
                UPDATE {schema}.schedule_runs r SET outcome = 'waiting' WHERE r.schedule = s.name AND r.due_at = at;
                waiting := waiting + 1;
            END IF;
            CONTINUE;
        END IF;
        IF s.overlap = 'replace' THEN
            PERFORM {schema}.try_cancel(u) FROM unnest(unfinished) AS r(u);
        END IF;
        wrong := coalesce({schema}.start_run(s, at, delays[i] * interval '1 millisecond'), wrong);
        unfinished := NULL;
    END LOOP;
    UPDATE {schema}.schedules x
    SET next_at = to_timestamp(next), problem = wrong
    WHERE x.name = s.name;
    RETURN true;
END $$;

-- Adds the oldest waiting run of each schedule that has no unfinished one.
CREATE FUNCTION {schema}.release_runs() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s {schema}.schedules%ROWTYPE;
    at timestamptz;
    wrong text;
BEGIN
    FOR s IN
        SELECT x.*
        FROM {schema}.schedules x
        WHERE x.paused_at IS NULL
            AND EXISTS (SELECT 1 FROM {schema}.schedule_runs r WHERE r.schedule = x.name AND r.outcome = 'waiting')
        ORDER BY x.name
        LIMIT 1000
        FOR UPDATE SKIP LOCKED
    LOOP
        CONTINUE WHEN {schema}.unfinished_runs(s.name) <> '{}';
        SELECT min(r.due_at) INTO at
        FROM {schema}.schedule_runs r WHERE r.schedule = s.name AND r.outcome = 'waiting';
        CONTINUE WHEN at IS NULL;
        wrong := {schema}.start_run(s, at, interval '0');
        UPDATE {schema}.schedules x SET problem = wrong WHERE x.name = s.name AND wrong IS NOT NULL;
    END LOOP;
END $$;

-- A paused schedule's due times pass; resumed, it goes on with the next one. Each returns whether it is there.
CREATE FUNCTION {schema}.pause_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.schedules s SET paused_at = coalesce(s.paused_at, now()) WHERE s.name = pause_schedule.name;
    RETURN {schema}.note_schedule(FOUND, 'pause', name);
END $$;

CREATE FUNCTION {schema}.resume_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.schedules s SET paused_at = NULL WHERE s.name = resume_schedule.name;
    RETURN {schema}.note_schedule(FOUND, 'resume', name);
END $$;

-- Removes a schedule and its history; jobs that it has enqueued stay.
CREATE FUNCTION {schema}.remove_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM {schema}.schedule_runs r WHERE r.schedule = remove_schedule.name;
    DELETE FROM {schema}.schedules s WHERE s.name = remove_schedule.name;
    RETURN {schema}.note_schedule(FOUND, 'remove', name);
END $$;

CREATE FUNCTION {schema}.note_schedule(was_there boolean, action text, name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF was_there THEN
        PERFORM {schema}.note_action(action, NULL, jsonb_build_object('schedule', name));
    END IF;
    RETURN was_there;
END $$;

-- Adds a job of a schedule at once, whatever its overlap says, and returns its id.
CREATE FUNCTION {schema}.run_schedule(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s {schema}.schedules%ROWTYPE;
    job bigint;
BEGIN
    SELECT * INTO s FROM {schema}.schedules x WHERE x.name = run_schedule.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'schedule "%" is not found', name USING ERRCODE = 'JR404';
    END IF;
    job := {schema}.enqueue_run(s, clock_timestamp(), '0');
    IF job IS NULL THEN
        RAISE EXCEPTION 'schedule "%": an unfinished job holds its unique_key', name USING ERRCODE = 'JR409';
    END IF;
    INSERT INTO {schema}.schedule_runs (schedule, due_at, job_id, outcome)
    VALUES (s.name, clock_timestamp(), job, 'run now');
    PERFORM {schema}.note_action('run', job, jsonb_build_object('schedule', name));
    RETURN job;
END $$;
