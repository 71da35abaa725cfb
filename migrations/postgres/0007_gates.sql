-- Jobs that wait for other jobs: dependencies, serial keys, batches.
--
-- Locks:   a SHARE ROW EXCLUSIVE lock on jobs for the trigger, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the trigger and the functions that it creates.
--
-- How a blocked job comes to run. An INSERT that names serial_key or depends_on leaves the job blocked, and a note of it in
-- gate_news; so does everything that may let a blocked job go: the end of a parent, of a turn, of a batch's member. Workers
-- read the notes, in the transaction of the settle that wrote them or with their next look, and judge each job anew.
--
-- What happens at once elsewhere cannot slip by. A note is seen only when its transaction has committed, and of two
-- transactions that each hold the half of a condition the later one's note is judged with both committed. The one case
-- without a second note is a new job whose parent is just ending: its settle may have looked for jobs that wait before this
-- one was committed. So a new job's parents are judged under a key lock, and one that somebody else is deleting means
-- "busy": the note stays. Whoever judges waits for nobody: rows in other hands are passed over and the note stays, and one
-- worker at a time judges (an advisory lock of the transaction), so no settle waits for an application, nor for another.

-- Holds a new job that names other jobs back, and refuses what cannot be.
CREATE FUNCTION {schema}.hold_job() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong bigint;
BEGIN
    IF NEW.batch_id IS NOT NULL THEN
        -- The key lock keeps the batch from finishing until this transaction has. One that is retried may always come back.
        PERFORM 1 FROM {schema}.batches b
        WHERE b.id = NEW.batch_id AND (b.finished_at IS NULL OR NEW.reason = 'retried')
        FOR KEY SHARE;
        IF NOT FOUND AND NEW.reason IS DISTINCT FROM 'retried' THEN
            RAISE EXCEPTION 'batch_id is %, which is no batch that takes members: it has finished, or never was', NEW.batch_id
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'jobs_batch_id_is_an_unfinished_batch';
        END IF;
    END IF;
    IF NEW.depends_on IS NOT NULL THEN
        -- A parent was there before its child could name it, so ids grow along the edges and no cycle can be.
        SELECT u.parent INTO wrong
        FROM unnest(NEW.depends_on) AS u(parent)
        WHERE u.parent IS NULL OR u.parent >= NEW.id OR (
            NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = u.parent)
            AND NOT EXISTS (SELECT 1 FROM {schema}.history h WHERE h.id = u.parent)
            AND NOT EXISTS (SELECT 1 FROM {schema}.dead_jobs d WHERE d.id = u.parent))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'depends_on has %, which is no earlier job', coalesce(wrong::text, 'null')
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'jobs_depends_on_is_earlier_jobs';
        END IF;
        INSERT INTO {schema}.dependencies (job_id, parent_id)
        SELECT DISTINCT NEW.id, u.parent
        FROM unnest(NEW.depends_on) AS u(parent);
    END IF;
    IF NEW.depends_on IS NOT NULL OR NEW.serial_key IS NOT NULL THEN
        UPDATE {schema}.jobs SET state = 'blocked' WHERE id = NEW.id;
        INSERT INTO {schema}.gate_news (job_id, is_new) VALUES (NEW.id, true);
    END IF;
    RETURN NULL;
END $$;

-- WHEN is looked at while the row is in hand, so that other jobs pay next to nothing, and COPY keeps its fast path.
CREATE TRIGGER jobs_held
    AFTER INSERT ON {schema}.jobs
    FOR EACH ROW
    WHEN (NEW.serial_key IS NOT NULL OR NEW.depends_on IS NOT NULL OR NEW.batch_id IS NOT NULL)
    EXECUTE FUNCTION {schema}.hold_job();

-- Wakes a worker that sleeps, for notes that this transaction leaves.
CREATE FUNCTION {schema}.wake_for_gates() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('jobrunner.wake', true) IS DISTINCT FROM 'off' THEN
        PERFORM pg_notify('{channel}_wake', '');
    END IF;
END $$;

-- Closes the edges to jobs that have ended, and notes who waited. A child that is to stay blocked by a failure keeps its edge
-- open, with what became of the parent: it may be retried and complete yet.
CREATE FUNCTION {schema}.close_edges(parents bigint[], ended {schema}.job_state, results jsonb[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH closed AS (
        UPDATE {schema}.dependencies d
        SET parent_state = ended, result = s.result,
            closed_at = CASE WHEN ended = 'completed' OR c.on_dependency_failure <> 'block' THEN clock_timestamp() END
        FROM unnest(parents, results) AS s(id, result), {schema}.jobs c
        WHERE d.parent_id = s.id AND d.closed_at IS NULL AND c.id = d.job_id
        RETURNING d.job_id
    )
    INSERT INTO {schema}.gate_news (job_id)
    SELECT DISTINCT c.job_id FROM closed c
$$;

-- Notes who is next for the turns of these keys, whose jobs may have ended; forgets turns for which nobody waits.
CREATE FUNCTION {schema}.leave_turns(keys text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO {schema}.gate_news (job_id)
    SELECT n.next
    FROM (SELECT DISTINCT u.serial_key FROM unnest(keys) AS u(serial_key)) k
    CROSS JOIN LATERAL (SELECT min(j.id) AS next FROM {schema}.jobs j WHERE j.serial_key = k.serial_key) n
    WHERE n.next IS NOT NULL;

    DELETE FROM {schema}.serial_turns t
    WHERE t.ctid = ANY (ARRAY(
        SELECT s.ctid
        FROM {schema}.serial_turns s
        WHERE s.serial_key = ANY (keys)
            AND NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.serial_key = s.serial_key)
        FOR UPDATE SKIP LOCKED));
$$;

-- What the completion of jobs means for others; called by complete_jobs where any of it can matter.
CREATE FUNCTION {schema}.completed_at_gates(done bigint[], ids bigint[], results jsonb[], keys text[], in_batches bigint[],
    children bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM {schema}.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM {schema}.close_edges(array_agg(s.id), 'completed', array_agg(s.result))
        FROM unnest(ids, results) AS s(id, result)
        JOIN unnest(done) AS u(id) USING (id);
    END IF;
    IF keys IS NOT NULL THEN
        PERFORM {schema}.leave_turns(keys);
    END IF;
    IF in_batches IS NOT NULL THEN
        WITH counted AS (
            INSERT INTO {schema}.batch_counts (batch_id, completed)
            SELECT u.batch, count(*) FROM unnest(in_batches) AS u(batch) GROUP BY u.batch
            RETURNING batch_id
        )
        INSERT INTO {schema}.gate_news (batch_id) SELECT c.batch_id FROM counted c;
    END IF;
    IF children IS NOT NULL THEN
        UPDATE {schema}.dependencies d
        SET keep_until = h.keep_until
        FROM {schema}.history h
        WHERE h.id = ANY (children) AND d.job_id = h.id;
        DELETE FROM {schema}.dependencies d WHERE d.job_id = ANY (children) AND d.keep_until IS NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM {schema}.gate_news) THEN
        PERFORM {schema}.pass_gates(200, true);
    END IF;
END $$;

-- What it means for others that a job has left `jobs` without completing. Only leaves notes: this may be an application's
-- transaction, and be long.
CREATE FUNCTION {schema}.left_unfinished(j {schema}.jobs, ended {schema}.job_state) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM {schema}.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM {schema}.close_edges(ARRAY[j.id], ended, ARRAY[NULL::jsonb]);
    END IF;
    IF j.depends_on IS NOT NULL THEN
        INSERT INTO {schema}.gate_news (job_id) VALUES (j.id);
    END IF;
    IF j.serial_key IS NOT NULL THEN
        PERFORM {schema}.leave_turns(ARRAY[j.serial_key]);
    END IF;
    IF j.batch_id IS NOT NULL THEN
        INSERT INTO {schema}.batch_counts (batch_id, cancelled, dead)
        VALUES (j.batch_id, (ended = 'cancelled')::integer, (ended = 'dead')::integer);
        INSERT INTO {schema}.gate_news (batch_id) VALUES (j.batch_id);
    END IF;
    IF EXISTS (SELECT 1 FROM {schema}.gate_news) THEN
        PERFORM {schema}.wake_for_gates();
    END IF;
END $$;

-- A finished member is about to run again, so it counts as unfinished.
CREATE FUNCTION {schema}.returned_to_batch(batch bigint, was text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO {schema}.batch_counts (batch_id, completed, cancelled, dead)
    SELECT batch, -(was = 'completed')::integer, -(was = 'cancelled')::integer, -(was = 'dead')::integer
    WHERE batch IS NOT NULL
$$;

-- Whose turn a serial key has, given on where its holder has ended; null where that is in somebody's hands.
CREATE FUNCTION {schema}.take_turn(key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder bigint;
    was_there boolean;
BEGIN
    SELECT t.job_id INTO holder FROM {schema}.serial_turns t WHERE t.serial_key = key FOR UPDATE SKIP LOCKED;
    was_there := FOUND;
    IF was_there AND EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = holder) THEN
        RETURN holder;
    ELSIF NOT was_there AND EXISTS (SELECT 1 FROM {schema}.serial_turns t WHERE t.serial_key = key) THEN
        RETURN NULL;
    END IF;
    SELECT min(j.id) INTO holder FROM {schema}.jobs j WHERE j.serial_key = key;
    INSERT INTO {schema}.serial_turns AS t (serial_key, job_id)
    VALUES (key, holder)
    ON CONFLICT ON CONSTRAINT serial_turns_pkey DO UPDATE SET job_id = excluded.job_id, since = now();
    -- It may not be the one that is being judged.
    INSERT INTO {schema}.gate_news (job_id) VALUES (holder);
    RETURN holder;
END $$;

-- Closes those edges of a new job whose parents had ended before it was seen. Whether all could be judged.
CREATE FUNCTION {schema}.meet_parents(job bigint, on_failure text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    standing bigint[];
BEGIN
    standing := ARRAY(
        SELECT p.id
        FROM {schema}.jobs p
        WHERE p.id IN (SELECT d.parent_id FROM {schema}.dependencies d WHERE d.job_id = job AND d.closed_at IS NULL)
        FOR KEY SHARE SKIP LOCKED);
    UPDATE {schema}.dependencies d
    SET parent_state = e.state, result = e.result,
        closed_at = CASE WHEN e.state = 'completed' OR on_failure <> 'block' THEN clock_timestamp() END
    FROM {schema}.dependencies o
    CROSS JOIN LATERAL (
        SELECT f.state, f.result
        FROM (
            SELECT x.state, NULL::jsonb AS result FROM {schema}.dead_jobs x WHERE x.id = o.parent_id
            UNION ALL
            SELECT h.state, h.result FROM {schema}.history h WHERE h.id = o.parent_id
            UNION ALL
            -- It was there when the child came, and is of a kind of which nothing is kept.
            SELECT 'completed', NULL) f
        LIMIT 1
    ) e
    WHERE o.job_id = job AND o.closed_at IS NULL AND o.parent_id <> ALL (standing)
        AND NOT EXISTS (SELECT 1 FROM {schema}.jobs p WHERE p.id = o.parent_id)
        AND d.job_id = job AND d.parent_id = o.parent_id;
    RETURN NOT EXISTS (
        SELECT 1
        FROM {schema}.dependencies d
        JOIN {schema}.jobs p ON p.id = d.parent_id
        WHERE d.job_id = job AND d.closed_at IS NULL AND p.id <> ALL (standing));
END $$;

-- Closes the edges of a job that has finished, and says how long they are kept. Whether all were in reach.
CREATE FUNCTION {schema}.forget_edges(job bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    in_reach bigint[];
BEGIN
    in_reach := ARRAY(
        SELECT d.parent_id FROM {schema}.dependencies d WHERE d.job_id = job FOR UPDATE SKIP LOCKED);
    UPDATE {schema}.dependencies d
    SET closed_at = coalesce(d.closed_at, clock_timestamp()),
        keep_until = (SELECT h.keep_until FROM {schema}.history h WHERE h.id = job LIMIT 1)
    WHERE d.job_id = job AND d.parent_id = ANY (in_reach);
    DELETE FROM {schema}.dependencies d
    WHERE d.job_id = job AND d.parent_id = ANY (in_reach) AND d.keep_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM {schema}.dead_jobs x WHERE x.id = job);
    RETURN NOT EXISTS (
        SELECT 1 FROM {schema}.dependencies d WHERE d.job_id = job AND d.parent_id <> ALL (in_reach));
END $$;

-- Judges a blocked job. 'open': it may run from now on, was cancelled, or is blocked no more; 'shut': it has to wait on;
-- 'busy': a row that decides is in somebody's hands.
CREATE FUNCTION {schema}.pass_gate(job bigint, is_new boolean) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j {schema}.jobs%ROWTYPE;
    failed record;
    verdict text := 'open';
    holder bigint := job;
BEGIN
    SELECT * INTO j FROM {schema}.jobs h
    WHERE h.id = job AND h.state = 'blocked' AND h.held_in IS NULL
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT * INTO j FROM {schema}.jobs h WHERE h.id = job;
        RETURN CASE WHEN j.held_in IS NOT NULL THEN 'open' -- It has passed, and waits for a limit now.
            WHEN j.state = 'blocked' THEN 'busy'
            WHEN j.id IS NULL AND NOT {schema}.forget_edges(job) THEN 'busy'
            ELSE 'open' END;
    END IF;
    IF j.depends_on IS NOT NULL THEN
        IF is_new AND NOT {schema}.meet_parents(job, j.on_dependency_failure) THEN
            verdict := 'busy';
        END IF;
        IF j.on_dependency_failure = 'cancel' THEN
            SELECT d.parent_id, d.parent_state INTO failed
            FROM {schema}.dependencies d
            WHERE d.job_id = job AND d.parent_state IN ('dead', 'cancelled')
            ORDER BY d.parent_id
            LIMIT 1;
            IF FOUND THEN
                PERFORM {schema}.cancel_unclaimed(ARRAY[job],
                    format('job %s, on which it depends, is %s', failed.parent_id, failed.parent_state));
                RETURN 'open';
            END IF;
        END IF;
        IF verdict = 'open' AND EXISTS (
            SELECT 1 FROM {schema}.dependencies d WHERE d.job_id = job AND d.closed_at IS NULL) THEN
            verdict := 'shut';
        END IF;
    END IF;
    -- A job that waits for others takes its turn all the same, and holds those behind it back.
    IF j.serial_key IS NOT NULL THEN
        holder := {schema}.take_turn(j.serial_key);
        IF holder IS NULL THEN
            verdict := 'busy';
        ELSIF holder <> job AND verdict = 'open' THEN
            verdict := 'shut';
        END IF;
    END IF;
    IF verdict = 'open' THEN
        UPDATE {schema}.jobs h
        SET state = 'available', ready_at = now(), position = nextval('{schema}.job_positions')
        WHERE h.id = job;
    END IF;
    RETURN verdict;
END $$;

-- Enqueues a batch's callback. Returns what is wrong with it, or null.
CREATE FUNCTION {schema}.call_back(batch bigint, event text, job jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF job IS NOT NULL THEN
        PERFORM {schema}.enqueue_many(jsonb_build_array(job || jsonb_build_object(
            'args', jsonb_build_object('batch_id', batch, 'event', event) || coalesce(job -> 'args', '{}'))), 'skip');
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    RETURN format('on_%s: %s', event, SQLERRM);
END $$;

-- Looks whether a batch has finished, and what has to be called for. As pass_gate.
CREATE FUNCTION {schema}.close_batch(batch bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    b {schema}.batches%ROWTYPE;
    counts record;
    unfinished boolean;
BEGIN
    -- An application that is adding members holds a key lock, which keeps this one out.
    SELECT * INTO b FROM {schema}.batches x WHERE x.id = batch FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT 1 FROM {schema}.batches x WHERE x.id = batch) THEN 'busy' ELSE 'open' END;
    END IF;
    WITH folded AS (
        DELETE FROM {schema}.batch_counts c WHERE c.batch_id = batch RETURNING c.*
    ),
    summed AS (
        INSERT INTO {schema}.batch_counts (batch_id, completed, cancelled, dead)
        SELECT batch, sum(f.completed), sum(f.cancelled), sum(f.dead) FROM folded f HAVING count(*) > 0
        RETURNING cancelled, dead
    )
    SELECT coalesce(sum(s.cancelled), 0) AS cancelled, coalesce(sum(s.dead), 0) AS dead INTO counts FROM summed s;
    unfinished := b.sealed_at IS NULL
        OR EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.batch_id = batch)
        OR EXISTS (SELECT 1 FROM {schema}.batches x WHERE x.parent_id = batch AND x.finished_at IS NULL);
    IF b.died_at IS NULL AND counts.dead > 0 THEN
        b.died_at := clock_timestamp();
        b.problem := coalesce({schema}.call_back(batch, 'death', b.on_death), b.problem);
    END IF;
    IF b.finished_at IS NULL AND NOT unfinished THEN
        b.finished_at := clock_timestamp();
        b.problem := coalesce({schema}.call_back(batch, 'complete', b.on_complete), b.problem);
    END IF;
    -- Later, too: when the dead of a finished batch are retried and complete.
    IF b.succeeded_at IS NULL AND NOT unfinished AND counts.dead <= 0 AND counts.cancelled <= 0
        AND NOT EXISTS (SELECT 1 FROM {schema}.batches x WHERE x.parent_id = batch AND x.succeeded_at IS NULL) THEN
        b.succeeded_at := clock_timestamp();
        b.problem := coalesce({schema}.call_back(batch, 'success', b.on_success), b.problem);
    END IF;
    UPDATE {schema}.batches x
    SET died_at = b.died_at, finished_at = b.finished_at, succeeded_at = b.succeeded_at, problem = b.problem
    WHERE x.id = batch
        AND (x.died_at, x.finished_at, x.succeeded_at) IS DISTINCT FROM (b.died_at, b.finished_at, b.succeeded_at);
    IF FOUND AND b.parent_id IS NOT NULL AND b.finished_at IS NOT NULL THEN
        INSERT INTO {schema}.gate_news (batch_id) VALUES (b.parent_id);
    END IF;
    RETURN CASE WHEN unfinished THEN 'shut' ELSE 'open' END;
END $$;

-- Judges what the notes name, up to at_most of them, unless another worker is at it. With keep_shut the notes of what has to
-- wait on stay, to be judged once more when this transaction has committed. Returns how many are done with.
CREATE FUNCTION {schema}.pass_gates(at_most integer, keep_shut boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    note record;
    verdict text;
    done integer := 0;
BEGIN
    IF pg_try_advisory_xact_lock('{schema}.gate_news'::regclass::oid::integer, 3) THEN
        FOR note IN
            WITH due AS MATERIALIZED (
                SELECT g.id
                FROM {schema}.gate_news g
                WHERE g.due_at <= clock_timestamp()
                ORDER BY g.due_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            ),
            taken AS (
                DELETE FROM {schema}.gate_news g WHERE g.id = ANY (ARRAY(SELECT d.id FROM due d)) RETURNING g.*
            )
            SELECT t.job_id, t.batch_id, bool_or(t.is_new) AS is_new
            FROM taken t
            GROUP BY t.job_id, t.batch_id
            ORDER BY min(t.id)
        LOOP
            verdict := CASE WHEN note.batch_id IS NOT NULL THEN {schema}.close_batch(note.batch_id)
                ELSE {schema}.pass_gate(note.job_id, note.is_new) END;
            IF verdict = 'busy' OR verdict = 'shut' AND keep_shut THEN
                INSERT INTO {schema}.gate_news (job_id, batch_id, is_new, due_at)
                VALUES (note.job_id, note.batch_id, note.is_new AND verdict = 'busy',
                    clock_timestamp() + CASE verdict WHEN 'busy' THEN interval '50 milliseconds' ELSE '0' END);
            ELSE
                done := done + 1;
            END IF;
        END LOOP;
    END IF;
    IF keep_shut AND EXISTS (SELECT 1 FROM {schema}.gate_news) THEN
        PERFORM {schema}.wake_for_gates();
    END IF;
    RETURN done;
END $$;

-- Makes a batch: jobs with its id as batch_id are its members. Once it is sealed it finishes when none of them is
-- unfinished; what is inserted in the transaction that seals it counts. Callbacks are jobs as enqueue_many() takes them; their
-- args get batch_id and event beside those given. on_complete: all have finished; on_success: all have completed;
-- on_death: one is dead, at once. Each comes once. parent_id: a batch of which this one is a part.
CREATE FUNCTION {schema}.create_batch(name text DEFAULT '', on_success jsonb DEFAULT NULL, on_complete jsonb DEFAULT NULL,
    on_death jsonb DEFAULT NULL, parent_id bigint DEFAULT NULL, sealed boolean DEFAULT false, meta jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    made bigint;
BEGIN
    PERFORM {schema}.new_job(c.job)
    FROM (VALUES (on_success), (on_complete), (on_death)) AS c(job)
    WHERE c.job IS NOT NULL;
    IF parent_id IS NOT NULL THEN
        PERFORM 1 FROM {schema}.batches b WHERE b.id = parent_id AND b.finished_at IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'parent_id is %, which is no unfinished batch', parent_id USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    INSERT INTO {schema}.batches (name, on_success, on_complete, on_death, parent_id, sealed_at, meta)
    VALUES (coalesce(name, ''), on_success, on_complete, on_death, parent_id, CASE WHEN sealed THEN now() END,
        coalesce(meta, '{}'))
    RETURNING id INTO made;
    IF sealed THEN
        INSERT INTO {schema}.gate_news (batch_id) VALUES (made);
        PERFORM {schema}.wake_for_gates();
    END IF;
    RETURN made;
END $$;

-- Says that a batch has all its members, or those that will add the others: it may finish.
CREATE FUNCTION {schema}.seal_batch(id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.batches b SET sealed_at = coalesce(b.sealed_at, now()) WHERE b.id = seal_batch.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % is not found', id USING ERRCODE = 'JR404';
    END IF;
    INSERT INTO {schema}.gate_news (batch_id) VALUES (seal_batch.id);
    PERFORM {schema}.wake_for_gates();
END $$;

-- How far batches are. eta: by the pace so far; null where there is none.
CREATE VIEW {schema}.batch_stats AS
SELECT
    b.id, b.name, b.parent_id,
    CASE WHEN b.finished_at IS NOT NULL THEN 'finished' WHEN b.sealed_at IS NOT NULL THEN 'sealed' ELSE 'open' END AS state,
    u.unfinished, u.running, c.completed, c.cancelled, c.dead,
    b.created_at, b.sealed_at, b.finished_at, b.succeeded_at, b.died_at,
    CASE WHEN u.unfinished > 0 AND c.completed + c.cancelled + c.dead > 0
        THEN now() + (now() - b.created_at) * u.unfinished / (c.completed + c.cancelled + c.dead) END AS eta,
    b.problem, b.meta
FROM {schema}.batches b
CROSS JOIN LATERAL (
    SELECT count(*) AS unfinished, count(*) FILTER (WHERE j.state = 'running') AS running
    FROM {schema}.jobs j WHERE j.batch_id = b.id) u
CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.completed), 0) AS completed, coalesce(sum(s.cancelled), 0) AS cancelled,
        coalesce(sum(s.dead), 0) AS dead
    FROM {schema}.batch_counts s WHERE s.batch_id = b.id) c;
