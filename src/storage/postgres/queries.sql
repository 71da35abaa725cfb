-- The statements of the PostgreSQL backend, by name; sqlite/queries.sql has the same names in the same order.
-- {schema} stands for the quoted schema, {channel} for its name within a channel's.
-- Claims, probes and settles run with sequential scans, hash and merge joins and bitmap scans switched off: their
-- plans must stay index walks on a table whose size changes by the minute and is mostly dead under a held snapshot.

-- name: enqueue_jobs
-- $1 jobs, $2 on_conflict
SELECT id, existing
FROM {schema}.enqueue_many($1::jsonb, $2::text)
ORDER BY place;

-- name: register_worker
INSERT INTO {schema}.workers (id, lease, lease_until, pid, slots, name, host, version, labels, queues, kinds)
VALUES ($1::bigint, $2::bigint * interval '1 millisecond', now() + $2::bigint * interval '1 millisecond', $3::integer,
    $4::integer, $5::text, $6::text, $7::text, $8::text[], $9::text[], $10::text[]);

-- name: publish_kind
-- Written only where something changes, so that a fleet that starts does not rewrite the table.
INSERT INTO {schema}.kinds AS k
    (kind, max_attempts, retry_delays, timeout, keep, snooze, notify, record_every_attempt, published_by,
     unique_policy)
SELECT
    $1::text, $2::integer,
    ARRAY(SELECT d * interval '1 millisecond' FROM unnest($3::bigint[]) WITH ORDINALITY AS u(d, nth) ORDER BY nth),
    $4::bigint * interval '1 millisecond', $5::bigint * interval '1 millisecond',
    $6::bigint * interval '1 millisecond', $7::boolean, $8::boolean, $9::text,
    $10::jsonb
ON CONFLICT (kind) DO UPDATE
SET max_attempts = excluded.max_attempts, retry_delays = excluded.retry_delays, timeout = excluded.timeout,
    keep = excluded.keep, snooze = excluded.snooze, notify = excluded.notify,
    record_every_attempt = excluded.record_every_attempt, published_by = excluded.published_by, published_at = now(),
    unique_policy = excluded.unique_policy
WHERE (k.max_attempts, k.retry_delays, k.timeout, k.keep, k.snooze, k.notify, k.record_every_attempt,
        k.unique_policy)
    IS DISTINCT FROM (excluded.max_attempts, excluded.retry_delays, excluded.timeout, excluded.keep, excluded.snooze,
        excluded.notify, excluded.record_every_attempt, excluded.unique_policy);

-- name: heartbeat
SELECT {schema}.renew_lease($1::bigint, $2::text, $3::integer, $4::jsonb);

-- name: retire_worker
WITH forgotten AS (
    DELETE FROM {schema}.claims c
    WHERE c.worker = $1::bigint
        AND NOT EXISTS (
            SELECT 1 FROM {schema}.jobs j
            WHERE j.id = ANY (c.jobs) AND j.worker = c.worker AND j.state = 'running')
)
UPDATE {schema}.workers
SET lease_until = now(), running = 0,
    -- With claims left it is as good as lost: others take them back at once.
    state = CASE WHEN EXISTS (
        SELECT 1 FROM {schema}.claims c
        JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = c.worker AND j.state = 'running'
        WHERE c.worker = $1::bigint) THEN 'lost' ELSE 'stopped' END
WHERE id = $1::bigint;

-- name: probe_lanes
-- $1..$5 ranges (low queue, low priority, low position, high queue, high priority), $6 fitting only, $7 kinds, $8 labels,
-- $9..$12 a heartbeat as the one above has it, or nulls.
-- A row for each range, and one where there is none; the last columns say what else there is to do.
SELECT
    f.queue, f.priority, f.position, l.position,
    (SELECT CASE WHEN min(d.run_at) IS NOT NULL
            THEN greatest(extract(epoch FROM min(d.run_at) - now()) * 1000, 0) END::bigint
        FROM {schema}.jobs d
        WHERE d.state IN ('available', 'retryable') AND d.run_at > d.ready_at),
    EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.lease_until < now() AND w.state NOT IN ('stopped', 'gone')),
    EXISTS (SELECT 1 FROM {schema}.jobs e
        WHERE e.expires_at <= now() AND e.expires_at IS NOT NULL AND e.state <> 'running'),
    ARRAY(SELECT q.queue FROM {schema}.queues q WHERE q.paused_at IS NOT NULL),
    beat.renewed,
    o.next_ms, o.waiting,
    EXISTS (SELECT 1 FROM {schema}.gate_news g WHERE g.due_at <= now()),
    EXISTS (SELECT 1 FROM {schema}.limits),
    EXISTS (SELECT 1 FROM {schema}.jobs h WHERE h.held_in > ''),
    (SELECT jsonb_agg(jsonb_build_object('queue', q.queue, 'slots', q.slots, 'weight', q.weight))
        FROM {schema}.queues q WHERE q.slots IS NOT NULL OR q.weight IS NOT NULL)
FROM (
    SELECT CASE WHEN $9::bigint IS NULL THEN false
        ELSE {schema}.renew_lease($9::bigint, $10::text, $11::integer, $12::jsonb) END AS renewed
    OFFSET 0) beat -- once, however many ranges there are
CROSS JOIN {schema}.schedule_outlook o
LEFT JOIN unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::integer[])
    AS r(low_queue, low_priority, low_position, high_queue, high_priority) ON true
LEFT JOIN LATERAL (
    SELECT j.queue, j.priority, j.position
    FROM {schema}.jobs j
    WHERE j.state = 'available'
        AND j.run_at <= j.ready_at
        AND (j.queue, j.priority, j.position) > (r.low_queue COLLATE "C", r.low_priority, r.low_position)
        AND (j.queue, j.priority) < (r.high_queue COLLATE "C", r.high_priority)
        AND (NOT $6::boolean OR (j.kind = ANY ($7::text[]) AND j.requires <@ $8::text[]))
    ORDER BY j.queue, j.priority, j.position
    LIMIT 1
) f ON true
LEFT JOIN LATERAL (
    SELECT j.position
    FROM {schema}.jobs j
    WHERE j.state = 'available'
        AND j.run_at <= j.ready_at
        AND j.queue = f.queue
        AND j.priority = f.priority
    ORDER BY j.position DESC
    LIMIT 1
) l ON f.queue IS NOT NULL;

-- name: claim_jobs
-- $1..$4 lanes (queue, priority, floor, limit) in order, $5 limit in all, $6 worker, $7 batch, $8 kinds, $9 labels,
-- $10 jobs from the lines of limits that were admitted in this transaction. Of the lanes, jobs under a limit stay.
-- The CTEs are materialised so that no plan can lock or update more rows than the limits say. The rows are found
-- again by ctid, which cannot move under their lock. A kind without a published policy is not in $8.
-- The update comes last, so that its rows go to the client as they are made, and are not kept anywhere in between.
WITH picked AS MATERIALIZED (
    SELECT c.tid, c.id
    FROM (
        SELECT h.ctid AS tid, h.id
        FROM {schema}.jobs h
        WHERE h.id = ANY ($10::bigint[]) AND h.held_in IS NOT NULL
        FOR UPDATE SKIP LOCKED) c
    UNION ALL
    (SELECT c.tid, c.id
    FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::integer[]) AS lane(queue, priority, floor, at_most)
    CROSS JOIN LATERAL (
        SELECT j.ctid AS tid, j.id
        FROM {schema}.jobs j
        WHERE j.state = 'available'
            AND j.run_at <= j.ready_at
            AND j.queue = lane.queue COLLATE "C"
            AND j.priority = lane.priority
            AND j.position > lane.floor
            AND j.kind = ANY ($8::text[])
            AND j.requires <@ $9::text[]
            AND (j.expires_at IS NULL OR j.expires_at > now())
            AND j.kind <> ALL (ARRAY(SELECT l.name FROM {schema}.limits l WHERE l.scope = 'kind'))
            AND (j.concurrency_key IS NULL OR NOT EXISTS (
                SELECT 1 FROM {schema}.limits l
                WHERE l.scope = 'key' AND (l.name = j.concurrency_key
                    OR right(l.name, 1) = '*' AND starts_with(j.concurrency_key, left(l.name, -1)))))
        ORDER BY j.position
        LIMIT lane.at_most
        FOR UPDATE SKIP LOCKED
    ) c
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.queues q WHERE q.queue = lane.queue COLLATE "C" AND q.paused_at IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM {schema}.limits l WHERE l.scope = 'queue' AND l.name = lane.queue COLLATE "C")
        -- A worker that is taken for lost must take nothing: nobody would look for it again.
        AND EXISTS (
            SELECT 1 FROM {schema}.workers w
            WHERE w.id = $6::bigint AND w.lease_until > now() AND w.state NOT IN ('lost', 'gone', 'stopped'))
    LIMIT $5::integer)
),
noted AS (
    INSERT INTO {schema}.claims (worker, batch, jobs)
    SELECT $6::bigint, $7::bigint, array_agg(p.id)
    FROM picked p
    HAVING count(*) > 0
)
UPDATE {schema}.jobs j
SET state = 'running',
    worker = $6::bigint,
    fence = j.fence + 1,
    attempt = j.attempt + 1,
    -- Not the transaction's time: whoever made room under a limit has ended before this.
    claimed_at = statement_timestamp(),
    started_at = coalesce(j.started_at, statement_timestamp()),
    attempt_limit = coalesce(j.max_attempts, k.max_attempts),
    retry_delay = k.retry_delays[least(j.attempt + 1, cardinality(k.retry_delays))],
    held_in = NULL,
    unique_key = CASE WHEN k.unique_policy ->> 'while' = 'queued' THEN NULL ELSE j.unique_key END
FROM {schema}.kinds k
WHERE j.ctid = ANY (ARRAY(SELECT p.tid FROM picked p))
    AND k.kind = j.kind
RETURNING
    j.id, j.fence, j.kind, j.queue, j.priority, j.position, j.args, j.attempt, j.attempt_limit,
    (extract(epoch FROM j.timeout) * 1000)::bigint, j.traceparent, j.crashes, j.snoozes, j.give_backs,
    -- Only a job that was claimed before can have a checkpoint.
    CASE WHEN j.fence > 1 THEN (SELECT c.checkpoint FROM {schema}.progress c WHERE c.job_id = j.id) END;

-- name: hold_limited
-- Moves aside what is under a limit among the first jobs of each lane that the worker could claim. $1..$3 lanes (queue,
-- priority, floor), $4 how many of each to look at, $5 kinds, $6 labels. Of each lane: its place, how many were looked at,
-- and how many of them are under a limit. Only those are locked, and only for those it is asked which limits they are under.
WITH found AS MATERIALIZED (
    SELECT
        lane.nth, c.tid,
        CASE WHEN c.kind = ANY (ARRAY(SELECT l.name FROM {schema}.limits l WHERE l.scope = 'kind'))
                OR c.queue = ANY (ARRAY(SELECT l.name FROM {schema}.limits l WHERE l.scope = 'queue'))
                OR (c.concurrency_key IS NOT NULL AND EXISTS (SELECT 1 FROM {schema}.limits l WHERE l.scope = 'key'))
            THEN (SELECT o.line FROM {schema}.limits_on(c.kind, c.queue, c.concurrency_key) o LIMIT 1) END AS line
    FROM unnest($1::text[], $2::integer[], $3::bigint[]) WITH ORDINALITY AS lane(queue, priority, floor, nth)
    CROSS JOIN LATERAL (
        SELECT j.ctid AS tid, j.kind, j.queue, j.concurrency_key
        FROM {schema}.jobs j
        WHERE j.state = 'available'
            AND j.run_at <= j.ready_at
            AND j.queue = lane.queue COLLATE "C"
            AND j.priority = lane.priority
            AND j.position > lane.floor
            AND j.kind = ANY ($5::text[])
            AND j.requires <@ $6::text[]
            AND (j.expires_at IS NULL OR j.expires_at > now())
        ORDER BY j.position
        LIMIT $4::integer
    ) c
),
picked AS MATERIALIZED (
    SELECT j.ctid AS tid, f.line
    FROM (SELECT tid, line FROM found WHERE line IS NOT NULL) f
    JOIN {schema}.jobs j ON j.ctid = f.tid
    WHERE j.state = 'available'
    FOR UPDATE OF j SKIP LOCKED
),
moved AS (
    UPDATE {schema}.jobs j
    SET state = 'blocked', held_in = p.line
    FROM picked p
    WHERE j.ctid = p.tid
)
SELECT f.nth - 1, count(*), count(f.line)
FROM found f
GROUP BY f.nth;

-- name: lock_limits
-- One transaction at a time admits, and nobody waits for it. Also whether the worker may take jobs. $1 worker.
SELECT
    pg_try_advisory_xact_lock('{schema}.limits'::regclass::oid::integer, 4),
    EXISTS (
        SELECT 1 FROM {schema}.workers w
        WHERE w.id = $1::bigint AND w.lease_until > now() AND w.state NOT IN ('lost', 'gone', 'stopped'));

-- name: running_by_line
SELECT x.line, sum(least(r.cost, x.at_most))
FROM {schema}.claims c
JOIN {schema}.jobs r ON r.id = ANY (c.jobs) AND r.worker = c.worker AND r.state = 'running'
CROSS JOIN LATERAL {schema}.limits_on(r.kind, r.queue, r.concurrency_key) x
WHERE x.at_most IS NOT NULL
    AND (r.kind = ANY (ARRAY(SELECT l.name FROM {schema}.limits l WHERE l.scope = 'kind'))
        OR r.queue = ANY (ARRAY(SELECT l.name FROM {schema}.limits l WHERE l.scope = 'queue'))
        OR (r.concurrency_key IS NOT NULL AND EXISTS (SELECT 1 FROM {schema}.limits l WHERE l.scope = 'key')))
GROUP BY x.line;

-- name: line_after
SELECT j.held_in
FROM {schema}.jobs j
WHERE j.held_in > $1::text COLLATE "C"
ORDER BY j.held_in
LIMIT 1;

-- name: limit_of_line
SELECT l.scope, l.name, l.at_most, l.starts, (extract(epoch FROM l.period) * 1000)::bigint
FROM {schema}.limits l
WHERE l.id = split_part($1::text, ':', 1)::bigint;

-- name: jobs_of_line
-- The first jobs of a line that the worker can run, a row for each limit on them. $1 line, $2 limit, $3 kinds, $4 labels,
-- $5 queues, or none for all.
SELECT
    j.id, j.queue, j.priority, j.cost, x.line, x.at_most, x.starts, (extract(epoch FROM x.period) * 1000)::bigint
FROM (
    SELECT h.id, h.queue, h.priority, h.position, h.cost, h.kind, h.concurrency_key
    FROM {schema}.jobs h
    WHERE h.held_in = $1::text COLLATE "C"
        AND h.kind = ANY ($3::text[])
        AND h.requires <@ $4::text[]
        AND ($5::text[] = '{}' OR h.queue = ANY ($5::text[]))
        AND (h.expires_at IS NULL OR h.expires_at > now())
        AND h.queue <> ALL (ARRAY(SELECT q.queue FROM {schema}.queues q WHERE q.paused_at IS NOT NULL))
    ORDER BY h.held_in, h.priority, h.position
    LIMIT $2::integer
    FOR UPDATE SKIP LOCKED
) j
LEFT JOIN LATERAL {schema}.limits_on(j.kind, j.queue, j.concurrency_key) x ON true
ORDER BY j.priority, j.position, x.id;

-- name: starts_within
-- $1 line, $2 milliseconds.
SELECT
    coalesce(sum(s.cost), 0),
    greatest(ceil(extract(epoch FROM min(s.started_at) - statement_timestamp()) * 1000 + $2::bigint), 1)::bigint
FROM {schema}.limit_starts s
WHERE s.line = $1::text COLLATE "C" AND s.started_at > statement_timestamp() - $2::bigint * interval '1 millisecond';

-- name: move_to_line
UPDATE {schema}.jobs
SET held_in = $2::text
WHERE id = $1::bigint;

-- name: release_line
-- Its limit was removed: the jobs take new places in the claim order.
UPDATE {schema}.jobs j
SET state = 'available', held_in = NULL, ready_at = now(), position = nextval('{schema}.job_positions')
WHERE j.id = ANY (ARRAY(
    SELECT h.id
    FROM {schema}.jobs h
    WHERE h.held_in = $1::text COLLATE "C"
    ORDER BY h.priority, h.position
    LIMIT 5000
    FOR UPDATE SKIP LOCKED));

-- name: note_starts
INSERT INTO {schema}.limit_starts (line, started_at, cost)
SELECT u.line, statement_timestamp(), u.cost
FROM unnest($1::text[], $2::bigint[]) AS u(line, cost);

-- name: claimed_in
SELECT
    j.id, j.fence, j.kind, j.queue, j.priority, j.position, j.args, j.attempt, j.attempt_limit,
    (extract(epoch FROM j.timeout) * 1000)::bigint, j.traceparent, j.crashes, j.snoozes, j.give_backs,
    (SELECT p.checkpoint FROM {schema}.progress p WHERE p.job_id = j.id)
FROM {schema}.claims c
JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = c.worker AND j.state = 'running'
WHERE c.worker = $1::bigint
    AND c.batch = $2::bigint;

-- name: complete_jobs
SELECT {schema}.complete_jobs($1::bigint, $2::bigint[], $3::integer[],
    ARRAY(SELECT k * interval '1 millisecond' FROM unnest($4::bigint[]) WITH ORDINALITY AS u(k, nth) ORDER BY nth),
    $5::jsonb[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]);

-- name: requeue_jobs
SELECT id FROM {schema}.requeue_jobs($1::jsonb) AS r(id);

-- name: finish_jobs
SELECT id FROM {schema}.finish_jobs($1::jsonb) AS r(id);

-- name: clear_live_data
-- What jobs wrote while they ran, once their attempt is closed.
DELETE FROM {schema}.output_chunks o
WHERE o.job_id = ANY ($1::bigint[])
    AND NOT EXISTS (
        SELECT 1 FROM {schema}.jobs j WHERE j.id = o.job_id AND j.fence = o.fence AND j.state = 'running');

-- name: clear_progress
DELETE FROM {schema}.progress p
WHERE p.job_id = ANY ($1::bigint[])
    AND NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = p.job_id);

-- name: forget_batches
DELETE FROM {schema}.claims
WHERE worker = $1::bigint
    AND batch = ANY ($2::bigint[]);

-- name: standing_claims
-- Which of these claims still stand.
SELECT j.id, j.fence
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
JOIN {schema}.jobs j ON j.id = t.id AND j.fence = t.fence AND j.worker = t.worker AND j.state = 'running';

-- name: closed_claims
-- Which of these claims were closed by whoever held them: what a job's own code, or a settle in doubt, has done, and
-- not those whose jobs were taken back; and whether that completed the job.
SELECT h.id, h.fence, h.state = 'completed'
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
JOIN {schema}.history h ON h.id = t.id AND h.fence = t.fence AND h.worker = t.worker
WHERE h.state = 'completed' OR h.attempts -> -1 ->> 'outcome' IS DISTINCT FROM 'crashed'
UNION ALL
SELECT d.id, d.fence, false
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
JOIN {schema}.dead_jobs d ON d.id = t.id AND d.fence = t.fence AND d.worker = t.worker
WHERE d.attempts -> -1 ->> 'outcome' IS DISTINCT FROM 'crashed'
UNION ALL
SELECT a.job_id, a.fence, a.outcome IN ('completed', 'settled_by_job')
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
JOIN {schema}.attempt_log a ON a.job_id = t.id AND a.fence = t.fence AND a.worker = t.worker
WHERE a.outcome <> 'crashed'
UNION ALL
-- By now the job has finished with a later claim.
SELECT t.id, t.fence, a.outcome IN ('completed', 'settled_by_job')
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
CROSS JOIN LATERAL (
    SELECT h.attempts FROM {schema}.history h WHERE h.id = t.id AND h.fence > t.fence
    UNION ALL
    SELECT d.attempts FROM {schema}.dead_jobs d WHERE d.id = t.id AND d.fence > t.fence
) f
CROSS JOIN LATERAL jsonb_to_recordset(f.attempts) AS a(fence integer, worker bigint, outcome text)
WHERE a.fence = t.fence AND a.worker = t.worker AND a.outcome <> 'crashed';

-- name: forget_marks
-- What jobs that settled themselves left for these claims' worker to find.
DELETE FROM {schema}.attempt_log a
USING unnest($1::bigint[], $2::integer[], $3::bigint[]) AS t(id, fence, worker)
WHERE a.job_id = t.id AND a.fence = t.fence AND a.worker = t.worker AND a.outcome = 'settled_by_job';

-- name: cancel_requests
SELECT c.job_id, c.fence, c.worker
FROM {schema}.cancel_requests c
WHERE c.worker = $1::bigint
ORDER BY c.job_id
LIMIT 1000;

-- name: clear_cancel_requests
-- Of jobs that are done with: the settlement may be a stale one, and the request about a later claim.
DELETE FROM {schema}.cancel_requests c
WHERE c.job_id = ANY ($1::bigint[])
    AND NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = c.job_id);

-- name: write_output
INSERT INTO {schema}.output_chunks (job_id, fence, sequence, stream, body)
SELECT o.job_id, o.fence, o.sequence, o.stream, o.body
FROM jsonb_to_recordset($1::jsonb) AS o(job_id bigint, fence integer, worker bigint, sequence integer, stream text, body text)
JOIN {schema}.jobs j ON j.id = o.job_id AND j.fence = o.fence AND j.worker = o.worker AND j.state = 'running'
ON CONFLICT (job_id, fence, sequence) DO NOTHING;

-- name: write_progress
-- A job replaced while it runs keeps none: it will begin from the beginning.
INSERT INTO {schema}.progress AS p (job_id, fence, percent, note, checkpoint)
SELECT w.job_id, w.fence, w.percent, w.note, w.checkpoint
FROM jsonb_to_recordset($1::jsonb)
    AS w(job_id bigint, fence integer, worker bigint, percent double precision, note text, checkpoint jsonb)
JOIN {schema}.jobs j ON j.id = w.job_id AND j.fence = w.fence AND j.worker = w.worker AND j.state = 'running'
    AND NOT j.rerun
ON CONFLICT (job_id) DO UPDATE
SET fence = excluded.fence, updated_at = now(), percent = coalesce(excluded.percent, p.percent),
    note = coalesce(excluded.note, p.note), checkpoint = coalesce(excluded.checkpoint, p.checkpoint)
WHERE p.fence <= excluded.fence;

-- name: promote_jobs
-- Gives jobs whose time has come a place in the claim order, oldest first.
WITH due AS MATERIALIZED (
    SELECT j.ctid AS tid
    FROM {schema}.jobs j
    WHERE j.state IN ('available', 'retryable')
        AND j.run_at > j.ready_at
        AND j.run_at <= now()
    ORDER BY j.run_at
    LIMIT $1::integer
    FOR UPDATE SKIP LOCKED
)
UPDATE {schema}.jobs j
SET state = 'available', ready_at = now(), position = nextval('{schema}.job_positions')
WHERE j.ctid = ANY (ARRAY(SELECT d.tid FROM due d));

-- name: pass_gates
SELECT {schema}.pass_gates($1::integer);

-- name: close_batch
-- pass_gates closes batches, too.
SELECT 1 WHERE false;

-- name: expire_jobs
SELECT count(*)
FROM {schema}.cancel_unclaimed(ARRAY(
    SELECT j.id
    FROM {schema}.jobs j
    WHERE j.expires_at <= now()
        AND j.expires_at IS NOT NULL
        AND j.state <> 'running'
    ORDER BY j.expires_at
    LIMIT $1::integer), 'expired');

-- name: mark_lost_workers
UPDATE {schema}.workers w
SET state = 'lost'
WHERE w.id = ANY (ARRAY(
    SELECT l.id
    FROM {schema}.workers l
    WHERE l.lease_until < now()
        AND l.state NOT IN ('stopped', 'gone', 'lost')
    LIMIT 100
    FOR UPDATE SKIP LOCKED));

-- name: abandoned_jobs
-- Once each: a job that its worker gave back and took again stands in two of its claims.
SELECT DISTINCT ON (j.id) j.id, j.fence, j.worker, j.kind, j.attempt, coalesce(j.attempt_limit, j.max_attempts, 25), j.crashes,
    coalesce((extract(epoch FROM j.retry_delay) * 1000)::bigint, 15000)
FROM {schema}.workers w
JOIN {schema}.claims c ON c.worker = w.id
JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = w.id AND j.state = 'running'
WHERE w.state = 'lost'
    AND w.lease_until < now()
ORDER BY j.id
LIMIT $1::integer;

-- name: clear_lost_workers
-- A lost worker that holds nothing any more is done with.
WITH empty AS MATERIALIZED (
    SELECT w.id
    FROM {schema}.workers w
    WHERE w.state = 'lost'
        AND w.lease_until < now()
        AND NOT EXISTS (
            SELECT 1
            FROM {schema}.claims c
            JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = w.id AND j.state = 'running'
            WHERE c.worker = w.id)
    FOR UPDATE SKIP LOCKED
),
forgotten AS (
    DELETE FROM {schema}.claims c
    USING empty e
    WHERE c.worker = e.id
)
UPDATE {schema}.workers w
SET state = 'gone', running = 0
FROM empty e
WHERE w.id = e.id;

-- name: clear_workers
-- A worker that left or was cleared up, and has jobs all the same, is lost: its claim committed at the last moment.
WITH returned AS (
    UPDATE {schema}.workers w
    SET state = 'lost'
    WHERE w.state IN ('stopped', 'gone')
        AND EXISTS (
            SELECT 1
            FROM {schema}.claims c
            JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = w.id AND j.state = 'running'
            WHERE c.worker = w.id)
)
DELETE FROM {schema}.workers w
WHERE w.state IN ('stopped', 'gone')
    AND w.lease_until < now() - interval '1 day'
    AND NOT EXISTS (SELECT 1 FROM {schema}.claims c WHERE c.worker = w.id);

-- name: clear_cancelled
-- Requests to cancel that came while their claim was being closed: they follow the job to its next claim, or end it
-- while it waits. Those of finished jobs are done with.
WITH moved AS (
    UPDATE {schema}.cancel_requests c
    SET fence = j.fence, worker = j.worker
    FROM {schema}.jobs j
    WHERE j.id = c.job_id AND j.state = 'running' AND j.fence <> c.fence
),
done AS (
    DELETE FROM {schema}.cancel_requests c
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.id = c.job_id)
)
SELECT count(*)
FROM {schema}.cancel_unclaimed(ARRAY(
    SELECT c.job_id
    FROM {schema}.cancel_requests c
    JOIN {schema}.jobs j ON j.id = c.job_id AND j.state <> 'running'
    LIMIT 1000), 'cancelled while running');

-- name: clear_marks
-- Marks of workers that never came to look.
DELETE FROM {schema}.attempt_log
WHERE outcome = 'settled_by_job'
    AND finished_at < now() - interval '1 day';

-- name: fold_statistics
-- Only rows of minutes that are over, and only those nobody else is folding.
WITH rows AS (
    DELETE FROM {schema}.statistics_log l
    WHERE l.ctid = ANY (ARRAY(
        SELECT s.ctid
        FROM {schema}.statistics_log s
        WHERE s.minute < date_trunc('minute', now())
        LIMIT 20000
        FOR UPDATE SKIP LOCKED))
    RETURNING l.*
)
INSERT INTO {schema}.statistics AS s
    (minute, queue, kind, completed, failed, dead, cancelled, snoozed, released, crashed, run_ms, wait_ms)
SELECT
    minute, queue, kind, sum(completed), sum(failed), sum(dead), sum(cancelled), sum(snoozed), sum(released),
    sum(crashed), sum(run_ms), sum(wait_ms)
FROM rows
GROUP BY minute, queue, kind
ORDER BY minute, queue, kind
ON CONFLICT (minute, queue, kind) DO UPDATE
SET completed = s.completed + excluded.completed, failed = s.failed + excluded.failed, dead = s.dead + excluded.dead,
    cancelled = s.cancelled + excluded.cancelled, snoozed = s.snoozed + excluded.snoozed,
    released = s.released + excluded.released, crashed = s.crashed + excluded.crashed,
    run_ms = s.run_ms + excluded.run_ms, wait_ms = s.wait_ms + excluded.wait_ms;

-- name: clear_statistics
DELETE FROM {schema}.statistics
WHERE minute < now() - interval '400 days';

-- name: clear_windows
DELETE FROM {schema}.unique_windows w
WHERE w.unique_key = ANY (ARRAY(
    SELECT o.unique_key FROM {schema}.unique_windows o WHERE o.until < now() ORDER BY o.until LIMIT 20000));

-- name: clear_starts
-- Those that are out of the longest period.
DELETE FROM {schema}.limit_starts s
WHERE s.started_at < now() - coalesce((SELECT max(l.period) FROM {schema}.limits l), interval '0');

-- name: clear_dependencies
-- Of jobs whose own time to be kept is over.
DELETE FROM {schema}.dependencies d
WHERE d.ctid = ANY (ARRAY(
    SELECT o.ctid FROM {schema}.dependencies o WHERE o.keep_until <= (now() AT TIME ZONE 'UTC')::date LIMIT 20000));

-- name: clear_batches
WITH gone AS (
    DELETE FROM {schema}.batches b
    WHERE b.id = ANY (ARRAY(
        SELECT o.id
        FROM {schema}.batches o
        WHERE o.finished_at < now() - interval '30 days'
            AND NOT EXISTS (SELECT 1 FROM {schema}.jobs j WHERE j.batch_id = o.id)
        ORDER BY o.finished_at
        LIMIT 1000
        FOR UPDATE SKIP LOCKED))
    RETURNING b.id
)
DELETE FROM {schema}.batch_counts c
USING gone g
WHERE c.batch_id = g.id;

-- name: ensure_history_days
-- The days needed today, tomorrow and the day after for each retention, the caller's and those that are published.
SELECT {schema}.ensure_history_days(ARRAY(
    SELECT DISTINCT {schema}.keep_until(r.keep) + ahead
    FROM (
        SELECT k * interval '1 millisecond' AS keep FROM unnest($1::bigint[]) AS given(k)
        UNION
        SELECT p.keep FROM {schema}.kinds p) r,
        generate_series(0, 2) AS ahead
    WHERE r.keep > interval '0'));

-- name: drop_history_days
SELECT {schema}.drop_history_days();

-- name: put_schedule
-- $1 name, $2 expression, $3 time zone, $4 kind, $5 args, $6 options, $7 overlap, $8 missed, $9 jitter in milliseconds,
-- $10 source. Written only where something changes.
INSERT INTO {schema}.schedules AS s
    (name, expression, time_zone, kind, args, options, overlap, missed, jitter, source)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb, $7::text, $8::text,
    $9::bigint * interval '1 millisecond', $10::text)
ON CONFLICT (name) DO UPDATE
SET expression = excluded.expression, time_zone = excluded.time_zone, kind = excluded.kind, args = excluded.args,
    options = excluded.options, overlap = excluded.overlap, missed = excluded.missed, jitter = excluded.jitter,
    source = excluded.source, updated_at = now()
WHERE (s.expression, s.time_zone, s.kind, s.args, s.options, s.overlap, s.missed, s.jitter, s.source)
    IS DISTINCT FROM (excluded.expression, excluded.time_zone, excluded.kind, excluded.args, excluded.options,
        excluded.overlap, excluded.missed, excluded.jitter, excluded.source);

-- name: remove_other_schedules
-- $1 source, $2 names that stay.
WITH gone AS (
    DELETE FROM {schema}.schedules s
    WHERE s.source = $1::text AND s.name <> ALL ($2::text[])
    RETURNING s.name
)
DELETE FROM {schema}.schedule_runs r
USING gone g
WHERE r.schedule = g.name;

-- name: schedule_outlook
SELECT next_ms, waiting
FROM {schema}.schedule_outlook;

-- name: due_schedules
SELECT
    name, expression, time_zone, missed, (extract(epoch FROM jitter) * 1000)::bigint,
    floor(extract(epoch FROM next_at))::bigint, floor(extract(epoch FROM now()))::bigint
FROM {schema}.schedules
WHERE paused_at IS NULL
    AND (next_at <= now() OR (next_at IS NULL AND problem IS NULL))
ORDER BY next_at NULLS FIRST, name
LIMIT $1::integer;

-- name: fire_schedule
SELECT {schema}.fire_schedule($1::text, $2::text, $3::text, $4::bigint, $5::bigint[], $6::bigint[], $7::bigint);

-- name: fail_schedule
-- $1 name, $2 expression, $3 time zone, $4 due, $5 what is wrong.
UPDATE {schema}.schedules
SET problem = $5::text, next_at = NULL
WHERE name = $1::text AND expression = $2::text AND time_zone = $3::text AND paused_at IS NULL
    AND floor(extract(epoch FROM next_at))::bigint IS NOT DISTINCT FROM $4::bigint;

-- name: release_runs
SELECT {schema}.release_runs();

-- name: clear_schedule_runs
-- The latest 1000 of each schedule stay.
DELETE FROM {schema}.schedule_runs r
USING {schema}.schedules s
CROSS JOIN LATERAL (
    SELECT o.due_at FROM {schema}.schedule_runs o
    WHERE o.schedule = s.name ORDER BY o.due_at DESC OFFSET 1000 LIMIT 1) edge
WHERE r.schedule = s.name
    AND r.due_at <= edge.due_at
    AND r.outcome <> 'waiting';

-- name: find_job
SELECT
    id, state, kind, queue, priority, args, {schema}.instant(run_at), {schema}.instant(created_at),
    {schema}.instant(started_at), {schema}.instant(claimed_at), {schema}.instant(finished_at),
    {schema}.instant(expires_at), attempt, max_attempts, fence, worker, crashes, snoozes, give_backs,
    (extract(epoch FROM timeout) * 1000)::bigint, unique_key, tags, meta, reason, result, output, error, cpu_ms,
    max_rss_bytes, read_bytes, write_bytes
FROM {schema}.all_jobs
WHERE id = $1::bigint
LIMIT 1;

-- name: list_jobs
-- $1 states, $2 kind, $3 queue, $4 tag, $5 since, $6 below, $7 limit, $8 batch; null: any.
SELECT
    id, state, kind, queue, priority, args, {schema}.instant(run_at), {schema}.instant(created_at),
    {schema}.instant(started_at), {schema}.instant(claimed_at), {schema}.instant(finished_at),
    {schema}.instant(expires_at), attempt, max_attempts, fence, worker, crashes, snoozes, give_backs,
    (extract(epoch FROM timeout) * 1000)::bigint, unique_key, tags, meta, reason, result, output, error, cpu_ms,
    max_rss_bytes, read_bytes, write_bytes
FROM {schema}.all_jobs
WHERE ($1::text[] IS NULL OR state::text = ANY ($1::text[]))
    AND ($2::text IS NULL OR kind = $2::text)
    AND ($3::text IS NULL OR queue = $3::text)
    AND ($4::text IS NULL OR $4::text = ANY (tags))
    AND ($5::timestamptz IS NULL OR created_at >= $5::timestamptz)
    AND ($6::bigint IS NULL OR id < $6::bigint)
    AND ($8::bigint IS NULL OR batch_id = $8::bigint)
ORDER BY id DESC
LIMIT $7::integer;

-- name: list_attempts
SELECT
    fence, attempt, worker, {schema}.instant(started_at), {schema}.instant(finished_at), outcome, error_class, error,
    exit_code, signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output, backtrace
FROM {schema}.attempts
WHERE job_id = $1::bigint
ORDER BY fence
LIMIT 10000;

-- name: find_progress
SELECT fence, {schema}.instant(updated_at), percent, note, checkpoint
FROM {schema}.progress
WHERE job_id = $1::bigint;

-- name: list_output
SELECT fence, sequence, {schema}.instant(written_at), stream, body
FROM {schema}.output_chunks
WHERE job_id = $1::bigint
    AND (fence, sequence) > ($2::integer, $3::integer)
ORDER BY fence, sequence
LIMIT 1000;

-- name: list_queues
SELECT
    queue, paused, available, scheduled, blocked, running, retryable, dead,
    (extract(epoch FROM oldest_age) * 1000)::bigint, completed_per_minute, failed_per_minute, slots, weight
FROM {schema}.queue_stats
ORDER BY queue
LIMIT 10000;

-- name: list_workers
SELECT
    id, name, host, pid, version,
    CASE WHEN state IN ('running', 'quiet', 'stopping') AND lease_until < now() THEN 'lost' ELSE state END,
    slots, running, {schema}.instant(started_at), {schema}.instant(heartbeat_at), {schema}.instant(lease_until),
    labels, queues, kinds, report
FROM {schema}.workers
ORDER BY state IN ('stopped', 'gone'), started_at DESC
LIMIT 10000;

-- name: list_kind_stats
SELECT
    kind, sum(completed), sum(failed), sum(dead), sum(cancelled), sum(snoozed), sum(released), sum(crashed),
    sum(run_ms), sum(wait_ms)
FROM (
    SELECT minute, kind, completed, failed, dead, cancelled, snoozed, released, crashed, run_ms, wait_ms
    FROM {schema}.statistics
    UNION ALL
    SELECT minute, kind, completed, failed, dead, cancelled, snoozed, released, crashed, run_ms, wait_ms
    FROM {schema}.statistics_log
) s
WHERE $1::bigint IS NULL OR minute >= date_trunc('minute', now() - $1::bigint * interval '1 millisecond')
GROUP BY kind
ORDER BY kind
LIMIT 10000;

-- name: list_minute_stats
-- Per step of $2 seconds. $1: milliseconds back from now, begun steps included. $3: limit.
SELECT
    {schema}.instant(to_timestamp(step * $2::bigint)), queue, kind, sum(completed), sum(failed), sum(dead),
    sum(cancelled), sum(snoozed), sum(released), sum(crashed), sum(run_ms), sum(wait_ms)
FROM (
    SELECT
        floor(extract(epoch FROM minute) / $2::bigint)::bigint AS step, queue COLLATE "C" AS queue,
        kind COLLATE "C" AS kind, completed, failed, dead, cancelled, snoozed, released, crashed, run_ms, wait_ms
    FROM {schema}.statistics
    WHERE minute >= to_timestamp(floor(extract(epoch FROM now() - $1::bigint * interval '1 millisecond') / $2::bigint) * $2::bigint)
    UNION ALL
    SELECT
        floor(extract(epoch FROM minute) / $2::bigint)::bigint, queue COLLATE "C", kind COLLATE "C", completed, failed,
        dead, cancelled, snoozed, released, crashed, run_ms, wait_ms
    FROM {schema}.statistics_log
    WHERE minute >= to_timestamp(floor(extract(epoch FROM now() - $1::bigint * interval '1 millisecond') / $2::bigint) * $2::bigint)
) s
GROUP BY step, queue, kind
ORDER BY step DESC, queue, kind
LIMIT $3::integer;

-- name: list_dead_groups
SELECT
    d.kind, coalesce(d.fingerprint, ''), count(*), max(d.id),
    {schema}.instant(max(d.finished_at)), (array_agg(coalesce(d.error, d.reason, '') ORDER BY d.finished_at DESC))[1]
FROM {schema}.dead_jobs d
GROUP BY d.kind, coalesce(d.fingerprint, '')
ORDER BY count(*) DESC, d.kind
LIMIT $1::integer;

-- name: list_violations
-- One row per broken promise: its code, the job, what is wrong.
(SELECT 'one_place', p.id, 'it is in ' || string_agg(p.place, ' and in ' ORDER BY p.place)
FROM (
    SELECT id, 'jobs' AS place FROM {schema}.jobs
    UNION ALL SELECT id, 'history' FROM {schema}.history
    UNION ALL SELECT id, 'dead_jobs' FROM {schema}.dead_jobs) p
GROUP BY p.id
HAVING count(*) > 1
LIMIT 100)
UNION ALL
(SELECT 'running_is_claimed', j.id, 'it runs, but no claim of worker ' || j.worker || ' names it: nobody would take it back'
FROM {schema}.jobs j
WHERE j.state = 'running'
    AND NOT EXISTS (SELECT 1 FROM {schema}.claims c WHERE c.worker = j.worker AND j.id = ANY (c.jobs))
LIMIT 100)
UNION ALL
(SELECT 'running_has_a_worker', j.id, 'it runs under worker ' || j.worker || ', which is not there any more'
FROM {schema}.jobs j
WHERE j.state = 'running'
    AND NOT EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.id = j.worker AND w.state NOT IN ('gone', 'stopped'))
LIMIT 100)
UNION ALL
(SELECT 'one_claim_per_fence', a.job_id, 'its claim ' || a.fence || ' was closed ' || count(*) || ' times'
FROM {schema}.attempts a
GROUP BY a.job_id, a.fence
HAVING count(*) > 1
LIMIT 100)
UNION ALL
(SELECT 'attempts_within_limit', j.id, 'it is at attempt ' || j.attempt || ' of ' || coalesce(j.attempt_limit, j.max_attempts)
FROM {schema}.all_jobs j
WHERE j.attempt > coalesce(j.attempt_limit, j.max_attempts)
LIMIT 100)
UNION ALL
(SELECT 'not_before_run_at', j.id, 'it started at ' || j.claimed_at || ', before its time, ' || j.run_at
FROM {schema}.history j
WHERE j.fence = 1 AND j.claimed_at < j.run_at
LIMIT 100)
UNION ALL
(SELECT 'one_at_a_time', min(j.id), count(*) || ' jobs of serial key "' || j.serial_key || '" run at once'
FROM {schema}.jobs j
WHERE j.serial_key IS NOT NULL AND j.state = 'running'
GROUP BY j.serial_key
HAVING count(*) > 1
LIMIT 100)
UNION ALL
(SELECT 'one_job_per_due_time', min(j.id), 'schedule "' || j.schedule || '" has ' || count(*) || ' jobs for ' || (j.meta ->> 'due_at')
FROM {schema}.all_jobs j
WHERE j.schedule IS NOT NULL
GROUP BY j.schedule, j.meta ->> 'due_at'
HAVING count(*) > 1
LIMIT 100)
UNION ALL
(SELECT 'each_claim_is_closed', j.id, 'of its ' || j.fence || ' claims ' || n.closed || ' are closed on record'
FROM {schema}.all_jobs j
CROSS JOIN LATERAL (
    SELECT count(*) AS closed, coalesce(bool_or(a.fence = j.fence AND a.outcome = 'completed'), false) AS has_last
    FROM {schema}.attempts a
    WHERE a.job_id = j.id) n
WHERE n.closed + CASE WHEN j.state = 'running' OR j.state = 'completed' AND NOT n.has_last THEN 1 ELSE 0 END <> j.fence
    -- A retried job's completing claim went with its result.
    AND NOT EXISTS (SELECT 1 FROM {schema}.operator_audit o WHERE o.job_id = j.id AND o.action = 'retry')
LIMIT 100)
UNION ALL
(SELECT 'blocked_by_something', j.id, 'it is blocked, but nothing blocks it and no note of it is left'
FROM {schema}.jobs j
WHERE j.state = 'blocked' AND j.held_in IS NULL
    AND NOT EXISTS (SELECT 1 FROM {schema}.dependencies d WHERE d.job_id = j.id AND d.closed_at IS NULL)
    AND (j.serial_key IS NULL OR EXISTS (
        SELECT 1 FROM {schema}.serial_turns t WHERE t.serial_key = j.serial_key AND t.job_id = j.id))
    AND NOT EXISTS (SELECT 1 FROM {schema}.gate_news g WHERE g.job_id = j.id)
LIMIT 100);

-- name: list_findings
-- Severity, code, text, remedy.
SELECT s.severity, s.code, s.text, s.remedy
FROM (
    SELECT 'error' AS severity, 'setting' AS code, name || ' is off' AS text,
        'switch it on in postgresql.conf: without it a crash loses committed jobs' AS remedy
    FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'
    UNION ALL
    SELECT 'error', 'setting', name || ' is off', 'switch it on in postgresql.conf: dead rows are never removed'
    FROM pg_settings WHERE name IN ('autovacuum', 'track_counts') AND setting = 'off'
    UNION ALL
    SELECT 'warning', 'setting', 'synchronous_commit is off', 'the last moments before a crash of the server can be lost'
    FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'
    UNION ALL
    SELECT 'warning', 'connections', count(*) || ' of ' || current_setting('max_connections') || ' connections are in use',
        'raise max_connections, or connect through PgBouncer'
    FROM pg_stat_activity WHERE backend_type = 'client backend'
    HAVING count(*) > 0.9 * current_setting('max_connections')::integer
    UNION ALL
    (SELECT 'warning', 'held_snapshot',
        'a ' || h.state || ' session of ' || h.name || ' (pid ' || h.pid || ') has held its snapshot for '
            || date_trunc('second', h.held_for),
        'let it end, or SELECT pg_terminate_backend(' || h.pid || '): dead rows behind it cannot be removed'
    FROM {schema}.held_snapshots h
    WHERE h.holder = 'session' AND h.held_for > interval '5 minutes'
    ORDER BY h.since
    LIMIT 5)
    UNION ALL
    SELECT 'warning', 'held_snapshot', 'prepared transaction "' || h.name || '" has stood since ' || h.since,
        'COMMIT PREPARED or ROLLBACK PREPARED it: dead rows behind it cannot be removed'
    FROM {schema}.held_snapshots h
    WHERE h.holder = 'prepared transaction' AND h.held_for > interval '5 minutes'
    UNION ALL
    SELECT 'warning', 'held_snapshot', 'replication slot "' || h.name || '" is not in use, and holds a snapshot',
        'let its replica catch up, or drop it with pg_drop_replication_slot()'
    FROM {schema}.held_snapshots h
    WHERE h.holder = 'replication slot' AND h.state = 'not in use'
    UNION ALL
    SELECT 'warning', 'dead_rows', 'table ' || h.table_name || ' has ' || h.dead_rows || ' dead rows beside ' || h.live_rows || ' live ones',
        'look for a held snapshot; then VACUUM {schema}.' || quote_ident(h.table_name)
    FROM {schema}.table_health h
    WHERE h.dead_rows > 100000 AND h.dead_rows > 5 * h.live_rows
    UNION ALL
    SELECT 'warning', 'index_bloat',
        'index ' || h.index_name || ' takes ' || pg_size_pretty(h.index_bytes) || ', and would take ' || pg_size_pretty(h.bytes_if_rebuilt),
        'when it is quiet, REINDEX INDEX CONCURRENTLY {schema}.' || quote_ident(h.index_name)
    FROM {schema}.index_health h
    WHERE h.index_bytes > 256 * 1048576 AND h.index_bytes > 5 * h.bytes_if_rebuilt
    UNION ALL
    SELECT 'error', 'invalid_index', 'index ' || i.indexrelid::regclass || ' is not valid',
        'REINDEX INDEX CONCURRENTLY ' || i.indexrelid::regclass
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    WHERE NOT i.indisvalid AND c.relnamespace = '{schema}'::regnamespace
    UNION ALL
    SELECT 'warning', 'missing_partition', 'history has no partition for ' || string_agg(d.day::text, ', '),
        'jobrunner doctor --fix makes them; workers do so every minute'
    FROM (
        SELECT ((now() + k.keep) AT TIME ZONE 'UTC')::date + 1 + ahead AS day
        FROM (SELECT DISTINCT keep FROM {schema}.kinds WHERE keep > interval '0') k, generate_series(0, 1) AS ahead) d
    WHERE to_regclass('{schema}.history_' || to_char(d.day, 'YYYYMMDD')) IS NULL
    HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'no_worker', 'no worker takes jobs', 'jobrunner work starts one'
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.lease_until > now() AND w.state = 'running')
    UNION ALL
    SELECT 'error', 'worker_lost', 'worker ' || w.name || ' on ' || w.host || ' has not spoken since ' || w.heartbeat_at
            || ', and its jobs are not all taken back',
        'any live worker does that within seconds: see that one runs'
    FROM {schema}.workers w
    WHERE w.lease_until < now() - interval '30 seconds' AND w.state NOT IN ('stopped', 'gone')
    UNION ALL
    SELECT 'error', 'held_back', 'worker ' || w.name || ' holds back ' || coalesce(h.one ->> 'kinds', 'a kind') || ': '
            || coalesce(h.one ->> 'error', 'its service does not start'),
        'mend the program, or the configuration, of that service'
    FROM {schema}.workers w
    CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(w.report -> 'held_back') = 'array'
        THEN w.report -> 'held_back' ELSE '[]' END) AS h(one)
    WHERE w.lease_until > now()
    UNION ALL
    SELECT 'warning', 'unknown_kind', 'at least ' || count(*) || ' jobs of kind "' || k.kind || '" wait, which no live worker has',
        'add the kind to a worker''s configuration, or cancel them: jobrunner cancel --kind ' || k.kind
    FROM (SELECT j.kind FROM {schema}.jobs j WHERE j.state = 'available' AND j.run_at <= j.ready_at LIMIT 20000) k
    WHERE EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.lease_until > now() AND w.state = 'running')
        AND NOT EXISTS (
            SELECT 1 FROM {schema}.workers w WHERE w.lease_until > now() AND w.state = 'running' AND k.kind = ANY (w.kinds))
    GROUP BY k.kind
    UNION ALL
    (SELECT 'warning', 'stuck_job', 'job ' || j.id || ' (' || j.kind || ') has run for ' || date_trunc('second', now() - j.claimed_at),
        'jobrunner cancel ' || j.id || ', and give its kind a timeout'
    FROM {schema}.claims c
    JOIN {schema}.jobs j ON j.id = ANY (c.jobs) AND j.worker = c.worker AND j.state = 'running'
    WHERE c.claimed_at < now() - interval '1 day'
    ORDER BY j.claimed_at
    LIMIT 20)
    UNION ALL
    SELECT 'warning', 'gates', count(*) || ' notes about blocked jobs and batches are older than a minute',
        'any live worker judges them with its next look: see that one runs, or jobrunner doctor --fix'
    FROM {schema}.gate_news g
    WHERE g.due_at < now() - interval '1 minute'
    HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'schedule_problem', 'schedule "' || s.name || '": ' || s.problem, 'jobrunner schedules show ' || s.name
    FROM {schema}.schedules s WHERE s.problem IS NOT NULL
    UNION ALL
    SELECT 'warning', 'schedule_late', 'schedule "' || s.name || '" was due at ' || s.next_at || ', and has not run',
        'any live worker runs it with its next look: see that one runs'
    FROM {schema}.schedules s
    WHERE s.next_at < now() - interval '1 minute' AND s.paused_at IS NULL AND s.problem IS NULL
    UNION ALL
    SELECT 'warning', 'batch_problem', 'batch ' || b.id || ': ' || b.problem, 'jobrunner batches show ' || b.id
    FROM {schema}.batches b WHERE b.problem IS NOT NULL
    UNION ALL
    SELECT 'note', 'queue_paused', 'queue "' || q.queue || '" is paused since ' || q.paused_at, 'jobrunner queues resume ' || q.queue
    FROM {schema}.queues q WHERE q.paused_at IS NOT NULL) s
ORDER BY array_position(ARRAY['error', 'warning', 'note'], s.severity), s.code, s.text;

-- name: list_parents
SELECT
    d.parent_id, coalesce(d.parent_state::text, a.state::text, 'completed'), d.closed_at IS NOT NULL, d.result
FROM {schema}.dependencies d
LEFT JOIN {schema}.all_jobs a ON a.id = d.parent_id
WHERE d.job_id = $1::bigint
ORDER BY d.parent_id
LIMIT 10000;

-- name: find_wait_facts
-- $1 id, $2 how far jobs ahead are counted.
SELECT
    EXISTS (SELECT 1 FROM {schema}.queues q WHERE q.queue = j.queue AND q.paused_at IS NOT NULL),
    w.live, w.of_queue, w.of_kind, w.able, w.free, j.requires, j.serial_key, t.job_id,
    (SELECT s.state::text FROM {schema}.all_jobs s WHERE s.id = t.job_id),
    (SELECT count(*) FROM (
        SELECT 1
        FROM {schema}.jobs b
        WHERE b.state = 'available' AND b.run_at <= b.ready_at AND b.queue = j.queue
            AND (b.priority, b.position) < (j.priority, j.position)
        LIMIT $2::integer) ahead),
    j.run_at <= now(), j.held_in, l.scope, l.name, l.at_most, l.starts, (extract(epoch FROM l.period) * 1000)::bigint,
    ARRAY(
        SELECT r.id
        FROM {schema}.claims c
        JOIN {schema}.jobs r ON r.id = ANY (c.jobs) AND r.worker = c.worker AND r.state = 'running'
        CROSS JOIN LATERAL {schema}.limits_on(r.kind, r.queue, r.concurrency_key) x
        WHERE j.held_in IS NOT NULL AND x.line = j.held_in AND x.at_most IS NOT NULL
        LIMIT 5)::text[]
FROM {schema}.jobs j
LEFT JOIN {schema}.serial_turns t ON t.serial_key = j.serial_key
LEFT JOIN {schema}.limits l ON l.id = split_part(j.held_in, ':', 1)::bigint
CROSS JOIN LATERAL (
    SELECT
        count(*) AS live,
        count(*) FILTER (WHERE queue_fits) AS of_queue,
        count(*) FILTER (WHERE queue_fits AND kind_fits) AS of_kind,
        count(*) FILTER (WHERE queue_fits AND kind_fits AND labels_fit) AS able,
        coalesce(sum(greatest(slots - running, 0)) FILTER (WHERE queue_fits AND kind_fits AND labels_fit), 0) AS free
    FROM (
        SELECT
            x.slots, x.running, x.queues = '{}' OR j.queue = ANY (x.queues) AS queue_fits,
            j.kind = ANY (x.kinds) AS kind_fits, j.requires <@ x.labels AS labels_fit
        FROM {schema}.workers x
        WHERE x.lease_until > now() AND x.state = 'running') fits
) w
WHERE j.id = $1::bigint;

-- name: create_batch
SELECT {schema}.create_batch($1::text, $2::jsonb, $3::jsonb, $4::jsonb, $5::bigint, $6::boolean);

-- name: seal_batch
-- Whether it is there.
SELECT {schema}.seal_batch(b.id) IS NOT NULL FROM {schema}.batches b WHERE b.id = $1::bigint;

-- name: list_batches
-- $1 the one, or null; $2 limit.
SELECT
    id, name, parent_id, state, unfinished, running, completed, cancelled, dead, {schema}.instant(created_at),
    {schema}.instant(sealed_at), {schema}.instant(finished_at), {schema}.instant(succeeded_at), {schema}.instant(died_at),
    {schema}.instant(eta), problem
FROM {schema}.batch_stats
WHERE $1::bigint IS NULL OR id = $1::bigint
ORDER BY id DESC
LIMIT $2::integer;

-- name: set_actor
SELECT set_config('jobrunner.actor', $1::text, true);

-- name: cancel_job
SELECT {schema}.try_cancel($1::bigint);

-- name: retry_job
SELECT {schema}.try_retry($1::bigint);

-- name: delete_job
SELECT {schema}.try_delete($1::bigint);

-- name: reschedule_job
-- $2 an instant, or $3 milliseconds from now.
SELECT {schema}.try_reschedule($1::bigint, coalesce($2::timestamptz, now() + $3::bigint * interval '1 millisecond'));

-- name: edit_job
SELECT {schema}.try_edit($1::bigint, $2::jsonb);

-- name: pause_queue
SELECT {schema}.pause_queue($1::text);

-- name: resume_queue
SELECT {schema}.resume_queue($1::text);

-- name: set_queue
WITH noted AS (
    INSERT INTO {schema}.operator_audit (actor, action, queue, details)
    VALUES ({schema}.actor(), 'set', $1::text, jsonb_build_object('slots', $2::integer, 'weight', $3::integer))
)
INSERT INTO {schema}.queues AS q (queue, slots, weight)
VALUES ($1::text, $2::integer, $3::integer)
ON CONFLICT (queue) DO UPDATE
SET slots = coalesce($2::integer, q.slots), weight = coalesce($3::integer, q.weight);

-- name: list_limits
-- $1 how far waiting jobs are counted. Of a limit of many keys: the sum over all of them.
SELECT
    l.scope, l.name, l.at_most, l.starts, (extract(epoch FROM l.period) * 1000)::bigint,
    coalesce((
        SELECT sum(least(r.cost, l.at_most))
        FROM {schema}.claims c
        JOIN {schema}.jobs r ON r.id = ANY (c.jobs) AND r.worker = c.worker AND r.state = 'running'
        CROSS JOIN LATERAL {schema}.limits_on(r.kind, r.queue, r.concurrency_key) x
        WHERE x.id = l.id), 0),
    coalesce((
        SELECT sum(s.cost)
        FROM {schema}.limit_starts s
        WHERE s.line >= l.id || ':' COLLATE "C" AND s.line < l.id || ';' COLLATE "C" AND s.started_at > now() - l.period), 0),
    (SELECT count(*) FROM (
        SELECT 1
        FROM {schema}.jobs h
        WHERE h.held_in >= l.id || ':' COLLATE "C" AND h.held_in < l.id || ';' COLLATE "C"
        LIMIT $1::integer) w)
FROM {schema}.limits l
ORDER BY l.scope, l.name
LIMIT 10000;

-- name: set_limit
-- $1 scope, $2 name, $3 at_most, $4 starts, $5 milliseconds.
WITH noted AS (
    INSERT INTO {schema}.operator_audit (actor, action, details)
    VALUES ({schema}.actor(), 'set limit', jsonb_build_object('scope', $1::text, 'name', $2::text, 'at_most', $3::integer,
        'starts', $4::integer, 'period_ms', $5::bigint))
)
INSERT INTO {schema}.limits (scope, name, at_most, starts, period)
VALUES ($1::text, $2::text, $3::integer, $4::integer, $5::bigint * interval '1 millisecond')
ON CONFLICT (scope, name) DO UPDATE
SET at_most = excluded.at_most, starts = excluded.starts, period = excluded.period;

-- name: remove_limit
WITH gone AS (
    DELETE FROM {schema}.limits l
    WHERE l.scope = $1::text AND l.name = $2::text
    RETURNING l.scope, l.name
)
INSERT INTO {schema}.operator_audit (actor, action, details)
SELECT {schema}.actor(), 'remove limit', jsonb_build_object('scope', g.scope, 'name', g.name)
FROM gone g;

-- name: list_schedules
SELECT
    name, expression, time_zone, kind, args, options, overlap, missed, (extract(epoch FROM jitter) * 1000)::bigint,
    {schema}.instant(next_at), {schema}.instant(paused_at), source, problem
FROM {schema}.schedules
ORDER BY name
LIMIT 10000;

-- name: list_schedule_runs
SELECT {schema}.instant(due_at), {schema}.instant(enqueued_at), job_id, outcome
FROM {schema}.schedule_runs
WHERE schedule = $1::text
ORDER BY due_at DESC
LIMIT $2::integer;

-- name: pause_schedule
SELECT {schema}.pause_schedule($1::text);

-- name: resume_schedule
SELECT {schema}.resume_schedule($1::text);

-- name: remove_schedule
SELECT {schema}.remove_schedule($1::text);

-- name: run_schedule
SELECT {schema}.run_schedule($1::text);

-- name: prune_jobs
-- $1 states, $2 milliseconds since the end, $3 limit.
WITH dead AS (
    DELETE FROM {schema}.dead_jobs d
    WHERE 'dead' = ANY ($1::text[])
        AND d.id = ANY (ARRAY(
            SELECT o.id FROM {schema}.dead_jobs o
            WHERE o.finished_at < now() - $2::bigint * interval '1 millisecond'
            LIMIT $3::integer))
    RETURNING d.id
),
edges AS (
    DELETE FROM {schema}.dependencies e
    USING dead
    WHERE e.job_id = dead.id
),
finished AS (
    DELETE FROM {schema}.history h
    WHERE h.id = ANY (ARRAY(
        SELECT o.id FROM {schema}.history o
        WHERE o.state::text = ANY ($1::text[])
            AND o.finished_at < now() - $2::bigint * interval '1 millisecond'
        LIMIT $3::integer - (SELECT count(*) FROM dead)))
    RETURNING 1
)
SELECT (SELECT count(*) FROM dead) + (SELECT count(*) FROM finished);

-- name: arm_wake
-- Held by the session while its worker sleeps; the schema's wake_workers() looks for it.
SELECT pg_advisory_lock_shared('{schema}.jobs'::regclass::oid::integer, 1);

-- name: disarm_wake
SELECT pg_advisory_unlock_shared('{schema}.jobs'::regclass::oid::integer, 1);

-- name: create_migrations
-- Made before the first migration, which it records.
CREATE TABLE IF NOT EXISTS {schema}.migrations (
    number        integer NOT NULL,
    name          text NOT NULL,
    applied_at    timestamptz NOT NULL DEFAULT now(),
    applied_by    text NOT NULL,
    -- Binaries older than this one no longer fit the schema from here on.
    oldest_binary text NOT NULL,
    CONSTRAINT migrations_pkey PRIMARY KEY (number)
);

-- name: list_migrations
SELECT number, name, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), oldest_binary
FROM {schema}.migrations
ORDER BY number;

-- name: record_migration
INSERT INTO {schema}.migrations (number, name, applied_by, oldest_binary)
VALUES ($1::integer, $2::text, $3::text, $4::text);

-- name: make_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: lock_migrations
-- Held to the end of the transaction: one migrates, the others wait.
SELECT pg_advisory_xact_lock(hashtext('jobrunner migrate'), hashtext($1::text));

-- name: has_migrations
SELECT EXISTS (
    SELECT 1 FROM pg_tables
    WHERE schemaname = $1::text
        AND tablename = 'migrations');

-- name: roles
-- {enqueuer}, {worker}, {operator} and {reader} stand for quoted role names, {…_text} for the same as text.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[{enqueuer_text}, {worker_text}, {operator_text}, {reader_text}] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {enqueuer}, {worker}, {operator}, {reader};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC, {enqueuer}, {worker}, {operator}, {reader};
GRANT USAGE ON SCHEMA {schema} TO {enqueuer}, {worker}, {operator}, {reader};

-- Applications: the columns of a job that are theirs, and the functions that are made for them.
GRANT INSERT (kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, unique_key, concurrency_key, cost,
    serial_key, fair_key, requires, affinity_key, depends_on, on_dependency_failure, batch_id, tags, meta, traceparent)
    ON {schema}.jobs TO {enqueuer};
GRANT SELECT (id, unique_key) ON {schema}.jobs TO {enqueuer};
GRANT SELECT ON {schema}.migrations TO {enqueuer};
GRANT USAGE ON SEQUENCE {schema}.job_positions TO {enqueuer}, {worker};
GRANT EXECUTE ON FUNCTION {schema}.enqueue, {schema}.enqueue_many, {schema}.complete, {schema}.fail,
    {schema}.create_batch, {schema}.seal_batch TO {enqueuer};

-- Workers: jobs and everything about running them, but no operator's action.
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.jobs, {schema}.claims, {schema}.history, {schema}.dead_jobs,
    {schema}.attempt_log, {schema}.output_chunks, {schema}.progress, {schema}.workers, {schema}.kinds,
    {schema}.cancel_requests, {schema}.statistics_log, {schema}.statistics, {schema}.schedules, {schema}.dependencies,
    {schema}.batches, {schema}.batch_counts, {schema}.limit_starts TO {worker};
GRANT SELECT, DELETE ON {schema}.unique_windows TO {worker};
GRANT SELECT, DELETE ON {schema}.schedule_runs TO {worker};
GRANT SELECT ON {schema}.queues, {schema}.migrations, {schema}.gate_news, {schema}.schedule_outlook,
    {schema}.limits TO {worker};
GRANT EXECUTE ON FUNCTION {schema}.complete_jobs, {schema}.requeue_jobs, {schema}.finish_jobs, {schema}.keep_finished,
    {schema}.keep_until, {schema}.keep_of, {schema}.tell_finished, {schema}.packed_attempts, {schema}.cancel_unclaimed,
    {schema}.ensure_history_days, {schema}.drop_history_days, {schema}.instant, {schema}.actor,
    {schema}.fire_schedule, {schema}.release_runs, {schema}.pass_gates, {schema}.completed_at_gates,
    {schema}.left_unfinished, {schema}.renew_lease, {schema}.limits_on TO {worker};

-- Readers: everything that can be looked at.
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}, {operator};
GRANT EXECUTE ON FUNCTION {schema}.instant, {schema}.state_of, {schema}.limits_on TO {reader}, {operator};

-- Operators: the actions, which leave a trail, queues' settings and pruning.
GRANT EXECUTE ON FUNCTION {schema}.try_cancel, {schema}.try_retry, {schema}.try_delete, {schema}.try_reschedule,
    {schema}.try_edit, {schema}.insist, {schema}.cancel, {schema}.retry, {schema}.delete_job, {schema}.reschedule,
    {schema}.pause_queue, {schema}.resume_queue, {schema}.pause_schedule, {schema}.resume_schedule,
    {schema}.remove_schedule, {schema}.run_schedule, {schema}.create_batch, {schema}.seal_batch,
    {schema}.actor TO {operator};
GRANT INSERT, UPDATE ON {schema}.queues, {schema}.schedules TO {operator};
GRANT INSERT, UPDATE, DELETE ON {schema}.limits TO {operator};
GRANT INSERT ON {schema}.operator_audit, {schema}.events TO {operator};
GRANT DELETE ON {schema}.history, {schema}.dead_jobs, {schema}.dependencies TO {operator};
