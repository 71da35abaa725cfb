-- The jobs' home: unfinished jobs, history, dead letters, attempts, output.
--
-- Locks:   none on existing tables; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the schema; nothing existed before it.

CREATE TYPE {schema}.job_state AS ENUM
    ('available', 'scheduled', 'blocked', 'running', 'retryable', 'completed', 'cancelled', 'dead');

-- Places in the claim order. A job takes a new place whenever it becomes
-- runnable again, so that nothing ever becomes runnable below a place that
-- a worker has already read past (late commits excepted, which are re-read).
CREATE SEQUENCE {schema}.job_positions AS bigint;

-- Unfinished jobs only. Columns are ordered by width so that a row carries no padding.
--
-- A row stands in the claim order when state = 'available' and run_at <= ready_at.
-- With run_at > ready_at it is scheduled (or retryable): it is in no claim's way and
-- is promoted when its time has come, with ready_at = now() and a new position.
-- With state = 'blocked' it waits for other jobs; passing its gate gives it a place.
CREATE TABLE {schema}.jobs (
    id                    bigint GENERATED ALWAYS AS IDENTITY,
    position              bigint NOT NULL DEFAULT nextval('{schema}.job_positions'),
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
    state                 {schema}.job_state NOT NULL DEFAULT 'available',
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
CREATE INDEX jobs_claimable ON {schema}.jobs (queue, priority, position)
    WHERE state = 'available' AND run_at <= ready_at;

-- Serves promote_jobs and next_due: jobs whose time is still ahead.
CREATE INDEX jobs_due ON {schema}.jobs (run_at)
    WHERE state IN ('available', 'retryable') AND run_at > ready_at;

-- Serves expire_jobs.
CREATE INDEX jobs_expiring ON {schema}.jobs (expires_at)
    WHERE expires_at IS NOT NULL AND state <> 'running';

-- Serves batch progress and batch cancel.
CREATE INDEX jobs_batch ON {schema}.jobs (batch_id) WHERE batch_id IS NOT NULL;

-- Serves the choice of the next job of a serial key.
CREATE INDEX jobs_serial ON {schema}.jobs (serial_key, id) WHERE serial_key IS NOT NULL;

-- Serves line_after and jobs_of_line: jobs that a limit holds back, line by line.
CREATE INDEX jobs_held_in ON {schema}.jobs (held_in, priority, position) WHERE held_in IS NOT NULL;

-- One row per claim that took anything: the jobs it took. It stands in for an index on the running
-- jobs, which would cost every claim a write per job. Removed with the last of its jobs; a row left
-- behind is harmless, since every reader checks the jobs themselves.
CREATE TABLE {schema}.claims (
    worker     bigint NOT NULL,
    batch      bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    jobs       bigint[] NOT NULL,
    -- Serves rescue, running_jobs and the reading back of a claim in doubt.
    CONSTRAINT claims_pkey PRIMARY KEY (worker, batch)
);
-- A batch's ids live for a moment: to compress them would cost more than the space.
ALTER TABLE {schema}.claims ALTER COLUMN jobs SET STORAGE EXTERNAL;

-- Finished jobs that are not dead, by the day until which they are kept.
-- A day's partition is dropped whole; no row is ever deleted one by one.
CREATE TABLE {schema}.history (
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
    state                 {schema}.job_state NOT NULL,
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
CREATE INDEX history_id ON {schema}.history (id);

-- Kept for ever by the kind's wish.
CREATE TABLE {schema}.history_for_ever PARTITION OF {schema}.history FOR VALUES FROM ('infinity') TO (MAXVALUE);
-- Catches a day whose partition does not stand yet, so that a settle never fails for want of one.
CREATE TABLE {schema}.history_other PARTITION OF {schema}.history DEFAULT;

-- Dead letters: out of attempts, or failed for good. Kept until someone retries or deletes them.
CREATE TABLE {schema}.dead_jobs (LIKE {schema}.history);
ALTER TABLE {schema}.dead_jobs
    ALTER COLUMN keep_until SET DEFAULT 'infinity',
    ADD COLUMN fingerprint text,
    ADD CONSTRAINT dead_jobs_pkey PRIMARY KEY (id),
    ADD CONSTRAINT dead_jobs_state_is_dead CHECK (state = 'dead');

-- Serves `dead`: dead letters grouped by error, newest first.
CREATE INDEX dead_jobs_fingerprint ON {schema}.dead_jobs (kind, fingerprint, finished_at);

-- Closed claims of unfinished jobs; they move into the job's own row when it finishes.
CREATE TABLE {schema}.attempt_log (
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
CREATE INDEX attempt_log_marks ON {schema}.attempt_log (finished_at) WHERE outcome = 'settled_by_job';

-- What a running job printed and said so far; cleared when its attempt is settled.
CREATE TABLE {schema}.output_chunks (
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
CREATE TABLE {schema}.progress (
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
