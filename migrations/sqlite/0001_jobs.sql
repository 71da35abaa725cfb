-- The jobs' home: unfinished jobs, history, dead letters, attempts, output.
--
-- Locks:   the file, for a moment; it only creates.
-- Oldest binary: 0.1.0
-- Go back: remove the file, or drop the tables that it creates; nothing existed before it.
--
-- Instants are text in one shape only, 2026-01-31T09:00:00.000Z, so that they compare as text; lengths of time are
-- seconds; arrays and objects are JSON text; truth is 0 or 1.
--
-- Checks run for each row that is inserted, so they are written for speed: what is null or has its default is let
-- through at once, and no list of IN is longer than two, since SQLite makes a table of longer ones each time. What is
-- printable, in the patterns of GLOB, lies between the space and the tilde, or from U+00A0 to the last character.

-- Unfinished jobs only. What every claim and settle looks at stands first, what may be long stands last.
--
-- A job may run when state is 'available' or 'retryable' and run_at has come. There is one writer at a time and no
-- dead rows, so the claim order needs no places beside run_at and id, and nothing is promoted. With state = 'blocked' it
-- waits for other jobs.
CREATE TABLE jobs (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    state                 TEXT NOT NULL DEFAULT 'available',
    worker                INTEGER,
    fence                 INTEGER NOT NULL DEFAULT 0,
    rerun                 INTEGER NOT NULL DEFAULT 0,
    attempt               INTEGER NOT NULL DEFAULT 0,
    priority              INTEGER NOT NULL DEFAULT 0,
    queue                 TEXT NOT NULL DEFAULT 'default',
    kind                  TEXT NOT NULL,
    run_at                TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    expires_at            TEXT,
    requires              TEXT NOT NULL DEFAULT '[]',
    claimed_at            TEXT,
    created_at            TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- When it was put into the queue, or put back.
    ready_at              TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at            TEXT,
    max_attempts          INTEGER,
    attempt_limit         INTEGER,
    retry_delay           REAL,
    timeout               REAL,
    crashes               INTEGER NOT NULL DEFAULT 0,
    snoozes               INTEGER NOT NULL DEFAULT 0,
    give_backs            INTEGER NOT NULL DEFAULT 0,
    cost                  INTEGER NOT NULL DEFAULT 1,
    batch_id              INTEGER,
    unique_key            TEXT,
    concurrency_key       TEXT,
    serial_key            TEXT,
    fair_key              TEXT,
    affinity_key          TEXT,
    depends_on            TEXT,
    on_dependency_failure TEXT NOT NULL DEFAULT 'cancel',
    traceparent           TEXT,
    reason                TEXT,
    schedule              TEXT,
    held_in               TEXT, -- the line of a limit in which it waits
    tags                  TEXT NOT NULL DEFAULT '[]',
    meta                  TEXT NOT NULL DEFAULT '{}',
    args                  TEXT NOT NULL DEFAULT '{}',

    -- Serves ON CONFLICT (unique_key); whole, because a plain ON CONFLICT can infer no partial index.
    CONSTRAINT jobs_unique_key UNIQUE (unique_key),

    CONSTRAINT jobs_state_is_known
        CHECK (state = 'available' OR state = 'running' OR state = 'retryable' OR state = 'scheduled'
            OR state = 'blocked'),
    CONSTRAINT jobs_kind_is_1_to_128_printable_characters
        CHECK (length(kind) BETWEEN 1 AND 128
            AND (length(CAST(kind AS BLOB)) = length(kind) OR instr(kind, char(0)) = 0)
            AND kind NOT GLOB '*[^ -~ -􏿿]*'),
    CONSTRAINT jobs_queue_is_1_to_128_printable_characters
        CHECK (queue = 'default' OR (length(queue) BETWEEN 1 AND 128
            AND (length(CAST(queue AS BLOB)) = length(queue) OR instr(queue, char(0)) = 0)
            AND queue NOT GLOB '*[^ -~ -􏿿]*')),
    CONSTRAINT jobs_priority_is_minus_32768_to_32767 CHECK (priority BETWEEN -32768 AND 32767),
    CONSTRAINT jobs_args_is_an_object
        CHECK (args = '{}' OR CASE WHEN json_valid(args) THEN json_type(args) = 'object' ELSE 0 END),
    CONSTRAINT jobs_args_is_at_most_1_mib CHECK (args = '{}' OR length(CAST(args AS BLOB)) <= 1048576),
    CONSTRAINT jobs_meta_is_an_object_of_at_most_64_kib
        CHECK (meta = '{}' OR CASE WHEN json_valid(meta)
            THEN json_type(meta) = 'object' AND length(CAST(meta AS BLOB)) <= 65536 ELSE 0 END),
    CONSTRAINT jobs_run_at_is_finite CHECK (run_at NOT IN ('infinity', '-infinity')),
    CONSTRAINT "jobs_run_at_is_like_2026-01-31T09:00:00.000Z"
        CHECK (run_at GLOB '[0-9]*' AND run_at IS strftime('%Y-%m-%dT%H:%M:%fZ', run_at)),
    CONSTRAINT jobs_expires_at_is_finite CHECK (expires_at IS NULL OR expires_at NOT IN ('infinity', '-infinity')),
    CONSTRAINT "jobs_expires_at_is_like_2026-01-31T09:00:00.000Z"
        CHECK (expires_at IS NULL
            OR (expires_at GLOB '[0-9]*' AND expires_at IS strftime('%Y-%m-%dT%H:%M:%fZ', expires_at))),
    CONSTRAINT jobs_max_attempts_is_1_to_10000 CHECK (max_attempts BETWEEN 1 AND 10000),
    CONSTRAINT jobs_timeout_is_over_0_and_at_most_30_days CHECK (timeout > 0 AND timeout <= 2592000),
    CONSTRAINT jobs_cost_is_1_to_1000000 CHECK (cost BETWEEN 1 AND 1000000),
    CONSTRAINT jobs_unique_key_is_1_to_1024_bytes
        CHECK (unique_key IS NULL OR length(CAST(unique_key AS BLOB)) BETWEEN 1 AND 1024),
    CONSTRAINT jobs_concurrency_key_is_1_to_512_bytes
        CHECK (concurrency_key IS NULL OR length(CAST(concurrency_key AS BLOB)) BETWEEN 1 AND 512),
    CONSTRAINT jobs_serial_key_is_1_to_512_bytes
        CHECK (serial_key IS NULL OR length(CAST(serial_key AS BLOB)) BETWEEN 1 AND 512),
    CONSTRAINT jobs_fair_key_is_1_to_512_bytes CHECK (fair_key IS NULL OR length(CAST(fair_key AS BLOB)) BETWEEN 1 AND 512),
    CONSTRAINT jobs_affinity_key_is_1_to_512_bytes
        CHECK (affinity_key IS NULL OR length(CAST(affinity_key AS BLOB)) BETWEEN 1 AND 512),
    CONSTRAINT jobs_requires_is_an_array
        CHECK (requires = '[]' OR CASE WHEN json_valid(requires) THEN json_type(requires) = 'array' ELSE 0 END),
    CONSTRAINT jobs_requires_is_at_most_4_kib CHECK (requires = '[]' OR length(CAST(requires AS BLOB)) <= 4096),
    CONSTRAINT jobs_tags_is_an_array
        CHECK (tags = '[]' OR CASE WHEN json_valid(tags) THEN json_type(tags) = 'array' ELSE 0 END),
    CONSTRAINT jobs_tags_is_at_most_4_kib CHECK (tags = '[]' OR length(CAST(tags AS BLOB)) <= 4096),
    CONSTRAINT jobs_depends_on_is_at_most_10000_ids
        CHECK (depends_on IS NULL OR CASE WHEN json_valid(depends_on)
            THEN json_type(depends_on) = 'array' AND json_array_length(depends_on) BETWEEN 1 AND 10000 ELSE 0 END),
    CONSTRAINT jobs_on_dependency_failure_is_cancel_run_or_block
        CHECK (on_dependency_failure = 'cancel' OR on_dependency_failure = 'run'
            OR on_dependency_failure = 'block'),
    CONSTRAINT jobs_traceparent_is_at_most_128_bytes
        CHECK (traceparent IS NULL OR length(CAST(traceparent AS BLOB)) <= 128),
    -- I2: running exactly when a worker is set.
    CONSTRAINT jobs_running_has_a_worker CHECK ((state = 'running') = (worker IS NOT NULL)),
    CONSTRAINT jobs_held_in_a_line_is_blocked CHECK (held_in IS NULL OR state = 'blocked')
) STRICT;

-- Serves claim_jobs and probe_lanes: a lane's jobs in claim order, those due first and those ahead of their time after
-- them. kind stands in it so that jobs of kinds that a worker does not have are passed over without a look at them.
CREATE INDEX jobs_claimable ON jobs (queue, priority, run_at, id, kind)
    WHERE state IN ('available', 'retryable');

-- Serves line_after and jobs_of_line: jobs that a limit holds back, line by line.
CREATE INDEX jobs_held_in ON jobs (held_in, priority, run_at, id) WHERE held_in IS NOT NULL;

-- Serves expire_jobs.
CREATE INDEX jobs_expiring ON jobs (expires_at)
    WHERE expires_at IS NOT NULL AND state <> 'running';

-- Serves batch progress and batch cancel.
CREATE INDEX jobs_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;

-- Serves the choice of the next job of a serial key.
CREATE INDEX jobs_serial ON jobs (serial_key, id) WHERE serial_key IS NOT NULL;

-- One row per claim that took anything: the jobs it took. It stands in for an index on the running
-- jobs, which would cost every claim a write per job. Removed with the last of its jobs; a row left
-- behind is harmless, since every reader checks the jobs themselves.
CREATE TABLE claims (
    worker     INTEGER NOT NULL,
    batch      INTEGER NOT NULL,
    claimed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    jobs       TEXT NOT NULL,
    -- Serves rescue and the reading back of a claim in doubt.
    CONSTRAINT claims_pkey PRIMARY KEY (worker, batch)
) STRICT, WITHOUT ROWID;

-- Finished jobs that are not dead. keep_until is the first day on which a row may go, or 'infinity', which sorts
-- behind every day; rows whose day has come are deleted in slices.
CREATE TABLE history (
    id                    INTEGER PRIMARY KEY,
    state                 TEXT NOT NULL,
    worker                INTEGER,
    fence                 INTEGER NOT NULL,
    keep_until            TEXT NOT NULL,
    finished_at           TEXT NOT NULL,
    attempt               INTEGER NOT NULL,
    priority              INTEGER NOT NULL,
    queue                 TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    run_at                TEXT NOT NULL,
    expires_at            TEXT,
    requires              TEXT NOT NULL,
    claimed_at            TEXT,
    created_at            TEXT NOT NULL,
    started_at            TEXT,
    max_attempts          INTEGER,
    timeout               REAL,
    crashes               INTEGER NOT NULL,
    snoozes               INTEGER NOT NULL,
    give_backs            INTEGER NOT NULL,
    cost                  INTEGER NOT NULL,
    batch_id              INTEGER,
    unique_key            TEXT,
    concurrency_key       TEXT,
    serial_key            TEXT,
    fair_key              TEXT,
    affinity_key          TEXT,
    depends_on            TEXT,
    on_dependency_failure TEXT NOT NULL,
    traceparent           TEXT,
    reason                TEXT,
    schedule              TEXT,
    cpu_ms                INTEGER,
    max_rss_bytes         INTEGER,
    read_bytes            INTEGER,
    write_bytes           INTEGER,
    tags                  TEXT NOT NULL,
    meta                  TEXT NOT NULL,
    args                  TEXT NOT NULL,
    result                TEXT,
    output                TEXT,
    error                 TEXT,
    attempts              TEXT,
    CONSTRAINT history_state_is_completed_or_cancelled CHECK (state IN ('completed', 'cancelled')),
    CONSTRAINT history_result_is_json CHECK (result IS NULL OR json_valid(result))
) STRICT;

-- Serves drop_history_days.
CREATE INDEX history_keep_until ON history (keep_until);

-- Dead letters: out of attempts, or failed for good. Kept until someone retries or deletes them.
CREATE TABLE dead_jobs (
    id                    INTEGER PRIMARY KEY,
    state                 TEXT NOT NULL,
    worker                INTEGER,
    fence                 INTEGER NOT NULL,
    keep_until            TEXT NOT NULL DEFAULT 'infinity',
    finished_at           TEXT NOT NULL,
    attempt               INTEGER NOT NULL,
    priority              INTEGER NOT NULL,
    queue                 TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    run_at                TEXT NOT NULL,
    expires_at            TEXT,
    requires              TEXT NOT NULL,
    claimed_at            TEXT,
    created_at            TEXT NOT NULL,
    started_at            TEXT,
    max_attempts          INTEGER,
    timeout               REAL,
    crashes               INTEGER NOT NULL,
    snoozes               INTEGER NOT NULL,
    give_backs            INTEGER NOT NULL,
    cost                  INTEGER NOT NULL,
    batch_id              INTEGER,
    unique_key            TEXT,
    concurrency_key       TEXT,
    serial_key            TEXT,
    fair_key              TEXT,
    affinity_key          TEXT,
    depends_on            TEXT,
    on_dependency_failure TEXT NOT NULL,
    traceparent           TEXT,
    reason                TEXT,
    schedule              TEXT,
    cpu_ms                INTEGER,
    max_rss_bytes         INTEGER,
    read_bytes            INTEGER,
    write_bytes           INTEGER,
    tags                  TEXT NOT NULL,
    meta                  TEXT NOT NULL,
    args                  TEXT NOT NULL,
    result                TEXT,
    output                TEXT,
    error                 TEXT,
    attempts              TEXT,
    fingerprint           TEXT,
    CONSTRAINT dead_jobs_state_is_dead CHECK (state = 'dead')
) STRICT;

-- Serves `dead`: dead letters grouped by error, newest first.
CREATE INDEX dead_jobs_fingerprint ON dead_jobs (kind, fingerprint, finished_at);

-- Closed claims of unfinished jobs; they move into the job's own row when it finishes.
CREATE TABLE attempt_log (
    job_id        INTEGER NOT NULL,
    fence         INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    worker        INTEGER,
    started_at    TEXT,
    finished_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    outcome       TEXT NOT NULL,
    exit_code     INTEGER,
    signal        INTEGER,
    cpu_ms        INTEGER,
    max_rss_bytes INTEGER,
    read_bytes    INTEGER,
    write_bytes   INTEGER,
    error_class   TEXT,
    error         TEXT,
    backtrace     TEXT,
    output        TEXT,
    -- I3 and I12: a claim has one closing event.
    CONSTRAINT attempt_log_pkey PRIMARY KEY (job_id, fence),
    CONSTRAINT attempt_log_outcome_is_known CHECK (outcome IN
        ('completed', 'failed', 'killed', 'out_of_memory', 'timed_out', 'crashed', 'cancelled', 'snoozed', 'released',
         'settled_by_job'))
) STRICT;

-- Serves clear_marks. A mark, 'settled_by_job', stands where a job that settled itself left no other row.
CREATE INDEX attempt_log_marks ON attempt_log (finished_at) WHERE outcome = 'settled_by_job';

-- What a running job printed and said so far; cleared when its attempt is settled.
CREATE TABLE output_chunks (
    job_id     INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    stream     TEXT NOT NULL,
    body       TEXT NOT NULL,
    CONSTRAINT output_chunks_pkey PRIMARY KEY (job_id, fence, sequence),
    CONSTRAINT output_chunks_stream_is_out_error_or_log CHECK (stream IN ('out', 'error', 'log')),
    CONSTRAINT output_chunks_body_is_at_most_64_kib CHECK (length(CAST(body AS BLOB)) <= 65536)
) STRICT;

-- A running job's last word of progress, and the checkpoint handed to its next attempt.
CREATE TABLE progress (
    job_id     INTEGER PRIMARY KEY,
    fence      INTEGER NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    percent    REAL,
    note       TEXT,
    checkpoint TEXT,
    CONSTRAINT progress_percent_is_0_to_100 CHECK (percent BETWEEN 0 AND 100),
    CONSTRAINT progress_checkpoint_is_json CHECK (checkpoint IS NULL OR json_valid(checkpoint)),
    CONSTRAINT progress_checkpoint_is_at_most_1_mib CHECK (length(CAST(checkpoint AS BLOB)) <= 1048576)
) STRICT;
