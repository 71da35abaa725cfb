-- The schema as it is now, for PostgreSQL 13 and later. Written by scripts/dump_schema; do not edit.
--
--   psql --set ON_ERROR_STOP=1 --single-transaction --file schema/postgres.sql DATABASE
--
-- makes what `jobrunner migrate` makes of a database without one.

CREATE SCHEMA IF NOT EXISTS jobrunner;

CREATE TABLE IF NOT EXISTS jobrunner.migrations (
    number        integer NOT NULL,
    name          text NOT NULL,
    applied_at    timestamptz NOT NULL DEFAULT now(),
    applied_by    text NOT NULL,
    -- Binaries older than this one no longer fit the schema from here on.
    oldest_binary text NOT NULL,
    CONSTRAINT migrations_pkey PRIMARY KEY (number)
);

-- ---- 0001 jobs ----

-- The jobs' home: unfinished jobs, history, dead letters, attempts, output.

CREATE TYPE jobrunner.job_state AS ENUM
    ('available', 'scheduled', 'blocked', 'running', 'retryable', 'completed', 'cancelled', 'dead');

-- Places in the claim order. A job takes a new place whenever it becomes
-- runnable again, so that nothing ever becomes runnable below a place that
-- a worker has already read past (late commits excepted, which are re-read).
CREATE SEQUENCE jobrunner.job_positions AS bigint;

-- Unfinished jobs only. Columns are ordered by width so that a row carries no padding.
--
-- A row stands in the claim order when state = 'available' and run_at <= ready_at.
-- With run_at > ready_at it is scheduled (or retryable): it is in no claim's way and
-- is promoted when its time has come, with ready_at = now() and a new position.
-- With state = 'blocked' it waits for other jobs; passing its gate gives it a place.
CREATE TABLE jobrunner.jobs (
    id                    bigint GENERATED ALWAYS AS IDENTITY,
    position              bigint NOT NULL DEFAULT nextval('jobrunner.job_positions'),
    run_at                timestamptz NOT NULL DEFAULT now(),
    ready_at              timestamptz NOT NULL DEFAULT now(),
    created_at            timestamptz NOT NULL DEFAULT now(),
    started_at            timestamptz,
    claimed_at            timestamptz,
    expires_at            timestamptz,
    worker                bigint,
    batch_id              bigint,
    fence                 integer NOT NULL DEFAULT 0,
    attempt               integer NOT NULL DEFAULT 0,
    max_attempts          integer,
    attempt_limit         integer,
    cost                  integer NOT NULL DEFAULT 1,
    state                 jobrunner.job_state NOT NULL DEFAULT 'available',
    snoozes               integer NOT NULL DEFAULT 0,
    priority              smallint NOT NULL DEFAULT 0,
    crashes               smallint NOT NULL DEFAULT 0,
    give_backs            smallint NOT NULL DEFAULT 0,
    rerun                 boolean NOT NULL DEFAULT false,
    kind                  text NOT NULL,
    queue                 text COLLATE "C" NOT NULL DEFAULT 'default',
    args                  jsonb NOT NULL DEFAULT '{}',
    timeout               interval,
    retry_delay           interval,
    unique_key            text,
    concurrency_key       text,
    serial_key            text,
    fair_key              text,
    affinity_key          text,
    requires              text[] NOT NULL DEFAULT '{}',
    depends_on            bigint[],
    on_dependency_failure text NOT NULL DEFAULT 'cancel',
    tags                  text[] NOT NULL DEFAULT '{}',
    meta                  jsonb NOT NULL DEFAULT '{}',
    traceparent           text,
    reason                text,
    schedule              text,
    held_in               text COLLATE "C", -- the line of a limit in which it waits

    -- Serves every statement that names a job: settle, find, operator verbs.
    -- Its pages are filled by half, because a claim puts a second version of each job beside the first: in a full page it
    -- would have to look for entries to remove, and to split.
    CONSTRAINT jobs_pkey PRIMARY KEY (id) WITH (fillfactor = 45),
    -- Serves ON CONFLICT (unique_key); whole, because a plain ON CONFLICT can infer no partial index.
    CONSTRAINT jobs_unique_key UNIQUE (unique_key),

    CONSTRAINT jobs_kind_is_1_to_128_printable_characters
        CHECK (length(kind) BETWEEN 1 AND 128 AND kind !~ '[[:cntrl:]]'),
    CONSTRAINT jobs_queue_is_1_to_128_printable_characters
        CHECK (queue = 'default' OR (length(queue) BETWEEN 1 AND 128 AND queue !~ '[[:cntrl:]]')),
    CONSTRAINT jobs_args_is_an_object CHECK (jsonb_typeof(args) = 'object'),
    CONSTRAINT jobs_args_is_at_most_1_mib CHECK (pg_column_size(args) <= 1048576),
    CONSTRAINT jobs_meta_is_an_object_of_at_most_64_kib
        CHECK (jsonb_typeof(meta) = 'object' AND pg_column_size(meta) <= 65536),
    CONSTRAINT jobs_run_at_is_finite CHECK (isfinite(run_at)),
    CONSTRAINT jobs_expires_at_is_finite CHECK (isfinite(expires_at)),
    CONSTRAINT jobs_max_attempts_is_1_to_10000 CHECK (max_attempts BETWEEN 1 AND 10000),
    CONSTRAINT jobs_timeout_is_over_0_and_at_most_30_days
        CHECK (timeout > interval '0' AND timeout <= interval '30 days'),
    CONSTRAINT jobs_cost_is_1_to_1000000 CHECK (cost BETWEEN 1 AND 1000000),
    CONSTRAINT jobs_unique_key_is_1_to_1024_bytes CHECK (octet_length(unique_key) BETWEEN 1 AND 1024),
    CONSTRAINT jobs_concurrency_key_is_1_to_512_bytes CHECK (octet_length(concurrency_key) BETWEEN 1 AND 512),
    CONSTRAINT jobs_serial_key_is_1_to_512_bytes CHECK (octet_length(serial_key) BETWEEN 1 AND 512),
    CONSTRAINT jobs_fair_key_is_1_to_512_bytes CHECK (octet_length(fair_key) BETWEEN 1 AND 512),
    CONSTRAINT jobs_affinity_key_is_1_to_512_bytes CHECK (octet_length(affinity_key) BETWEEN 1 AND 512),
    CONSTRAINT jobs_requires_is_at_most_4_kib CHECK (pg_column_size(requires) <= 4096),
    CONSTRAINT jobs_tags_is_at_most_4_kib CHECK (pg_column_size(tags) <= 4096),
    CONSTRAINT jobs_depends_on_is_at_most_10000_ids CHECK (cardinality(depends_on) BETWEEN 1 AND 10000),
    CONSTRAINT jobs_on_dependency_failure_is_cancel_run_or_block
        CHECK (on_dependency_failure IN ('cancel', 'run', 'block')),
    CONSTRAINT jobs_traceparent_is_at_most_128_bytes CHECK (octet_length(traceparent) <= 128),
    -- I2: running exactly when a worker is set.
    CONSTRAINT jobs_running_has_a_worker CHECK ((state = 'running') = (worker IS NOT NULL)),
    CONSTRAINT jobs_held_in_a_line_is_blocked CHECK (held_in IS NULL OR state = 'blocked')
) WITH (
    -- Rows die by the claim and by the settle: vacuum early, and by count rather than by share.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.1,
    autovacuum_vacuum_cost_delay = 0
);

-- Serves claim_jobs, probe_lanes and find_stragglers: a lane's runnable jobs in claim order.
-- No predicate of a settle implies this one, so it never competes with the primary key.
CREATE INDEX jobs_claimable ON jobrunner.jobs (queue, priority, position)
    WHERE state = 'available' AND run_at <= ready_at;

-- Serves promote_jobs and next_due: jobs whose time is still ahead.
CREATE INDEX jobs_due ON jobrunner.jobs (run_at)
    WHERE state IN ('available', 'retryable') AND run_at > ready_at;

-- Serves expire_jobs.
CREATE INDEX jobs_expiring ON jobrunner.jobs (expires_at)
    WHERE expires_at IS NOT NULL AND state <> 'running';

-- Serves batch progress and batch cancel.
CREATE INDEX jobs_batch ON jobrunner.jobs (batch_id) WHERE batch_id IS NOT NULL;

-- Serves the choice of the next job of a serial key.
CREATE INDEX jobs_serial ON jobrunner.jobs (serial_key, id) WHERE serial_key IS NOT NULL;

-- Serves line_after and jobs_of_line: jobs that a limit holds back, line by line.
CREATE INDEX jobs_held_in ON jobrunner.jobs (held_in, priority, position) WHERE held_in IS NOT NULL;

-- One row per claim that took anything: the jobs it took. It stands in for an index on the running
-- jobs, which would cost every claim a write per job. Removed with the last of its jobs; a row left
-- behind is harmless, since every reader checks the jobs themselves.
CREATE TABLE jobrunner.claims (
    worker     bigint NOT NULL,
    batch      bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    jobs       bigint[] NOT NULL,
    -- Serves rescue, running_jobs and the reading back of a claim in doubt.
    CONSTRAINT claims_pkey PRIMARY KEY (worker, batch)
);
-- A batch's ids live for a moment: to compress them would cost more than the space.
ALTER TABLE jobrunner.claims ALTER COLUMN jobs SET STORAGE EXTERNAL;

-- Finished jobs that are not dead, by the day until which they are kept.
-- A day's partition is dropped whole; no row is ever deleted one by one.
CREATE TABLE jobrunner.history (
    id                    bigint NOT NULL,
    run_at                timestamptz NOT NULL,
    created_at            timestamptz NOT NULL,
    started_at            timestamptz,
    claimed_at            timestamptz,
    finished_at           timestamptz NOT NULL,
    expires_at            timestamptz,
    worker                bigint,
    batch_id              bigint,
    max_rss_bytes         bigint,
    read_bytes            bigint,
    write_bytes           bigint,
    cpu_ms                bigint,
    fence                 integer NOT NULL,
    attempt               integer NOT NULL,
    max_attempts          integer,
    cost                  integer NOT NULL,
    keep_until            date NOT NULL,
    state                 jobrunner.job_state NOT NULL,
    snoozes               integer NOT NULL,
    priority              smallint NOT NULL,
    crashes               smallint NOT NULL,
    give_backs            smallint NOT NULL,
    kind                  text NOT NULL,
    queue                 text COLLATE "C" NOT NULL,
    args                  jsonb NOT NULL,
    timeout               interval,
    unique_key            text,
    concurrency_key       text,
    serial_key            text,
    fair_key              text,
    affinity_key          text,
    requires              text[] NOT NULL,
    depends_on            bigint[],
    on_dependency_failure text NOT NULL,
    tags                  text[] NOT NULL,
    meta                  jsonb NOT NULL,
    traceparent           text,
    reason                text,
    schedule              text,
    result                jsonb,
    output                text,
    error                 text,
    attempts              jsonb
) PARTITION BY RANGE (keep_until);

-- Serves find_job and the operator verbs on finished jobs.
CREATE INDEX history_id ON jobrunner.history (id);

-- Kept for ever by the kind's wish.
CREATE TABLE jobrunner.history_for_ever PARTITION OF jobrunner.history FOR VALUES FROM ('infinity') TO (MAXVALUE);
-- Catches a day whose partition does not stand yet, so that a settle never fails for want of one.
CREATE TABLE jobrunner.history_other PARTITION OF jobrunner.history DEFAULT;

-- Dead letters: out of attempts, or failed for good. Kept until someone retries or deletes them.
CREATE TABLE jobrunner.dead_jobs (LIKE jobrunner.history);
ALTER TABLE jobrunner.dead_jobs
    ALTER COLUMN keep_until SET DEFAULT 'infinity',
    ADD COLUMN fingerprint text,
    ADD CONSTRAINT dead_jobs_pkey PRIMARY KEY (id),
    ADD CONSTRAINT dead_jobs_state_is_dead CHECK (state = 'dead');

-- Serves `dead`: dead letters grouped by error, newest first.
CREATE INDEX dead_jobs_fingerprint ON jobrunner.dead_jobs (kind, fingerprint, finished_at);

-- Closed claims of unfinished jobs; they move into the job's own row when it finishes.
CREATE TABLE jobrunner.attempt_log (
    job_id        bigint NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz NOT NULL DEFAULT now(),
    worker        bigint,
    cpu_ms        bigint,
    max_rss_bytes bigint,
    read_bytes    bigint,
    write_bytes   bigint,
    fence         integer NOT NULL,
    attempt       integer NOT NULL,
    exit_code     integer,
    signal        integer,
    outcome       text NOT NULL,
    error_class   text,
    error         text,
    backtrace     text,
    output        text,
    -- I3 and I12: a claim has one closing event.
    CONSTRAINT attempt_log_pkey PRIMARY KEY (job_id, fence),
    CONSTRAINT attempt_log_outcome_is_known CHECK (outcome IN
        ('completed', 'failed', 'killed', 'out_of_memory', 'timed_out', 'crashed', 'cancelled', 'snoozed', 'released',
         'settled_by_job'))
);

-- Serves clear_marks. A mark, 'settled_by_job', stands where a job that settled itself left no other row.
CREATE INDEX attempt_log_marks ON jobrunner.attempt_log (finished_at) WHERE outcome = 'settled_by_job';

-- What a running job printed and said so far; cleared when its attempt is settled.
CREATE TABLE jobrunner.output_chunks (
    job_id     bigint NOT NULL,
    fence      integer NOT NULL,
    sequence   integer NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    stream     text NOT NULL,
    body       text NOT NULL,
    CONSTRAINT output_chunks_pkey PRIMARY KEY (job_id, fence, sequence),
    CONSTRAINT output_chunks_stream_is_out_error_or_log CHECK (stream IN ('out', 'error', 'log')),
    CONSTRAINT output_chunks_body_is_at_most_64_kib CHECK (octet_length(body) <= 65536)
);

-- A running job's last word of progress, and the checkpoint handed to its next attempt.
CREATE TABLE jobrunner.progress (
    job_id     bigint NOT NULL,
    fence      integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    percent    double precision,
    note       text,
    checkpoint jsonb,
    CONSTRAINT progress_pkey PRIMARY KEY (job_id),
    CONSTRAINT progress_percent_is_0_to_100 CHECK (percent BETWEEN 0 AND 100),
    CONSTRAINT progress_checkpoint_is_at_most_1_mib CHECK (pg_column_size(checkpoint) <= 1048576)
);

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (1, 'jobs', 'by hand', '0.1.0');

-- ---- 0002 workers ----

-- Workers, what their configurations publish, operators' requests, statistics.

-- One row per start of a worker process. Its lease covers all its claims.
CREATE TABLE jobrunner.workers (
    id           bigint NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    lease_until  timestamptz NOT NULL,
    lease        interval NOT NULL,
    pid          integer NOT NULL,
    slots        integer NOT NULL,
    running      integer NOT NULL DEFAULT 0,
    -- 'lost': lease passed, jobs not all taken back yet; 'gone': lost and cleared up; 'stopped': left by itself.
    state        text NOT NULL DEFAULT 'running',
    name         text NOT NULL,
    host         text NOT NULL,
    version      text NOT NULL,
    labels       text[] NOT NULL DEFAULT '{}',
    queues       text[] NOT NULL DEFAULT '{}',
    kinds        text[] NOT NULL DEFAULT '{}',
    report       jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT workers_pkey PRIMARY KEY (id),
    CONSTRAINT workers_id_is_positive CHECK (id > 0),
    CONSTRAINT workers_lease_is_1_second_to_1_hour CHECK (lease BETWEEN interval '1 second' AND interval '1 hour'),
    CONSTRAINT workers_state_is_known CHECK (state IN ('running', 'quiet', 'stopping', 'stopped', 'lost', 'gone'))
) WITH (fillfactor = 50);

-- Serves mark_lost_workers and abandoned_jobs.
CREATE INDEX workers_lease ON jobrunner.workers (lease_until) WHERE state NOT IN ('stopped', 'gone');

-- Renews a worker's lease and says whether it could: one that has passed is never revived, as its jobs may be somebody
-- else's by now.
CREATE FUNCTION jobrunner.renew_lease(renewed_worker bigint, new_state text, jobs integer, new_report jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.workers w
    SET heartbeat_at = now(), lease_until = now() + w.lease, state = new_state, running = jobs,
        report = coalesce(new_report, w.report)
    WHERE w.id = renewed_worker
        AND w.lease_until > now()
        AND w.state NOT IN ('lost', 'gone', 'stopped');
    RETURN FOUND;
END $$;

-- Policies that workers publish: what a kind promises, never what it executes. The latest publisher wins.
CREATE TABLE jobrunner.kinds (
    kind         text NOT NULL,
    max_attempts integer NOT NULL,
    -- Waits after attempts 1, 2, …; the last stands for all later ones.
    retry_delays interval[] NOT NULL,
    timeout      interval,
    keep         interval,
    snooze       interval NOT NULL DEFAULT interval '1 minute',
    notify       boolean NOT NULL DEFAULT false,
    record_every_attempt boolean NOT NULL DEFAULT false,
    unique_policy jsonb,
    published_at timestamptz NOT NULL DEFAULT now(),
    published_by text NOT NULL DEFAULT '',
    CONSTRAINT kinds_pkey PRIMARY KEY (kind),
    CONSTRAINT kinds_has_retry_delays CHECK (cardinality(retry_delays) >= 1)
);

-- Serves complete_jobs: the kinds that ask for more than the least, most often none.
CREATE INDEX kinds_asking ON jobrunner.kinds (kind) WHERE notify OR record_every_attempt;

-- Queues that somebody has said something about; a queue needs no row here to be used.
CREATE TABLE jobrunner.queues (
    queue      text COLLATE "C" NOT NULL,
    paused_at  timestamptz,
    paused_by  text,
    slots      integer, -- of each worker; null: as its configuration has it, and so below
    weight     integer,
    CONSTRAINT queues_pkey PRIMARY KEY (queue),
    CONSTRAINT queues_queue_is_1_to_128_printable_characters
        CHECK (length(queue) BETWEEN 1 AND 128 AND queue !~ '[[:cntrl:]]'),
    CONSTRAINT queues_slots_is_not_negative CHECK (slots >= 0),
    CONSTRAINT queues_weight_is_1_to_1000 CHECK (weight BETWEEN 1 AND 1000)
);

-- Wishes to stop running jobs; their worker grants them. Apart from jobs, so that a
-- job's row that a long transaction holds does not make an operator wait.
CREATE TABLE jobrunner.cancel_requests (
    job_id       bigint NOT NULL,
    fence        integer NOT NULL,
    worker       bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    CONSTRAINT cancel_requests_pkey PRIMARY KEY (job_id)
);

-- Serves cancel_requests_of_worker.
CREATE INDEX cancel_requests_worker ON jobrunner.cancel_requests (worker);

-- What operators did, in their words' stead.
CREATE TABLE jobrunner.operator_audit (
    id      bigint GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL,
    action  text NOT NULL,
    job_id  bigint,
    queue   text,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT operator_audit_pkey PRIMARY KEY (id)
);

-- Serves the audit trail of one job.
CREATE INDEX operator_audit_job ON jobrunner.operator_audit (job_id) WHERE job_id IS NOT NULL;

-- Settled work, appended by the very transaction that settles it, so the counts are exact: no row is
-- updated by two workers. Folded into `statistics` by maintenance.
CREATE TABLE jobrunner.statistics_log (
    minute    timestamptz NOT NULL,
    queue     text NOT NULL,
    kind      text NOT NULL,
    completed integer NOT NULL DEFAULT 0,
    failed    integer NOT NULL DEFAULT 0,
    dead      integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    snoozed   integer NOT NULL DEFAULT 0,
    released  integer NOT NULL DEFAULT 0,
    crashed   integer NOT NULL DEFAULT 0,
    run_ms    bigint NOT NULL DEFAULT 0,
    wait_ms   bigint NOT NULL DEFAULT 0
);

CREATE TABLE jobrunner.statistics (
    minute    timestamptz NOT NULL,
    queue     text NOT NULL,
    kind      text NOT NULL,
    completed bigint NOT NULL DEFAULT 0,
    failed    bigint NOT NULL DEFAULT 0,
    dead      bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    snoozed   bigint NOT NULL DEFAULT 0,
    released  bigint NOT NULL DEFAULT 0,
    crashed   bigint NOT NULL DEFAULT 0,
    run_ms    bigint NOT NULL DEFAULT 0,
    wait_ms   bigint NOT NULL DEFAULT 0,
    CONSTRAINT statistics_pkey PRIMARY KEY (minute, queue, kind)
);

-- Deploys and other marks on the time line.
CREATE TABLE jobrunner.events (
    id    bigint GENERATED ALWAYS AS IDENTITY,
    at    timestamptz NOT NULL DEFAULT now(),
    event text NOT NULL,
    note  text NOT NULL DEFAULT '',
    CONSTRAINT events_pkey PRIMARY KEY (id)
);

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (2, 'workers', 'by hand', '0.1.0');

-- ---- 0003 policies ----

-- The homes of policies: batches, dependencies, turns, schedules, limits, uniqueness windows, signals.

CREATE TABLE jobrunner.batches (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    parent_id   bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    sealed_at   timestamptz, -- from then on it may finish
    finished_at timestamptz, -- all members have finished; on_complete was enqueued
    succeeded_at timestamptz, -- all members have completed; on_success was enqueued
    died_at     timestamptz, -- a member is dead; on_death was enqueued
    name        text NOT NULL DEFAULT '',
    on_success  jsonb,
    on_complete jsonb,
    on_death    jsonb,
    meta        jsonb NOT NULL DEFAULT '{}',
    problem     text, -- why a callback could not be enqueued
    CONSTRAINT batches_pkey PRIMARY KEY (id),
    CONSTRAINT batches_name_is_at_most_512_bytes CHECK (octet_length(name) <= 512)
);

-- Serves close_batch: the batches in a batch.
CREATE INDEX batches_parent ON jobrunner.batches (parent_id) WHERE parent_id IS NOT NULL;
-- Serves clear_batches.
CREATE INDEX batches_finished ON jobrunner.batches (finished_at) WHERE finished_at IS NOT NULL;

-- Members as they finish, one row per transaction and batch: summed up for progress, folded when the batch is
-- looked at, so that no settle waits for another's row.
CREATE TABLE jobrunner.batch_counts (
    batch_id  bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    completed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    dead      integer NOT NULL DEFAULT 0
);

-- Serves the sum of one batch.
CREATE INDEX batch_counts_batch ON jobrunner.batch_counts (batch_id);

-- An edge per parent of a blocked job. An edge is closed in place by its parent's settle; the child's own
-- row is written once, when its last edge closes, however many parents it has.
CREATE TABLE jobrunner.dependencies (
    job_id       bigint NOT NULL,
    parent_id    bigint NOT NULL,
    closed_at    timestamptz,
    parent_state jobrunner.job_state, -- how the parent ended
    result       jsonb,              -- the parent's, which so outlives its history
    keep_until   date,               -- as long as the job itself; null while that is unfinished or dead
    CONSTRAINT dependencies_pkey PRIMARY KEY (job_id, parent_id)
);

-- Serves the closing of a settled parent's edges.
CREATE INDEX dependencies_open ON jobrunner.dependencies (parent_id) WHERE closed_at IS NULL;

-- Serves pass_gate: what a job still waits for.
CREATE INDEX dependencies_pending ON jobrunner.dependencies (job_id) WHERE closed_at IS NULL;
-- Serves clear_dependencies.
CREATE INDEX dependencies_kept ON jobrunner.dependencies (keep_until) WHERE keep_until IS NOT NULL;

-- Which job of a serial key may run. A turn whose job has finished is anyone's to hand on.
CREATE TABLE jobrunner.serial_turns (
    serial_key text NOT NULL,
    job_id     bigint NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT serial_turns_pkey PRIMARY KEY (serial_key)
);

-- What has changed about blocked jobs and batches since somebody last looked at them: a queue for pass_gates(), in the
-- transactions that change it, so that a look costs nothing where nothing has changed.
CREATE TABLE jobrunner.gate_news (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    due_at   timestamptz NOT NULL DEFAULT now(),
    job_id   bigint,
    batch_id bigint,
    is_new   boolean NOT NULL DEFAULT false, -- the job: parents of it may have finished before they could know of it
    CONSTRAINT gate_news_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Serves probe_lanes and pass_gates.
CREATE INDEX gate_news_due ON jobrunner.gate_news (due_at);

CREATE TABLE jobrunner.schedules (
    name       text NOT NULL,
    expression text NOT NULL,
    time_zone  text NOT NULL DEFAULT 'UTC',
    kind       text NOT NULL,
    args       jsonb NOT NULL DEFAULT '{}',
    options    jsonb NOT NULL DEFAULT '{}',
    overlap    text NOT NULL DEFAULT 'queue',
    missed     text NOT NULL DEFAULT 'last',
    jitter     interval NOT NULL DEFAULT interval '0',
    next_at    timestamptz,
    paused_at  timestamptz,
    source     text NOT NULL DEFAULT 'sql',
    problem    text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schedules_pkey PRIMARY KEY (name),
    CONSTRAINT schedules_name_is_1_to_128_printable_characters
        CHECK (length(name) BETWEEN 1 AND 128 AND name !~ '[[:cntrl:]]'),
    CONSTRAINT schedules_overlap_is_skip_queue_allow_or_replace
        CHECK (overlap IN ('skip', 'queue', 'allow', 'replace')),
    CONSTRAINT schedules_missed_is_none_last_or_all_up_to_1000
        CHECK (missed ~ '^(none|last|all up to ([1-9][0-9]{0,2}|1000))$'),
    CONSTRAINT schedules_jitter_is_at_most_1_day CHECK (jitter BETWEEN interval '0' AND interval '1 day'),
    CONSTRAINT schedules_args_is_an_object CHECK (jsonb_typeof(args) = 'object'),
    CONSTRAINT schedules_options_is_an_object CHECK (jsonb_typeof(options) = 'object')
);

-- Serves the search for due schedules.
CREATE INDEX schedules_due ON jobrunner.schedules (next_at) WHERE paused_at IS NULL;

-- A schedule that means other times, or is paused or resumed, is worked out anew from then on.
CREATE FUNCTION jobrunner.restart_schedule() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.next_at := NULL;
    NEW.problem := NULL;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER schedules_restart BEFORE UPDATE ON jobrunner.schedules
FOR EACH ROW
WHEN ((OLD.expression, OLD.time_zone, OLD.missed, OLD.paused_at)
    IS DISTINCT FROM (NEW.expression, NEW.time_zone, NEW.missed, NEW.paused_at))
EXECUTE FUNCTION jobrunner.restart_schedule();

-- A due time enqueues once: the key decides, whoever comes first.
CREATE TABLE jobrunner.schedule_runs (
    schedule    text NOT NULL,
    due_at      timestamptz NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    job_id      bigint,
    outcome     text NOT NULL DEFAULT 'enqueued',
    CONSTRAINT schedule_runs_pkey PRIMARY KEY (schedule, due_at),
    CONSTRAINT schedule_runs_outcome_is_known
        CHECK (outcome IN ('enqueued', 'waiting', 'skipped', 'refused', 'run now'))
);

-- Serves release_runs: due times that wait for an earlier run to finish.
CREATE INDEX schedule_runs_waiting ON jobrunner.schedule_runs (schedule, due_at) WHERE outcome = 'waiting';

-- What schedules need. next_ms: milliseconds until something is due, 0: now, null: nothing will be; waiting: whether
-- runs wait for earlier ones.
CREATE VIEW jobrunner.schedule_outlook AS
SELECT
    CASE WHEN EXISTS (
            SELECT 1 FROM jobrunner.schedules n
            WHERE n.next_at IS NULL AND n.paused_at IS NULL AND n.problem IS NULL) THEN 0
        ELSE (
            SELECT greatest(ceil(extract(epoch FROM min(s.next_at) - now()) * 1000), 0)
            FROM jobrunner.schedules s
            WHERE s.paused_at IS NULL AND s.next_at IS NOT NULL
            HAVING count(*) > 0) END::bigint AS next_ms,
    EXISTS (SELECT 1 FROM jobrunner.schedule_runs r WHERE r.outcome = 'waiting') AS waiting;

-- How many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.
CREATE TABLE jobrunner.limits (
    id      bigint GENERATED ALWAYS AS IDENTITY,
    scope   text NOT NULL,
    name    text COLLATE "C" NOT NULL, -- of a key, 'customer:*' stands for all that begin so, each by itself
    at_most integer,
    starts  integer,
    period  interval,
    CONSTRAINT limits_pkey PRIMARY KEY (id),
    -- Serves limits_on.
    CONSTRAINT limits_scope_and_name UNIQUE (scope, name),
    CONSTRAINT limits_scope_is_queue_kind_or_key CHECK (scope IN ('queue', 'kind', 'key')),
    CONSTRAINT limits_name_is_1_to_512_bytes CHECK (octet_length(name) BETWEEN 1 AND 512),
    CONSTRAINT limits_at_most_or_starts_is_set CHECK (at_most IS NOT NULL OR starts IS NOT NULL),
    CONSTRAINT limits_at_most_is_not_negative CHECK (at_most >= 0),
    CONSTRAINT limits_starts_is_positive CHECK (starts >= 1),
    CONSTRAINT limits_period_is_set_where_starts_is CHECK ((starts IS NULL) = (period IS NULL)),
    CONSTRAINT limits_period_is_1_millisecond_to_31_days
        CHECK (period BETWEEN interval '1 millisecond' AND interval '31 days')
);

-- Serves limits_on: those that stand for many keys.
CREATE INDEX limits_of_many_keys ON jobrunner.limits (name) WHERE scope = 'key' AND right(name, 1) = '*';

-- What has started within the periods of limits: a row for each line of a transaction that starts some.
CREATE TABLE jobrunner.limit_starts (
    line       text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    cost       integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Serves starts_within.
CREATE INDEX limit_starts_line ON jobrunner.limit_starts (line, started_at);
-- Serves clear_starts.
CREATE INDEX limit_starts_at ON jobrunner.limit_starts (started_at);

-- Unique keys that outlive their job.
CREATE TABLE jobrunner.unique_windows (
    unique_key text NOT NULL,
    job_id     bigint NOT NULL,
    until      timestamptz NOT NULL,
    CONSTRAINT unique_windows_pkey PRIMARY KEY (unique_key)
);

-- Serves the clearing of windows that have passed.
CREATE INDEX unique_windows_until ON jobrunner.unique_windows (until);

-- Named signals that jobs wait for, and those sent before anyone waited.
CREATE TABLE jobrunner.signals (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    name        text NOT NULL,
    job_id      bigint,
    waits_until timestamptz,
    sent_at     timestamptz,
    payload     jsonb,
    CONSTRAINT signals_pkey PRIMARY KEY (id),
    CONSTRAINT signals_name_is_1_to_512_bytes CHECK (octet_length(name) BETWEEN 1 AND 512)
);

-- Serves the meeting of a signal with those who wait for it.
CREATE INDEX signals_name ON jobrunner.signals (name);

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (3, 'policies', 'by hand', '0.1.0');

-- ---- 0004 settle ----

-- Wake-ups, settling, history's partitions.

-- Tells sleeping workers about new jobs, once per statement.
--
-- A worker that sleeps holds the advisory lock (table, 1) shared on its listening session; a busy
-- one does not. While nobody sleeps the probe below succeeds and nothing is sent: NOTIFY would
-- take a lock on the whole database at commit. The lock goes with its session, so no flag is left behind.
-- A wake-up missed in between costs one poll. `SET LOCAL jobrunner.wake = off` switches it off.
CREATE FUNCTION jobrunner.wake_workers() RETURNS trigger
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

CREATE TRIGGER jobs_wake AFTER INSERT ON jobrunner.jobs
    FOR EACH STATEMENT EXECUTE FUNCTION jobrunner.wake_workers();

-- A running job whose row an application replaces runs once more after it settles.
CREATE FUNCTION jobrunner.mark_rerun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.jobs
    SET rerun = true
    WHERE id = NEW.id;
    DELETE FROM jobrunner.progress WHERE job_id = NEW.id;
    RETURN NULL;
END $$;

-- Fires only for statements that name one of these columns, and no claim or settle does so while the job keeps running.
CREATE TRIGGER jobs_replaced_while_running
    AFTER UPDATE OF kind, args, queue, priority, run_at, max_attempts, timeout, expires_at, tags, meta ON jobrunner.jobs
    FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'running' AND NOT NEW.rerun)
    EXECUTE FUNCTION jobrunner.mark_rerun();

-- The attempts and the checkpoint of a waiting job are about the work that it had: other work begins from the beginning.
CREATE FUNCTION jobrunner.begin_anew() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.jobs
    SET attempt = 0, crashes = 0, snoozes = 0
    WHERE id = NEW.id;
    DELETE FROM jobrunner.progress WHERE job_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_given_other_work
    AFTER UPDATE OF kind, args ON jobrunner.jobs
    FOR EACH ROW
    WHEN (OLD.fence > 0 AND OLD.state <> 'running' AND (OLD.kind <> NEW.kind OR OLD.args <> NEW.args))
    EXECUTE FUNCTION jobrunner.begin_anew();

-- A job that waits for its next attempt and is given a time that has come already is neither ahead of its time nor
-- in the claim order: it takes a place there.
CREATE FUNCTION jobrunner.make_runnable() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.jobs
    SET state = 'available', position = nextval('jobrunner.job_positions')
    WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_brought_forward
    AFTER UPDATE OF run_at ON jobrunner.jobs
    FOR EACH ROW
    WHEN (NEW.state = 'retryable' AND NEW.run_at <= NEW.ready_at)
    EXECUTE FUNCTION jobrunner.make_runnable();

-- The attempts of a job as they are kept with it once it has finished.
CREATE FUNCTION jobrunner.packed_attempts(job bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(to_jsonb(a) - 'job_id' ORDER BY a.fence)
    FROM jobrunner.attempt_log a
    WHERE a.job_id = job
$$;

-- The first day on which a row may go that is to be kept for `keep` from now; null keeps for ever.
CREATE FUNCTION jobrunner.keep_until(keep interval) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN keep IS NULL THEN date 'infinity' ELSE ((now() + keep) AT TIME ZONE 'UTC')::date + 1 END
$$;

-- Tells who listens which jobs have finished: an object for each, as text. An application that prepares transactions
-- switches it off together with the wake-ups.
CREATE FUNCTION jobrunner.tell_finished(finished text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('jobrunner.wake', true) IS DISTINCT FROM 'off' THEN
        PERFORM pg_notify('jobrunner_finished', f.one)
        FROM unnest(finished) AS f(one);
    END IF;
END $$;

-- Completes claims of one worker. The arrays run side by side; those of null stand for nulls throughout.
-- keeps: how long each job is kept; null for ever, zero not at all.
-- Returns the ids of those that were no longer that worker's. A job replaced while it ran goes back to the queue.
CREATE FUNCTION jobrunner.complete_jobs(
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
    FROM jobrunner.kinds k
    WHERE k.notify OR k.record_every_attempt;

    WITH settled AS MATERIALIZED (
        DELETE FROM jobrunner.jobs j
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
        INSERT INTO jobrunner.history (
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
            CASE WHEN kind = ANY (recording) THEN coalesce(jobrunner.packed_attempts(id), '[]') ||
                    jsonb_strip_nulls(jsonb_build_object(
                        'fence', fence, 'attempt', attempt, 'worker', worker, 'started_at', claimed_at,
                        'finished_at', clock_timestamp(), 'outcome', 'completed', 'cpu_ms', cpu_ms,
                        'max_rss_bytes', max_rss_bytes, 'read_bytes', read_bytes, 'write_bytes', write_bytes,
                        'output', output))
                WHEN fence > 1 THEN jobrunner.packed_attempts(id) END
        FROM settled
        WHERE keep IS NULL OR keep > interval '0'
    ),
    attempts_moved AS (
        DELETE FROM jobrunner.attempt_log a
        USING settled s
        WHERE s.fence > 1 AND a.job_id = s.id
    ),
    counted AS (
        INSERT INTO jobrunner.statistics_log (minute, queue, kind, completed, run_ms, wait_ms)
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
        OR EXISTS (SELECT 1 FROM jobrunner.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM jobrunner.completed_at_gates(done, ids, results, keys, batches, children);
    END IF;
    IF told IS NOT NULL THEN
        PERFORM jobrunner.tell_finished(told);
    END IF;

    IF coalesce(cardinality(done), 0) < cardinality(ids) THEN
        WITH settled AS (
            UPDATE jobrunner.jobs j
            SET state = 'available', worker = NULL, attempt = 0, crashes = 0, snoozes = 0, rerun = false,
                run_at = greatest(j.run_at, now()), ready_at = now(),
                position = nextval('jobrunner.job_positions')
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
            INSERT INTO jobrunner.attempt_log
                (job_id, fence, attempt, worker, started_at, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output,
                outcome)
            SELECT id, fence, 1, of_worker, claimed_at, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output,
                'completed'
            FROM settled
        ),
        -- A request to cancel was about the work that is done now.
        requests_cleared AS (
            DELETE FROM jobrunner.cancel_requests c
            USING settled s
            WHERE c.job_id = s.id
        ),
        counted AS (
            INSERT INTO jobrunner.statistics_log (minute, queue, kind, completed)
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
CREATE FUNCTION jobrunner.requeue_jobs(settlements jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    asked bigint[];
BEGIN
    IF EXISTS (SELECT 1 FROM jobrunner.cancel_requests) THEN
        SELECT array_agg(c.job_id) INTO asked
        FROM jsonb_array_elements(settlements) AS e(one)
        JOIN jobrunner.cancel_requests c ON c.job_id = (e.one ->> 'id')::bigint;
    END IF;
    IF asked IS NOT NULL THEN
        RETURN QUERY
        SELECT f.id
        FROM jobrunner.finish_jobs((
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
        UPDATE jobrunner.jobs j
        SET state = CASE WHEN s.outcome IN ('failed', 'killed', 'out_of_memory', 'timed_out', 'crashed') AND s.delay_ms > 0 AND NOT j.rerun
                THEN 'retryable' ELSE 'available' END::jobrunner.job_state,
            worker = NULL,
            attempt = CASE WHEN j.rerun THEN 0 ELSE j.attempt - s.refund END,
            crashes = CASE WHEN j.rerun THEN 0 ELSE j.crashes + (s.outcome = 'crashed')::integer END,
            snoozes = CASE WHEN j.rerun THEN 0 ELSE j.snoozes + (s.outcome = 'snoozed')::integer END,
            give_backs = least(j.give_backs + (s.outcome = 'released')::integer, 32767),
            run_at = CASE WHEN j.rerun THEN greatest(j.run_at, now())
                ELSE now() + s.delay_ms * interval '1 millisecond' END,
            ready_at = now(),
            rerun = false,
            position = nextval('jobrunner.job_positions'),
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
        INSERT INTO jobrunner.attempt_log
            (job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace,
             exit_code, signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output)
        SELECT
            d.id, d.fence, d.attempt, d.worker, d.claimed_at, clock_timestamp(), d.outcome, d.error_class, d.error,
            d.backtrace, d.exit_code, d.signal, d.cpu_ms, d.max_rss_bytes, d.read_bytes, d.write_bytes, d.output
        FROM settled d
    ),
    counted AS (
        INSERT INTO jobrunner.statistics_log (minute, queue, kind, failed, snoozed, released, crashed)
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
CREATE FUNCTION jobrunner.finish_jobs(settlements jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    s record;
    j jobrunner.jobs%ROWTYPE;
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
        DELETE FROM jobrunner.jobs d
        WHERE d.id = s.id
            AND d.fence = s.fence
            AND d.worker = s.worker
            AND d.state = 'running'
            AND NOT d.rerun
        RETURNING d.* INTO j;
        IF NOT FOUND THEN
            CONTINUE WHEN NOT EXISTS (
                SELECT 1 FROM jobrunner.jobs r
                WHERE r.id = s.id AND r.fence = s.fence AND r.worker = s.worker AND r.state = 'running' AND r.rerun);
            -- A request to cancel was about the work that it had.
            DELETE FROM jobrunner.cancel_requests WHERE job_id = s.id;
            RETURN QUERY
            SELECT r.id
            FROM jobrunner.requeue_jobs(jsonb_build_array(to_jsonb(s) || '{"delay_ms": 0, "refund": 0}')) AS r(id);
            CONTINUE;
        END IF;
        IF EXISTS (SELECT 1 FROM jobrunner.cancel_requests c WHERE c.job_id = s.id) THEN
            s.state := 'cancelled';
            s.reason := 'cancelled while running';
            s.keep_ms := extract(epoch FROM jobrunner.keep_of(j.kind)) * 1000;
        END IF;

        closing := jsonb_strip_nulls(jsonb_build_object(
            'fence', s.fence, 'attempt', j.attempt, 'worker', s.worker, 'started_at', j.claimed_at,
            'finished_at', clock_timestamp(), 'outcome', s.outcome, 'error_class', s.error_class, 'error', s.error,
            'backtrace', s.backtrace, 'exit_code', s.exit_code, 'signal', s.signal, 'cpu_ms', s.cpu_ms,
            'max_rss_bytes', s.max_rss_bytes, 'read_bytes', s.read_bytes, 'write_bytes', s.write_bytes,
            'output', s.output));
        PERFORM jobrunner.keep_finished(j, jsonb_build_object(
            'state', s.state, 'reason', s.reason, 'error', s.error, 'fingerprint', s.fingerprint,
            'finished_at', clock_timestamp(), 'cpu_ms', s.cpu_ms, 'max_rss_bytes', s.max_rss_bytes,
            'read_bytes', s.read_bytes, 'write_bytes', s.write_bytes, 'output', s.output,
            'attempts', coalesce(jobrunner.packed_attempts(j.id), '[]') || closing,
            'keep_until', CASE WHEN s.keep_ms = 0 THEN 'none'
                ELSE jobrunner.keep_until(s.keep_ms * interval '1 millisecond')::text END));
        INSERT INTO jobrunner.statistics_log (minute, queue, kind, dead, cancelled)
        VALUES (date_trunc('minute', now()), j.queue, j.kind, (s.state = 'dead')::integer,
            (s.state = 'cancelled')::integer);
        RETURN NEXT j.id;
    END LOOP;
    IF EXISTS (SELECT 1 FROM jobrunner.gate_news) THEN
        PERFORM jobrunner.pass_gates(200, true);
    END IF;
END $$;

-- Writes a job that has just left `jobs` to where its kind of end is kept, and clears what only unfinished
-- jobs have. `closing` holds the columns that its end decides, state and keep_until among them; a job that is
-- not to be kept at all has keep_until 'none'.
CREATE FUNCTION jobrunner.keep_finished(j jobrunner.jobs, closing jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF closing ->> 'state' = 'dead' THEN
        INSERT INTO jobrunner.dead_jobs
        SELECT *
        FROM jsonb_populate_record(NULL::jobrunner.dead_jobs, to_jsonb(j) || closing || '{"keep_until": "infinity"}');
    ELSIF closing ->> 'keep_until' <> 'none' THEN
        INSERT INTO jobrunner.history
        SELECT *
        FROM jsonb_populate_record(NULL::jobrunner.history, to_jsonb(j) || closing);
    END IF;
    DELETE FROM jobrunner.attempt_log WHERE job_id = j.id;
    DELETE FROM jobrunner.output_chunks WHERE job_id = j.id;
    DELETE FROM jobrunner.progress WHERE job_id = j.id;
    DELETE FROM jobrunner.cancel_requests WHERE job_id = j.id;
    PERFORM jobrunner.left_unfinished(j, (closing ->> 'state')::jobrunner.job_state);
    IF j.meta @> '{"notify": true}' OR EXISTS (SELECT 1 FROM jobrunner.kinds k WHERE k.kind = j.kind AND k.notify) THEN
        PERFORM jobrunner.tell_finished(ARRAY[
            format('{"id":"%s","kind":%s,"state":%s}', j.id, to_jsonb(j.kind), closing -> 'state')]);
    END IF;
END $$;

-- Makes room for rows kept until the given days. Days already standing are passed over. Gives up where a reader is
-- in the way: rows find a place in history_other, and the next call tries again.
CREATE FUNCTION jobrunner.ensure_history_days(days date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    day date;
    made integer := 0;
    name text;
BEGIN
    FOREACH day IN ARRAY days LOOP
        name := 'history_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN NOT isfinite(day) OR to_regclass(format('jobrunner.%I', name)) IS NOT NULL;
        -- One maker at a time; the others leave the work to it.
        EXIT WHEN NOT pg_try_advisory_xact_lock('jobrunner.history'::regclass::oid::integer, 2);
        BEGIN
            -- Writers wait at the door: one that had chosen history_other already would be refused there afterwards.
            LOCK TABLE ONLY jobrunner.history IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE jobrunner.history_other IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE jobrunner.%I (LIKE jobrunner.history INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                name);
            EXECUTE format('WITH moved AS (DELETE FROM jobrunner.history_other WHERE keep_until = %L RETURNING *)
                INSERT INTO jobrunner.%I SELECT * FROM moved', day, name);
            EXECUTE format('ALTER TABLE jobrunner.history ATTACH PARTITION jobrunner.%I FOR VALUES FROM (%L) TO (%L)',
                name, day, day + 1);
            made := made + 1;
        EXCEPTION WHEN lock_not_available THEN
            RETURN made;
        END;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions of days that have passed. Gives up at once where a reader is in the way; the next call tries again.
CREATE FUNCTION jobrunner.drop_history_days() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    partition record;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT c.oid::regclass AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'jobrunner.history'::regclass AND c.relname ~ '^history_[0-9]{8}$'
        ORDER BY 2
    LOOP
        EXIT WHEN partition.day > (now() AT TIME ZONE 'UTC')::date;
        EXECUTE format('DROP TABLE %s', partition.name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM jobrunner.history_other WHERE keep_until <= (now() AT TIME ZONE 'UTC')::date;
    RETURN dropped;
EXCEPTION WHEN lock_not_available THEN
    RETURN dropped;
END $$;

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (4, 'settle', 'by hand', '0.1.0');

-- ---- 0005 functions ----

-- The functions that applications and operators call.

-- The key that a kind derives from a job's args, where it publishes which of them make two jobs the same work.
CREATE FUNCTION jobrunner.derived_key(of_kind text, args jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.kind || ' ' || CASE WHEN octet_length(c.chosen) > 800 THEN md5(c.chosen) ELSE c.chosen END
    FROM jobrunner.kinds k
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_array_length(k.unique_policy -> 'args') = 0 THEN args
            ELSE (
                SELECT jsonb_object_agg(n.name, args -> n.name)
                FROM jsonb_array_elements_text(k.unique_policy -> 'args') AS n(name)) END::text AS chosen) c
    WHERE k.kind = of_kind AND k.unique_policy IS NOT NULL
$$;

-- Takes the key of a new job for as long as its kind says, counted from now. Returns null, or the job that has it.
CREATE FUNCTION jobrunner.take_window(fresh jobrunner.jobs) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    length interval;
    holder bigint;
BEGIN
    SELECT (k.unique_policy ->> 'for_ms')::bigint * interval '1 millisecond' INTO length
    FROM jobrunner.kinds k WHERE k.kind = fresh.kind;
    IF length IS NULL OR fresh.unique_key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobrunner.unique_windows AS w (unique_key, job_id, until)
    VALUES (fresh.unique_key, fresh.id, now() + length)
    ON CONFLICT ON CONSTRAINT unique_windows_pkey DO UPDATE
    SET job_id = excluded.job_id, until = excluded.until
    WHERE w.until <= now();
    SELECT w.job_id INTO holder FROM jobrunner.unique_windows w WHERE w.unique_key = fresh.unique_key;
    RETURN nullif(holder, fresh.id);
END $$;

-- The row that stands for one job as an application describes it: an object of the columns that it may set,
-- or run_in, a length of time from now, for run_at.
CREATE FUNCTION jobrunner.new_job(job jsonb) RETURNS jobrunner.jobs
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j jobrunner.jobs%ROWTYPE;
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
    j.position := nextval('jobrunner.job_positions');
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
    j.unique_key := coalesce(j.unique_key, jobrunner.derived_key(j.kind, j.args));
    j.id := nextval(pg_get_serial_sequence('jobrunner.jobs', 'id'));
    RETURN j;
END $$;

-- Adds one job whose unique_key may be held. Returns its id, or that of the unfinished job that holds the key.
CREATE FUNCTION jobrunner.enqueue_or_meet(job jsonb, on_conflict text, OUT id bigint, OUT existing boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    fresh jobrunner.jobs%ROWTYPE := jobrunner.new_job(job);
    holder bigint := jobrunner.take_window(fresh);
BEGIN
    existing := true;
    IF holder IS NOT NULL AND (on_conflict = 'skip' OR NOT EXISTS (
        SELECT 1 FROM jobrunner.jobs h WHERE h.unique_key = fresh.unique_key)) THEN
        id := holder; -- It may have finished: nothing of it can be replaced.
        RETURN;
    END IF;
    LOOP
        INSERT INTO jobrunner.jobs OVERRIDING SYSTEM VALUE
        SELECT (fresh).*
        ON CONFLICT ON CONSTRAINT jobs_unique_key DO NOTHING;
        IF FOUND THEN
            id := fresh.id;
            existing := false;
            RETURN;
        END IF;
        IF on_conflict = 'skip' THEN
            SELECT h.id INTO id FROM jobrunner.jobs h WHERE h.unique_key = fresh.unique_key;
        ELSE
            UPDATE jobrunner.jobs h
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
    DELETE FROM jobrunner.unique_windows w WHERE w.unique_key = fresh.unique_key AND w.job_id = fresh.id;
END $$;

-- Refuses a job whose key is held by one that was enqueued a short while ago.
CREATE FUNCTION jobrunner.insist_on_window(fresh jobrunner.jobs) RETURNS jobrunner.jobs
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder bigint := jobrunner.take_window(fresh);
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
CREATE FUNCTION jobrunner.enqueue_many(jobs jsonb, on_conflict text DEFAULT NULL)
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
            SELECT e.nth, jobrunner.insist_on_window(jobrunner.new_job(e.job)) AS fresh
            FROM jsonb_array_elements(jobs) WITH ORDINALITY AS e(job, nth)
        ),
        added AS (
            INSERT INTO jobrunner.jobs OVERRIDING SYSTEM VALUE
            SELECT (w.fresh).* FROM wanted w ORDER BY w.nth
        )
        SELECT w.nth, (w.fresh).id, false FROM wanted w ORDER BY w.nth;
    ELSE
        RETURN QUERY
        SELECT e.nth, r.id, r.existing
        FROM jsonb_array_elements(jobs) WITH ORDINALITY AS e(job, nth)
        CROSS JOIN LATERAL jobrunner.enqueue_or_meet(e.job, on_conflict) r
        ORDER BY e.nth;
    END IF;
END $$;

-- Adds one job and returns its id, or that of the job that holds its unique_key already.
CREATE FUNCTION jobrunner.enqueue(
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
    FROM jobrunner.enqueue_many(jsonb_build_array(
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
CREATE FUNCTION jobrunner.complete(token text, result jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claim bigint[] := jobrunner.parse_token(token);
    kept interval;
BEGIN
    SELECT jobrunner.keep_of(j.kind) INTO kept
    FROM jobrunner.jobs j
    WHERE j.id = claim[1];
    IF jobrunner.complete_jobs(claim[3], ARRAY[claim[1]], ARRAY[claim[2]::integer], ARRAY[kept],
        ARRAY[result], NULL, NULL, NULL, NULL, NULL) <> '{}' THEN
        PERFORM jobrunner.refuse_stale_token(token);
    END IF;
    IF kept <= interval '0' THEN
        -- The job leaves no row by which its worker could tell that it settled itself.
        INSERT INTO jobrunner.attempt_log (job_id, fence, attempt, worker, outcome)
        VALUES (claim[1], claim[2], 1, claim[3], 'settled_by_job')
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

-- Fails a job's attempt from its own code, in its own transaction; it is tried again as its kind says.
CREATE FUNCTION jobrunner.fail(token text, error text, class text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claim bigint[] := jobrunner.parse_token(token);
    j jobrunner.jobs%ROWTYPE;
    closing jsonb;
    settled bigint;
BEGIN
    SELECT * INTO j FROM jobrunner.jobs WHERE id = claim[1];
    closing := jsonb_build_object('id', claim[1], 'fence', claim[2], 'worker', claim[3], 'outcome', 'failed',
        'error', error, 'error_class', class, 'refund', 0,
        'delay_ms', (extract(epoch FROM coalesce(j.retry_delay, interval '15 seconds')) * 1000)::bigint);
    IF j.attempt < coalesce(j.attempt_limit, j.max_attempts, 25) THEN
        SELECT * INTO settled FROM jobrunner.requeue_jobs(jsonb_build_array(closing));
    ELSE
        SELECT * INTO settled FROM jobrunner.finish_jobs(jsonb_build_array(
            closing || '{"state": "dead", "reason": "out of attempts"}'));
    END IF;
    IF settled IS NULL THEN
        PERFORM jobrunner.refuse_stale_token(token);
    END IF;
END $$;

CREATE FUNCTION jobrunner.parse_token(token text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF token IS NULL OR token !~ '^[0-9]{1,19}\.[0-9]{1,10}\.[0-9]{1,19}$' THEN
        RAISE EXCEPTION 'this is no token of a claim; pass the job''s JOBRUNNER_TOKEN as it is'
            USING ERRCODE = 'JR409';
    END IF;
    RETURN string_to_array(token, '.')::bigint[];
END $$;

CREATE FUNCTION jobrunner.refuse_stale_token(token text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the claim on job % is no longer held: its lease ended or it was settled already',
        split_part(token, '.', 1)
        USING ERRCODE = 'JR409';
END $$;

-- Who acts: what the client says of itself, else the database's user.
CREATE FUNCTION jobrunner.actor() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('jobrunner.actor', true), ''), session_user::text)
$$;

CREATE FUNCTION jobrunner.note_action(action text, job bigint, details jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO jobrunner.operator_audit (actor, action, job_id, details)
    VALUES (jobrunner.actor(), action, job, details)
$$;

-- What stands in an operator's way with one job: its state, or 'not found'.
CREATE FUNCTION jobrunner.state_of(job bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT j.state::text FROM jobrunner.jobs j WHERE j.id = job),
        (SELECT 'dead' FROM jobrunner.dead_jobs d WHERE d.id = job),
        (SELECT h.state::text FROM jobrunner.history h WHERE h.id = job LIMIT 1),
        'not found')
$$;

-- How long finished jobs of a kind are kept: null for ever, zero not at all, a week where nobody has said.
CREATE FUNCTION jobrunner.keep_of(of_kind text) RETURNS interval
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) = 0 THEN interval '7 days' ELSE min(k.keep) END
    FROM jobrunner.kinds k
    WHERE k.kind = of_kind
$$;

-- Takes unclaimed jobs out of the queue for good, as cancelled. Rows that somebody holds are passed over.
CREATE FUNCTION jobrunner.cancel_unclaimed(ids bigint[], why text) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j jobrunner.jobs%ROWTYPE;
    kept interval;
BEGIN
    FOR j IN
        DELETE FROM jobrunner.jobs d
        WHERE d.id = ANY (ARRAY(
            SELECT p.id FROM jobrunner.jobs p
            WHERE p.id = ANY (ids) AND p.state <> 'running'
            ORDER BY p.id
            FOR UPDATE SKIP LOCKED))
        RETURNING d.*
    LOOP
        kept := jobrunner.keep_of(j.kind);
        PERFORM jobrunner.keep_finished(j, jsonb_build_object(
            'state', 'cancelled', 'reason', why, 'finished_at', clock_timestamp(),
            'attempts', jobrunner.packed_attempts(j.id),
            'keep_until', CASE WHEN kept <= interval '0' THEN 'none' ELSE jobrunner.keep_until(kept)::text END));
        INSERT INTO jobrunner.statistics_log (minute, queue, kind, cancelled)
        VALUES (date_trunc('minute', now()), j.queue, j.kind, 1);
        RETURN NEXT j.id;
    END LOOP;
END $$;

-- The try_… functions do what their name says to one job and return 'done', 'requested' (its worker will do it),
-- 'not found', or the state in which it is not possible. The functions of the plain name raise an error instead.
CREATE FUNCTION jobrunner.try_cancel(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cancelled bigint;
BEGIN
    SELECT * INTO cancelled FROM jobrunner.cancel_unclaimed(ARRAY[job], 'cancelled by ' || jobrunner.actor());
    IF cancelled IS NOT NULL THEN
        PERFORM jobrunner.note_action('cancel', job, '{}');
        RETURN 'done';
    END IF;
    INSERT INTO jobrunner.cancel_requests (job_id, fence, worker, requested_by)
    SELECT j.id, j.fence, j.worker, jobrunner.actor()
    FROM jobrunner.jobs j
    WHERE j.id = job AND j.state = 'running'
    ON CONFLICT (job_id) DO UPDATE
    SET fence = excluded.fence, worker = excluded.worker, requested_by = excluded.requested_by;
    IF FOUND THEN
        PERFORM jobrunner.note_action('cancel', job, '{"running": true}');
        PERFORM pg_notify('jobrunner_wake', 'cancel');
        RETURN 'requested';
    END IF;
    RETURN jobrunner.state_of(job);
END $$;

CREATE FUNCTION jobrunner.try_retry(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    finished jsonb;
    fresh jobrunner.jobs%ROWTYPE;
    state_then text;
BEGIN
    UPDATE jobrunner.jobs j
    SET state = 'available', run_at = now(), ready_at = now(), position = nextval('jobrunner.job_positions'), held_in = NULL
    WHERE j.id = job AND (j.state IN ('available', 'retryable') OR j.held_in IS NOT NULL);
    IF FOUND THEN
        PERFORM jobrunner.note_action('retry', job, '{}');
        PERFORM pg_notify('jobrunner_wake', '');
        RETURN 'done';
    END IF;
    -- What was asked of an earlier run does not hold for this one.
    DELETE FROM jobrunner.cancel_requests WHERE job_id = job AND NOT EXISTS (SELECT 1 FROM jobrunner.jobs j WHERE j.id = job);
    WITH gone AS (DELETE FROM jobrunner.dead_jobs d WHERE d.id = job RETURNING d.*)
    SELECT to_jsonb(gone) INTO finished FROM gone;
    IF finished IS NULL THEN
        WITH gone AS (DELETE FROM jobrunner.history h WHERE h.id = job RETURNING h.*)
        SELECT to_jsonb(gone) INTO finished FROM gone LIMIT 1;
    END IF;
    IF finished IS NULL THEN
        RETURN jobrunner.state_of(job);
    END IF;
    state_then := finished ->> 'state';
    -- It waits again for those of its parents that are unfinished again, and for no other.
    DELETE FROM jobrunner.dependencies d WHERE d.job_id = job;
    finished := jsonb_set(finished, '{depends_on}', coalesce((
        SELECT jsonb_agg(j.id)
        FROM jobrunner.jobs j
        WHERE j.id IN (SELECT p.one::bigint FROM jsonb_array_elements_text(CASE
            WHEN jsonb_typeof(finished -> 'depends_on') = 'array' THEN finished -> 'depends_on' ELSE '[]' END) AS p(one))),
        'null'));
    PERFORM jobrunner.returned_to_batch((finished ->> 'batch_id')::bigint, state_then);
    fresh := jsonb_populate_record(NULL::jobrunner.jobs, finished || jsonb_build_object(
        'state', 'available', 'attempt', 0, 'crashes', 0, 'snoozes', 0, 'give_backs', 0, 'rerun', false,
        'worker', NULL, 'reason', 'retried', 'claimed_at', NULL, 'expires_at', NULL, 'run_at', now(), 'ready_at', now(),
        'position', nextval('jobrunner.job_positions')));
    -- A held unique_key refuses the insert, in words, and with it the whole action.
    INSERT INTO jobrunner.jobs OVERRIDING SYSTEM VALUE SELECT (fresh).*;
    INSERT INTO jobrunner.attempt_log
    SELECT a.*
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(finished -> 'attempts') = 'array'
        THEN finished -> 'attempts' ELSE '[]' END) AS e(one)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::jobrunner.attempt_log,
        e.one || jsonb_build_object('job_id', job)) a;
    PERFORM jobrunner.note_action('retry', job, jsonb_build_object('was', state_then));
    RETURN 'done';
END $$;

CREATE FUNCTION jobrunner.try_delete(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted boolean := false;
    gone jobrunner.jobs%ROWTYPE;
BEGIN
    DELETE FROM jobrunner.jobs j WHERE j.id = job AND j.state <> 'running' RETURNING j.* INTO gone;
    deleted := FOUND;
    IF deleted THEN
        PERFORM jobrunner.left_unfinished(gone, 'cancelled');
        DELETE FROM jobrunner.attempt_log WHERE job_id = job;
        DELETE FROM jobrunner.output_chunks WHERE job_id = job;
        DELETE FROM jobrunner.progress WHERE job_id = job;
    ELSE
        DELETE FROM jobrunner.dead_jobs d WHERE d.id = job;
        deleted := FOUND;
    END IF;
    IF NOT deleted THEN
        DELETE FROM jobrunner.history h WHERE h.id = job;
        deleted := FOUND;
    END IF;
    IF NOT deleted THEN
        RETURN jobrunner.state_of(job);
    END IF;
    DELETE FROM jobrunner.dependencies d WHERE d.job_id = job;
    PERFORM jobrunner.note_action('delete', job, '{}');
    RETURN 'done';
END $$;

CREATE FUNCTION jobrunner.try_reschedule(job bigint, new_run_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.jobs j
    SET state = CASE WHEN j.held_in IS NULL THEN j.state ELSE 'available' END,
        run_at = new_run_at, ready_at = now(), position = nextval('jobrunner.job_positions'), held_in = NULL
    WHERE j.id = job AND (j.state IN ('available', 'retryable') OR j.held_in IS NOT NULL);
    IF NOT FOUND THEN
        RETURN jobrunner.state_of(job);
    END IF;
    PERFORM jobrunner.note_action('reschedule', job, jsonb_build_object('run_at', new_run_at));
    PERFORM pg_notify('jobrunner_wake', '');
    RETURN 'done';
END $$;

-- Changes columns of an unfinished job that is not running: an object of column and value.
CREATE FUNCTION jobrunner.try_edit(job bigint, changes jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j jobrunner.jobs%ROWTYPE;
    unknown text;
BEGIN
    SELECT key INTO unknown
    FROM jsonb_object_keys(changes) AS k(key)
    WHERE key <> ALL (ARRAY['kind', 'args', 'queue', 'priority', 'max_attempts', 'timeout', 'expires_at', 'tags', 'meta'])
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is no column that can be edited', unknown USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO j FROM jobrunner.jobs l WHERE l.id = job AND l.state <> 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN jobrunner.state_of(job);
    END IF;
    j := jsonb_populate_record(j, changes);
    UPDATE jobrunner.jobs u
    SET kind = j.kind, args = j.args, queue = j.queue, priority = j.priority, max_attempts = j.max_attempts,
        timeout = j.timeout, expires_at = j.expires_at, tags = j.tags, meta = j.meta,
        position = nextval('jobrunner.job_positions'),
        -- It may be under other limits now: the next claim tells.
        state = CASE WHEN u.held_in IS NULL THEN u.state ELSE 'available' END, held_in = NULL
    WHERE u.id = job;
    -- The changed names, not their values: args may hold what an audit must not.
    PERFORM jobrunner.note_action('edit', job, jsonb_build_object('columns',
        (SELECT jsonb_agg(key) FROM jsonb_object_keys(changes) AS k(key))));
    RETURN 'done';
END $$;

CREATE FUNCTION jobrunner.insist(outcome text, action text, job bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF outcome = 'not found' THEN
        RAISE EXCEPTION 'job % is not found', job USING ERRCODE = 'JR404';
    ELSIF outcome NOT IN ('done', 'requested') THEN
        RAISE EXCEPTION 'job % is %: % is not possible', job, outcome, action USING ERRCODE = 'JR409';
    END IF;
    RETURN outcome;
END $$;

CREATE FUNCTION jobrunner.cancel(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT jobrunner.insist(jobrunner.try_cancel($1), 'cancel', $1)
$$;
CREATE FUNCTION jobrunner.retry(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT jobrunner.insist(jobrunner.try_retry($1), 'retry', $1)
$$;
CREATE FUNCTION jobrunner.delete_job(id bigint) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT jobrunner.insist(jobrunner.try_delete($1), 'delete', $1)
$$;
CREATE FUNCTION jobrunner.reschedule(id bigint, run_at timestamptz) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT jobrunner.insist(jobrunner.try_reschedule($1, $2), 'reschedule', $1)
$$;

-- A paused queue's jobs wait where they are; those running go on.
CREATE FUNCTION jobrunner.pause_queue(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO jobrunner.queues AS q (queue, paused_at, paused_by)
    VALUES (name, now(), jobrunner.actor())
    ON CONFLICT (queue) DO UPDATE
    SET paused_at = coalesce(q.paused_at, now()), paused_by = jobrunner.actor();
    INSERT INTO jobrunner.operator_audit (actor, action, queue) VALUES (jobrunner.actor(), 'pause', name);
$$;

CREATE FUNCTION jobrunner.resume_queue(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE jobrunner.queues SET paused_at = NULL, paused_by = NULL WHERE queue = name;
    INSERT INTO jobrunner.operator_audit (actor, action, queue) VALUES (jobrunner.actor(), 'resume', name);
    SELECT pg_notify('jobrunner_wake', '');
$$;

-- The jobs of a schedule's latest runs that have not finished.
CREATE FUNCTION jobrunner.unfinished_runs(of_schedule text) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(j.id), '{}')
    FROM (
        SELECT r.job_id FROM jobrunner.schedule_runs r
        WHERE r.schedule = of_schedule ORDER BY r.due_at DESC LIMIT 1000) r
    JOIN jobrunner.jobs j ON j.id = r.job_id
$$;

-- Adds the job of one due time. Null: its unique_key is held by an unfinished job.
CREATE FUNCTION jobrunner.enqueue_run(s jobrunner.schedules, due timestamptz, delay interval) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added record;
BEGIN
    SELECT e.id, e.existing INTO added
    FROM jobrunner.enqueue_many(jsonb_build_array(s.options || jsonb_build_object(
        'kind', s.kind, 'args', s.args, 'run_at', due + delay,
        'meta', coalesce(s.options -> 'meta', '{}') || jsonb_build_object('due_at', jobrunner.instant(due)))), 'skip') e;
    IF added.existing THEN
        RETURN NULL;
    END IF;
    UPDATE jobrunner.jobs j SET schedule = s.name WHERE j.id = added.id;
    RETURN added.id;
END $$;

-- Adds the job of a due time that is noted already, and says there what came of it. Returns what is wrong, or null.
CREATE FUNCTION jobrunner.start_run(s jobrunner.schedules, due timestamptz, delay interval) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    job := jobrunner.enqueue_run(s, due, delay);
    UPDATE jobrunner.schedule_runs r
    SET job_id = job, outcome = CASE WHEN job IS NULL THEN 'skipped' ELSE 'enqueued' END
    WHERE r.schedule = s.name AND r.due_at = due;
    RETURN NULL;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    UPDATE jobrunner.schedule_runs r SET outcome = 'refused' WHERE r.schedule = s.name AND r.due_at = due;
    RETURN SQLERRM;
END $$;

-- Notes due times and adds their jobs, as the schedule's overlap says, if the schedule still is what the caller has
-- worked this out from. Epochs and delays are in seconds and milliseconds. Never waits for another that does the same.
CREATE FUNCTION jobrunner.fire_schedule(of_schedule text, of_expression text, of_time_zone text, expected bigint,
    due bigint[], delays bigint[], next bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s jobrunner.schedules%ROWTYPE;
    at timestamptz;
    unfinished bigint[]; -- null: not looked at since the last one was started
    waiting bigint;
    wrong text;
BEGIN
    SELECT * INTO s
    FROM jobrunner.schedules x
    WHERE x.name = of_schedule AND x.expression = of_expression AND x.time_zone = of_time_zone
        AND x.paused_at IS NULL
        AND floor(extract(epoch FROM x.next_at))::bigint IS NOT DISTINCT FROM expected
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM set_config('jobrunner.actor', 'schedule ' || s.name, true);
    SELECT count(*) INTO waiting
    FROM jobrunner.schedule_runs r WHERE r.schedule = s.name AND r.outcome = 'waiting';
    FOR i IN 1 .. cardinality(due) LOOP
        at := to_timestamp(due[i]);
        INSERT INTO jobrunner.schedule_runs (schedule, due_at, outcome)
        VALUES (s.name, at, 'skipped')
        ON CONFLICT ON CONSTRAINT schedule_runs_pkey DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        IF unfinished IS NULL AND s.overlap <> 'allow' THEN
            unfinished := jobrunner.unfinished_runs(s.name);
        END IF;
        CONTINUE WHEN s.overlap = 'skip' AND unfinished <> '{}';
        IF s.overlap = 'queue' AND (unfinished <> '{}' OR waiting > 0) THEN
            IF waiting < 100 THEN
                UPDATE jobrunner.schedule_runs r SET outcome = 'waiting' WHERE r.schedule = s.name AND r.due_at = at;
                waiting := waiting + 1;
            END IF;
            CONTINUE;
        END IF;
        IF s.overlap = 'replace' THEN
            PERFORM jobrunner.try_cancel(u) FROM unnest(unfinished) AS r(u);
        END IF;
        wrong := coalesce(jobrunner.start_run(s, at, delays[i] * interval '1 millisecond'), wrong);
        unfinished := NULL;
    END LOOP;
    UPDATE jobrunner.schedules x
    SET next_at = to_timestamp(next), problem = wrong
    WHERE x.name = s.name;
    RETURN true;
END $$;

-- Adds the oldest waiting run of each schedule that has no unfinished one.
CREATE FUNCTION jobrunner.release_runs() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s jobrunner.schedules%ROWTYPE;
    at timestamptz;
    wrong text;
BEGIN
    FOR s IN
        SELECT x.*
        FROM jobrunner.schedules x
        WHERE x.paused_at IS NULL
            AND EXISTS (SELECT 1 FROM jobrunner.schedule_runs r WHERE r.schedule = x.name AND r.outcome = 'waiting')
        ORDER BY x.name
        LIMIT 1000
        FOR UPDATE SKIP LOCKED
    LOOP
        CONTINUE WHEN jobrunner.unfinished_runs(s.name) <> '{}';
        SELECT min(r.due_at) INTO at
        FROM jobrunner.schedule_runs r WHERE r.schedule = s.name AND r.outcome = 'waiting';
        CONTINUE WHEN at IS NULL;
        wrong := jobrunner.start_run(s, at, interval '0');
        UPDATE jobrunner.schedules x SET problem = wrong WHERE x.name = s.name AND wrong IS NOT NULL;
    END LOOP;
END $$;

-- A paused schedule's due times pass; resumed, it goes on with the next one. Each returns whether it is there.
CREATE FUNCTION jobrunner.pause_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.schedules s SET paused_at = coalesce(s.paused_at, now()) WHERE s.name = pause_schedule.name;
    RETURN jobrunner.note_schedule(FOUND, 'pause', name);
END $$;

CREATE FUNCTION jobrunner.resume_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.schedules s SET paused_at = NULL WHERE s.name = resume_schedule.name;
    RETURN jobrunner.note_schedule(FOUND, 'resume', name);
END $$;

-- Removes a schedule and its history; jobs that it has enqueued stay.
CREATE FUNCTION jobrunner.remove_schedule(name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM jobrunner.schedule_runs r WHERE r.schedule = remove_schedule.name;
    DELETE FROM jobrunner.schedules s WHERE s.name = remove_schedule.name;
    RETURN jobrunner.note_schedule(FOUND, 'remove', name);
END $$;

CREATE FUNCTION jobrunner.note_schedule(was_there boolean, action text, name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF was_there THEN
        PERFORM jobrunner.note_action(action, NULL, jsonb_build_object('schedule', name));
    END IF;
    RETURN was_there;
END $$;

-- Adds a job of a schedule at once, whatever its overlap says, and returns its id.
CREATE FUNCTION jobrunner.run_schedule(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s jobrunner.schedules%ROWTYPE;
    job bigint;
BEGIN
    SELECT * INTO s FROM jobrunner.schedules x WHERE x.name = run_schedule.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'schedule "%" is not found', name USING ERRCODE = 'JR404';
    END IF;
    job := jobrunner.enqueue_run(s, clock_timestamp(), '0');
    IF job IS NULL THEN
        RAISE EXCEPTION 'schedule "%": an unfinished job holds its unique_key', name USING ERRCODE = 'JR409';
    END IF;
    INSERT INTO jobrunner.schedule_runs (schedule, due_at, job_id, outcome)
    VALUES (s.name, clock_timestamp(), job, 'run now');
    PERFORM jobrunner.note_action('run', job, jsonb_build_object('schedule', name));
    RETURN job;
END $$;

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (5, 'functions', 'by hand', '0.1.0');

-- ---- 0006 views ----

-- The views that people and applications read.

-- Every job once, unfinished or finished. States that depend on the clock are derived here.
CREATE VIEW jobrunner.all_jobs AS
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
FROM jobrunner.jobs
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, NULL, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM jobrunner.history
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, NULL, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM jobrunner.dead_jobs;

-- One row per claim that did not complete, of unfinished and finished jobs alike.
CREATE VIEW jobrunner.attempts AS
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM jobrunner.attempt_log
UNION ALL
SELECT
    f.id, a.fence, a.attempt, a.worker, a.started_at, a.finished_at, a.outcome, a.error_class, a.error, a.backtrace,
    a.exit_code, a.signal, a.cpu_ms, a.max_rss_bytes, a.read_bytes, a.write_bytes, a.output
FROM (
    SELECT id, attempts FROM jobrunner.history WHERE attempts IS NOT NULL
    UNION ALL
    SELECT id, attempts FROM jobrunner.dead_jobs WHERE attempts IS NOT NULL
) f
CROSS JOIN LATERAL jsonb_populate_recordset(NULL::jobrunner.attempt_log, f.attempts) a;

-- Counts per queue, from the unfinished jobs and from the statistics of the last two minutes.
CREATE VIEW jobrunner.queue_stats AS
WITH waiting AS (
    SELECT
        queue,
        count(*) FILTER (WHERE state = 'available' AND run_at <= now() OR state = 'retryable' AND run_at <= now()) AS available,
        count(*) FILTER (WHERE state = 'available' AND run_at > now()) AS scheduled,
        count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'retryable' AND run_at > now()) AS retryable,
        min(run_at) FILTER (WHERE state IN ('available', 'retryable') AND run_at <= now()) AS oldest_run_at
    FROM jobrunner.jobs
    GROUP BY queue
),
settled AS (
    SELECT
        queue COLLATE "C" AS queue,
        sum(completed) FILTER (WHERE minute = date_trunc('minute', now()) - interval '1 minute') AS completed,
        sum(failed + dead + crashed) FILTER (WHERE minute = date_trunc('minute', now()) - interval '1 minute') AS failed
    FROM (
        SELECT minute, queue, completed, failed, dead, crashed FROM jobrunner.statistics
        WHERE minute >= date_trunc('minute', now()) - interval '1 minute'
        UNION ALL
        SELECT minute, queue, completed, failed, dead, crashed FROM jobrunner.statistics_log
        WHERE minute >= date_trunc('minute', now()) - interval '1 minute'
    ) s
    GROUP BY queue
),
dead AS (
    SELECT queue, count(*) AS dead FROM jobrunner.dead_jobs GROUP BY queue
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
FULL JOIN jobrunner.queues q USING (queue);

-- Times as programs read them: ISO 8601 UTC with milliseconds.
CREATE FUNCTION jobrunner.instant(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Nobody calls anything here but by a grant; see `jobrunner roles`.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA jobrunner FROM PUBLIC;

-- Who keeps dead rows from being removed, who is furthest behind first. Of other users' sessions only members of pg_read_all_stats see
-- enough.
CREATE VIEW jobrunner.held_snapshots AS
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
CREATE VIEW jobrunner.table_health AS
SELECT
    s.relname::text AS table_name, s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
    pg_table_size(s.relid) AS table_bytes, pg_indexes_size(s.relid) AS index_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at, greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
FROM pg_stat_user_tables s
WHERE s.schemaname = 'jobrunner';

-- What an index takes, and what it would take if it were built anew: an estimate from the planner's row count and the average
-- width of its columns, for B-trees without equal entries, filled as they are told to be. Expressions are taken for 8 bytes.
CREATE VIEW jobrunner.index_health AS
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
    LEFT JOIN pg_stats s ON s.schemaname = 'jobrunner' AND s.tablename = t.relname AND s.attname = a.attname) w
CROSS JOIN LATERAL (
    SELECT coalesce(max(o.option_value::float8), 90) / 100 AS filled
    FROM pg_options_to_table(c.reloptions) o
    WHERE o.option_name = 'fillfactor') f
WHERE t.relnamespace = 'jobrunner'::regnamespace AND t.relkind = 'r';

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (6, 'views', 'by hand', '0.1.0');

-- ---- 0007 gates ----

-- Jobs that wait for other jobs: dependencies, serial keys, batches.

-- Holds a new job that names other jobs back, and refuses what cannot be.
CREATE FUNCTION jobrunner.hold_job() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong bigint;
BEGIN
    IF NEW.batch_id IS NOT NULL THEN
        -- The key lock keeps the batch from finishing until this transaction has. One that is retried may always come back.
        PERFORM 1 FROM jobrunner.batches b
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
            NOT EXISTS (SELECT 1 FROM jobrunner.jobs j WHERE j.id = u.parent)
            AND NOT EXISTS (SELECT 1 FROM jobrunner.history h WHERE h.id = u.parent)
            AND NOT EXISTS (SELECT 1 FROM jobrunner.dead_jobs d WHERE d.id = u.parent))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'depends_on has %, which is no earlier job', coalesce(wrong::text, 'null')
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'jobs_depends_on_is_earlier_jobs';
        END IF;
        INSERT INTO jobrunner.dependencies (job_id, parent_id)
        SELECT DISTINCT NEW.id, u.parent
        FROM unnest(NEW.depends_on) AS u(parent);
    END IF;
    IF NEW.depends_on IS NOT NULL OR NEW.serial_key IS NOT NULL THEN
        UPDATE jobrunner.jobs SET state = 'blocked' WHERE id = NEW.id;
        INSERT INTO jobrunner.gate_news (job_id, is_new) VALUES (NEW.id, true);
    END IF;
    RETURN NULL;
END $$;

-- WHEN is looked at while the row is in hand, so that other jobs pay next to nothing, and COPY keeps its fast path.
CREATE TRIGGER jobs_held
    AFTER INSERT ON jobrunner.jobs
    FOR EACH ROW
    WHEN (NEW.serial_key IS NOT NULL OR NEW.depends_on IS NOT NULL OR NEW.batch_id IS NOT NULL)
    EXECUTE FUNCTION jobrunner.hold_job();

-- Wakes a worker that sleeps, for notes that this transaction leaves.
CREATE FUNCTION jobrunner.wake_for_gates() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('jobrunner.wake', true) IS DISTINCT FROM 'off' THEN
        PERFORM pg_notify('jobrunner_wake', '');
    END IF;
END $$;

-- Closes the edges to jobs that have ended, and notes who waited. A child that is to stay blocked by a failure keeps its edge
-- open, with what became of the parent: it may be retried and complete yet.
CREATE FUNCTION jobrunner.close_edges(parents bigint[], ended jobrunner.job_state, results jsonb[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH closed AS (
        UPDATE jobrunner.dependencies d
        SET parent_state = ended, result = s.result,
            closed_at = CASE WHEN ended = 'completed' OR c.on_dependency_failure <> 'block' THEN clock_timestamp() END
        FROM unnest(parents, results) AS s(id, result), jobrunner.jobs c
        WHERE d.parent_id = s.id AND d.closed_at IS NULL AND c.id = d.job_id
        RETURNING d.job_id
    )
    INSERT INTO jobrunner.gate_news (job_id)
    SELECT DISTINCT c.job_id FROM closed c
$$;

-- Notes who is next for the turns of these keys, whose jobs may have ended; forgets turns for which nobody waits.
CREATE FUNCTION jobrunner.leave_turns(keys text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO jobrunner.gate_news (job_id)
    SELECT n.next
    FROM (SELECT DISTINCT u.serial_key FROM unnest(keys) AS u(serial_key)) k
    CROSS JOIN LATERAL (SELECT min(j.id) AS next FROM jobrunner.jobs j WHERE j.serial_key = k.serial_key) n
    WHERE n.next IS NOT NULL;

    DELETE FROM jobrunner.serial_turns t
    WHERE t.ctid = ANY (ARRAY(
        SELECT s.ctid
        FROM jobrunner.serial_turns s
        WHERE s.serial_key = ANY (keys)
            AND NOT EXISTS (SELECT 1 FROM jobrunner.jobs j WHERE j.serial_key = s.serial_key)
        FOR UPDATE SKIP LOCKED));
$$;

-- What the completion of jobs means for others; called by complete_jobs where any of it can matter.
CREATE FUNCTION jobrunner.completed_at_gates(done bigint[], ids bigint[], results jsonb[], keys text[], in_batches bigint[],
    children bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM jobrunner.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM jobrunner.close_edges(array_agg(s.id), 'completed', array_agg(s.result))
        FROM unnest(ids, results) AS s(id, result)
        JOIN unnest(done) AS u(id) USING (id);
    END IF;
    IF keys IS NOT NULL THEN
        PERFORM jobrunner.leave_turns(keys);
    END IF;
    IF in_batches IS NOT NULL THEN
        WITH counted AS (
            INSERT INTO jobrunner.batch_counts (batch_id, completed)
            SELECT u.batch, count(*) FROM unnest(in_batches) AS u(batch) GROUP BY u.batch
            RETURNING batch_id
        )
        INSERT INTO jobrunner.gate_news (batch_id) SELECT c.batch_id FROM counted c;
    END IF;
    IF children IS NOT NULL THEN
        UPDATE jobrunner.dependencies d
        SET keep_until = h.keep_until
        FROM jobrunner.history h
        WHERE h.id = ANY (children) AND d.job_id = h.id;
        DELETE FROM jobrunner.dependencies d WHERE d.job_id = ANY (children) AND d.keep_until IS NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM jobrunner.gate_news) THEN
        PERFORM jobrunner.pass_gates(200, true);
    END IF;
END $$;

-- What it means for others that a job has left `jobs` without completing. Only leaves notes: this may be an application's
-- transaction, and be long.
CREATE FUNCTION jobrunner.left_unfinished(j jobrunner.jobs, ended jobrunner.job_state) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM jobrunner.dependencies d WHERE d.closed_at IS NULL) THEN
        PERFORM jobrunner.close_edges(ARRAY[j.id], ended, ARRAY[NULL::jsonb]);
    END IF;
    IF j.depends_on IS NOT NULL THEN
        INSERT INTO jobrunner.gate_news (job_id) VALUES (j.id);
    END IF;
    IF j.serial_key IS NOT NULL THEN
        PERFORM jobrunner.leave_turns(ARRAY[j.serial_key]);
    END IF;
    IF j.batch_id IS NOT NULL THEN
        INSERT INTO jobrunner.batch_counts (batch_id, cancelled, dead)
        VALUES (j.batch_id, (ended = 'cancelled')::integer, (ended = 'dead')::integer);
        INSERT INTO jobrunner.gate_news (batch_id) VALUES (j.batch_id);
    END IF;
    IF EXISTS (SELECT 1 FROM jobrunner.gate_news) THEN
        PERFORM jobrunner.wake_for_gates();
    END IF;
END $$;

-- A finished member is about to run again, so it counts as unfinished.
CREATE FUNCTION jobrunner.returned_to_batch(batch bigint, was text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO jobrunner.batch_counts (batch_id, completed, cancelled, dead)
    SELECT batch, -(was = 'completed')::integer, -(was = 'cancelled')::integer, -(was = 'dead')::integer
    WHERE batch IS NOT NULL
$$;

-- Whose turn a serial key has, given on where its holder has ended; null where that is in somebody's hands.
CREATE FUNCTION jobrunner.take_turn(key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder bigint;
    was_there boolean;
BEGIN
    SELECT t.job_id INTO holder FROM jobrunner.serial_turns t WHERE t.serial_key = key FOR UPDATE SKIP LOCKED;
    was_there := FOUND;
    IF was_there AND EXISTS (SELECT 1 FROM jobrunner.jobs j WHERE j.id = holder) THEN
        RETURN holder;
    ELSIF NOT was_there AND EXISTS (SELECT 1 FROM jobrunner.serial_turns t WHERE t.serial_key = key) THEN
        RETURN NULL;
    END IF;
    SELECT min(j.id) INTO holder FROM jobrunner.jobs j WHERE j.serial_key = key;
    INSERT INTO jobrunner.serial_turns AS t (serial_key, job_id)
    VALUES (key, holder)
    ON CONFLICT ON CONSTRAINT serial_turns_pkey DO UPDATE SET job_id = excluded.job_id, since = now();
    -- It may not be the one that is being judged.
    INSERT INTO jobrunner.gate_news (job_id) VALUES (holder);
    RETURN holder;
END $$;

-- Closes those edges of a new job whose parents had ended before it was seen. Whether all could be judged.
CREATE FUNCTION jobrunner.meet_parents(job bigint, on_failure text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    standing bigint[];
BEGIN
    standing := ARRAY(
        SELECT p.id
        FROM jobrunner.jobs p
        WHERE p.id IN (SELECT d.parent_id FROM jobrunner.dependencies d WHERE d.job_id = job AND d.closed_at IS NULL)
        FOR KEY SHARE SKIP LOCKED);
    UPDATE jobrunner.dependencies d
    SET parent_state = e.state, result = e.result,
        closed_at = CASE WHEN e.state = 'completed' OR on_failure <> 'block' THEN clock_timestamp() END
    FROM jobrunner.dependencies o
    CROSS JOIN LATERAL (
        SELECT f.state, f.result
        FROM (
            SELECT x.state, NULL::jsonb AS result FROM jobrunner.dead_jobs x WHERE x.id = o.parent_id
            UNION ALL
            SELECT h.state, h.result FROM jobrunner.history h WHERE h.id = o.parent_id
            UNION ALL
            -- It was there when the child came, and is of a kind of which nothing is kept.
            SELECT 'completed', NULL) f
        LIMIT 1
    ) e
    WHERE o.job_id = job AND o.closed_at IS NULL AND o.parent_id <> ALL (standing)
        AND NOT EXISTS (SELECT 1 FROM jobrunner.jobs p WHERE p.id = o.parent_id)
        AND d.job_id = job AND d.parent_id = o.parent_id;
    RETURN NOT EXISTS (
        SELECT 1
        FROM jobrunner.dependencies d
        JOIN jobrunner.jobs p ON p.id = d.parent_id
        WHERE d.job_id = job AND d.closed_at IS NULL AND p.id <> ALL (standing));
END $$;

-- Closes the edges of a job that has finished, and says how long they are kept. Whether all were in reach.
CREATE FUNCTION jobrunner.forget_edges(job bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    in_reach bigint[];
BEGIN
    in_reach := ARRAY(
        SELECT d.parent_id FROM jobrunner.dependencies d WHERE d.job_id = job FOR UPDATE SKIP LOCKED);
    UPDATE jobrunner.dependencies d
    SET closed_at = coalesce(d.closed_at, clock_timestamp()),
        keep_until = (SELECT h.keep_until FROM jobrunner.history h WHERE h.id = job LIMIT 1)
    WHERE d.job_id = job AND d.parent_id = ANY (in_reach);
    DELETE FROM jobrunner.dependencies d
    WHERE d.job_id = job AND d.parent_id = ANY (in_reach) AND d.keep_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM jobrunner.dead_jobs x WHERE x.id = job);
    RETURN NOT EXISTS (
        SELECT 1 FROM jobrunner.dependencies d WHERE d.job_id = job AND d.parent_id <> ALL (in_reach));
END $$;

-- Judges a blocked job. 'open': it may run from now on, was cancelled, or is blocked no more; 'shut': it has to wait on;
-- 'busy': a row that decides is in somebody's hands.
CREATE FUNCTION jobrunner.pass_gate(job bigint, is_new boolean) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j jobrunner.jobs%ROWTYPE;
    failed record;
    verdict text := 'open';
    holder bigint := job;
BEGIN
    SELECT * INTO j FROM jobrunner.jobs h
    WHERE h.id = job AND h.state = 'blocked' AND h.held_in IS NULL
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT * INTO j FROM jobrunner.jobs h WHERE h.id = job;
        RETURN CASE WHEN j.held_in IS NOT NULL THEN 'open' -- It has passed, and waits for a limit now.
            WHEN j.state = 'blocked' THEN 'busy'
            WHEN j.id IS NULL AND NOT jobrunner.forget_edges(job) THEN 'busy'
            ELSE 'open' END;
    END IF;
    IF j.depends_on IS NOT NULL THEN
        IF is_new AND NOT jobrunner.meet_parents(job, j.on_dependency_failure) THEN
            verdict := 'busy';
        END IF;
        IF j.on_dependency_failure = 'cancel' THEN
            SELECT d.parent_id, d.parent_state INTO failed
            FROM jobrunner.dependencies d
            WHERE d.job_id = job AND d.parent_state IN ('dead', 'cancelled')
            ORDER BY d.parent_id
            LIMIT 1;
            IF FOUND THEN
                PERFORM jobrunner.cancel_unclaimed(ARRAY[job],
                    format('job %s, on which it depends, is %s', failed.parent_id, failed.parent_state));
                RETURN 'open';
            END IF;
        END IF;
        IF verdict = 'open' AND EXISTS (
            SELECT 1 FROM jobrunner.dependencies d WHERE d.job_id = job AND d.closed_at IS NULL) THEN
            verdict := 'shut';
        END IF;
    END IF;
    -- A job that waits for others takes its turn all the same, and holds those behind it back.
    IF j.serial_key IS NOT NULL THEN
        holder := jobrunner.take_turn(j.serial_key);
        IF holder IS NULL THEN
            verdict := 'busy';
        ELSIF holder <> job AND verdict = 'open' THEN
            verdict := 'shut';
        END IF;
    END IF;
    IF verdict = 'open' THEN
        UPDATE jobrunner.jobs h
        SET state = 'available', ready_at = now(), position = nextval('jobrunner.job_positions')
        WHERE h.id = job;
    END IF;
    RETURN verdict;
END $$;

-- Enqueues a batch's callback. Returns what is wrong with it, or null.
CREATE FUNCTION jobrunner.call_back(batch bigint, event text, job jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF job IS NOT NULL THEN
        PERFORM jobrunner.enqueue_many(jsonb_build_array(job || jsonb_build_object(
            'args', jsonb_build_object('batch_id', batch, 'event', event) || coalesce(job -> 'args', '{}'))), 'skip');
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    RETURN format('on_%s: %s', event, SQLERRM);
END $$;

-- Looks whether a batch has finished, and what has to be called for. As pass_gate.
CREATE FUNCTION jobrunner.close_batch(batch bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    b jobrunner.batches%ROWTYPE;
    counts record;
    unfinished boolean;
BEGIN
    -- An application that is adding members holds a key lock, which keeps this one out.
    SELECT * INTO b FROM jobrunner.batches x WHERE x.id = batch FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT 1 FROM jobrunner.batches x WHERE x.id = batch) THEN 'busy' ELSE 'open' END;
    END IF;
    WITH folded AS (
        DELETE FROM jobrunner.batch_counts c WHERE c.batch_id = batch RETURNING c.*
    ),
    summed AS (
        INSERT INTO jobrunner.batch_counts (batch_id, completed, cancelled, dead)
        SELECT batch, sum(f.completed), sum(f.cancelled), sum(f.dead) FROM folded f HAVING count(*) > 0
        RETURNING cancelled, dead
    )
    SELECT coalesce(sum(s.cancelled), 0) AS cancelled, coalesce(sum(s.dead), 0) AS dead INTO counts FROM summed s;
    unfinished := b.sealed_at IS NULL
        OR EXISTS (SELECT 1 FROM jobrunner.jobs j WHERE j.batch_id = batch)
        OR EXISTS (SELECT 1 FROM jobrunner.batches x WHERE x.parent_id = batch AND x.finished_at IS NULL);
    IF b.died_at IS NULL AND counts.dead > 0 THEN
        b.died_at := clock_timestamp();
        b.problem := coalesce(jobrunner.call_back(batch, 'death', b.on_death), b.problem);
    END IF;
    IF b.finished_at IS NULL AND NOT unfinished THEN
        b.finished_at := clock_timestamp();
        b.problem := coalesce(jobrunner.call_back(batch, 'complete', b.on_complete), b.problem);
    END IF;
    -- Later, too: when the dead of a finished batch are retried and complete.
    IF b.succeeded_at IS NULL AND NOT unfinished AND counts.dead <= 0 AND counts.cancelled <= 0
        AND NOT EXISTS (SELECT 1 FROM jobrunner.batches x WHERE x.parent_id = batch AND x.succeeded_at IS NULL) THEN
        b.succeeded_at := clock_timestamp();
        b.problem := coalesce(jobrunner.call_back(batch, 'success', b.on_success), b.problem);
    END IF;
    UPDATE jobrunner.batches x
    SET died_at = b.died_at, finished_at = b.finished_at, succeeded_at = b.succeeded_at, problem = b.problem
    WHERE x.id = batch
        AND (x.died_at, x.finished_at, x.succeeded_at) IS DISTINCT FROM (b.died_at, b.finished_at, b.succeeded_at);
    IF FOUND AND b.parent_id IS NOT NULL AND b.finished_at IS NOT NULL THEN
        INSERT INTO jobrunner.gate_news (batch_id) VALUES (b.parent_id);
    END IF;
    RETURN CASE WHEN unfinished THEN 'shut' ELSE 'open' END;
END $$;

-- Judges what the notes name, up to at_most of them, unless another worker is at it. With keep_shut the notes of what has to
-- wait on stay, to be judged once more when this transaction has committed. Returns how many are done with.
CREATE FUNCTION jobrunner.pass_gates(at_most integer, keep_shut boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    note record;
    verdict text;
    done integer := 0;
BEGIN
    IF pg_try_advisory_xact_lock('jobrunner.gate_news'::regclass::oid::integer, 3) THEN
        FOR note IN
            WITH due AS MATERIALIZED (
                SELECT g.id
                FROM jobrunner.gate_news g
                WHERE g.due_at <= clock_timestamp()
                ORDER BY g.due_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            ),
            taken AS (
                DELETE FROM jobrunner.gate_news g WHERE g.id = ANY (ARRAY(SELECT d.id FROM due d)) RETURNING g.*
            )
            SELECT t.job_id, t.batch_id, bool_or(t.is_new) AS is_new
            FROM taken t
            GROUP BY t.job_id, t.batch_id
            ORDER BY min(t.id)
        LOOP
            verdict := CASE WHEN note.batch_id IS NOT NULL THEN jobrunner.close_batch(note.batch_id)
                ELSE jobrunner.pass_gate(note.job_id, note.is_new) END;
            IF verdict = 'busy' OR verdict = 'shut' AND keep_shut THEN
                INSERT INTO jobrunner.gate_news (job_id, batch_id, is_new, due_at)
                VALUES (note.job_id, note.batch_id, note.is_new AND verdict = 'busy',
                    clock_timestamp() + CASE verdict WHEN 'busy' THEN interval '50 milliseconds' ELSE '0' END);
            ELSE
                done := done + 1;
            END IF;
        END LOOP;
    END IF;
    IF keep_shut AND EXISTS (SELECT 1 FROM jobrunner.gate_news) THEN
        PERFORM jobrunner.wake_for_gates();
    END IF;
    RETURN done;
END $$;

-- Makes a batch: jobs with its id as batch_id are its members. Once it is sealed it finishes when none of them is
-- unfinished; what is inserted in the transaction that seals it counts. Callbacks are jobs as enqueue_many() takes them; their
-- args get batch_id and event beside those given. on_complete: all have finished; on_success: all have completed;
-- on_death: one is dead, at once. Each comes once. parent_id: a batch of which this one is a part.
CREATE FUNCTION jobrunner.create_batch(name text DEFAULT '', on_success jsonb DEFAULT NULL, on_complete jsonb DEFAULT NULL,
    on_death jsonb DEFAULT NULL, parent_id bigint DEFAULT NULL, sealed boolean DEFAULT false, meta jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    made bigint;
BEGIN
    PERFORM jobrunner.new_job(c.job)
    FROM (VALUES (on_success), (on_complete), (on_death)) AS c(job)
    WHERE c.job IS NOT NULL;
    IF parent_id IS NOT NULL THEN
        PERFORM 1 FROM jobrunner.batches b WHERE b.id = parent_id AND b.finished_at IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'parent_id is %, which is no unfinished batch', parent_id USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    INSERT INTO jobrunner.batches (name, on_success, on_complete, on_death, parent_id, sealed_at, meta)
    VALUES (coalesce(name, ''), on_success, on_complete, on_death, parent_id, CASE WHEN sealed THEN now() END,
        coalesce(meta, '{}'))
    RETURNING id INTO made;
    IF sealed THEN
        INSERT INTO jobrunner.gate_news (batch_id) VALUES (made);
        PERFORM jobrunner.wake_for_gates();
    END IF;
    RETURN made;
END $$;

-- Says that a batch has all its members, or those that will add the others: it may finish.
CREATE FUNCTION jobrunner.seal_batch(id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE jobrunner.batches b SET sealed_at = coalesce(b.sealed_at, now()) WHERE b.id = seal_batch.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % is not found', id USING ERRCODE = 'JR404';
    END IF;
    INSERT INTO jobrunner.gate_news (batch_id) VALUES (seal_batch.id);
    PERFORM jobrunner.wake_for_gates();
END $$;

-- How far batches are. eta: by the pace so far; null where there is none.
CREATE VIEW jobrunner.batch_stats AS
SELECT
    b.id, b.name, b.parent_id,
    CASE WHEN b.finished_at IS NOT NULL THEN 'finished' WHEN b.sealed_at IS NOT NULL THEN 'sealed' ELSE 'open' END AS state,
    u.unfinished, u.running, c.completed, c.cancelled, c.dead,
    b.created_at, b.sealed_at, b.finished_at, b.succeeded_at, b.died_at,
    CASE WHEN u.unfinished > 0 AND c.completed + c.cancelled + c.dead > 0
        THEN now() + (now() - b.created_at) * u.unfinished / (c.completed + c.cancelled + c.dead) END AS eta,
    b.problem, b.meta
FROM jobrunner.batches b
CROSS JOIN LATERAL (
    SELECT count(*) AS unfinished, count(*) FILTER (WHERE j.state = 'running') AS running
    FROM jobrunner.jobs j WHERE j.batch_id = b.id) u
CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.completed), 0) AS completed, coalesce(sum(s.cancelled), 0) AS cancelled,
        coalesce(sum(s.dead), 0) AS dead
    FROM jobrunner.batch_counts s WHERE s.batch_id = b.id) c;

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (7, 'gates', 'by hand', '0.1.0');

-- ---- 0008 limits ----

-- Limits: how many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.

CREATE TYPE jobrunner.job_limit AS (id bigint, at_most integer, starts integer, period interval, line text);

-- The limits that a job is under, and the line in which each of them holds it.
CREATE FUNCTION jobrunner.limits_on(of_kind text, of_queue text, of_key text) RETURNS SETOF jobrunner.job_limit
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    SELECT l.id, l.at_most, l.starts, l.period, l.id || ':'
    FROM jobrunner.limits l
    WHERE (l.scope = 'queue' AND l.name = of_queue)
        OR (l.scope = 'kind' AND l.name = of_kind)
        OR (l.scope = 'key' AND l.name = of_key)
    UNION ALL
    SELECT l.id, l.at_most, l.starts, l.period, l.id || ':' || of_key
    FROM jobrunner.limits l
    WHERE of_key IS NOT NULL AND l.scope = 'key' AND right(l.name, 1) = '*'
        AND starts_with(of_key, left(l.name, -1)) AND l.name <> of_key
    ORDER BY 1
$$;

-- A limit that is set, changed or removed counts at once: workers that sleep look at the lines again.
CREATE FUNCTION jobrunner.wake_for_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM jobrunner.wake_for_gates();
    RETURN NULL;
END $$;

CREATE TRIGGER limits_wake
    AFTER INSERT OR UPDATE OR DELETE ON jobrunner.limits
    FOR EACH STATEMENT
    EXECUTE FUNCTION jobrunner.wake_for_limits();

INSERT INTO jobrunner.migrations (number, name, applied_by, oldest_binary)
VALUES (8, 'limits', 'by hand', '0.1.0');
