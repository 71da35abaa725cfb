-- The schema as it is now, for SQLite. Written by scripts/dump_schema; do not edit.
--
--   sqlite3 -bail FILE < schema/sqlite.sql
--
-- makes what `jobrunner migrate` makes of a file without one.

CREATE TABLE IF NOT EXISTS migrations (
    number        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    applied_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    applied_by    TEXT NOT NULL,
    -- Binaries older than this one no longer fit the schema from here on.
    oldest_binary TEXT NOT NULL
) STRICT;

-- ---- 0001 jobs ----

-- The jobs' home: unfinished jobs, history, dead letters, attempts, output.

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

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (1, 'jobs', 'by hand', '0.1.0');

-- ---- 0002 workers ----

-- Workers, what their configurations publish, operators' requests, statistics.

-- One row per start of a worker process. Its lease covers all its claims.
CREATE TABLE workers (
    id           INTEGER PRIMARY KEY,
    started_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    heartbeat_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    lease_until  TEXT NOT NULL,
    lease        REAL NOT NULL,
    pid          INTEGER NOT NULL,
    slots        INTEGER NOT NULL,
    running      INTEGER NOT NULL DEFAULT 0,
    -- 'lost': lease passed, jobs not all taken back yet; 'gone': lost and cleared up; 'stopped': left by itself.
    state        TEXT NOT NULL DEFAULT 'running',
    name         TEXT NOT NULL,
    host         TEXT NOT NULL,
    version      TEXT NOT NULL,
    labels       TEXT NOT NULL DEFAULT '[]',
    queues       TEXT NOT NULL DEFAULT '[]',
    kinds        TEXT NOT NULL DEFAULT '[]',
    report       TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT workers_id_is_positive CHECK (id > 0),
    CONSTRAINT workers_lease_is_1_second_to_1_hour CHECK (lease BETWEEN 1 AND 3600),
    CONSTRAINT workers_state_is_known CHECK (state IN ('running', 'quiet', 'stopping', 'stopped', 'lost', 'gone'))
) STRICT;

-- Serves mark_lost_workers and abandoned_jobs.
CREATE INDEX workers_lease ON workers (lease_until) WHERE state NOT IN ('stopped', 'gone');

-- Policies that workers publish: what a kind promises, never what it executes. The latest publisher wins.
CREATE TABLE kinds (
    kind          TEXT NOT NULL,
    max_attempts  INTEGER NOT NULL,
    -- Waits in milliseconds after attempts 1, 2, …; the last stands for all later ones.
    retry_delays  TEXT NOT NULL,
    timeout       REAL,
    keep          REAL,
    snooze        REAL NOT NULL DEFAULT 60,
    notify        INTEGER NOT NULL DEFAULT 0,
    record_every_attempt INTEGER NOT NULL DEFAULT 0,
    unique_policy TEXT,
    published_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    published_by  TEXT NOT NULL DEFAULT '',
    CONSTRAINT kinds_pkey PRIMARY KEY (kind),
    CONSTRAINT kinds_has_retry_delays CHECK (json_array_length(retry_delays) >= 1)
) STRICT, WITHOUT ROWID;

-- Queues that somebody has said something about; a queue needs no row here to be used.
CREATE TABLE queues (
    queue     TEXT NOT NULL,
    paused_at TEXT,
    paused_by TEXT,
    slots     INTEGER,
    weight    INTEGER,
    CONSTRAINT queues_pkey PRIMARY KEY (queue),
    CONSTRAINT queues_queue_is_1_to_128_printable_characters
        CHECK (length(queue) BETWEEN 1 AND 128
            AND (length(CAST(queue AS BLOB)) = length(queue) OR instr(queue, char(0)) = 0)
            AND queue NOT GLOB '*[^ -~ -􏿿]*'),
    CONSTRAINT queues_slots_is_not_negative CHECK (slots >= 0),
    CONSTRAINT queues_weight_is_1_to_1000 CHECK (weight BETWEEN 1 AND 1000)
) STRICT, WITHOUT ROWID;

-- Wishes to stop running jobs; their worker grants them.
CREATE TABLE cancel_requests (
    job_id       INTEGER PRIMARY KEY,
    fence        INTEGER NOT NULL,
    worker       INTEGER NOT NULL,
    requested_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    requested_by TEXT NOT NULL
) STRICT;

-- Serves cancel_requests.
CREATE INDEX cancel_requests_worker ON cancel_requests (worker);

-- What operators did, in their words' stead.
CREATE TABLE operator_audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    job_id  INTEGER,
    queue   TEXT,
    details TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- Serves the audit trail of one job.
CREATE INDEX operator_audit_job ON operator_audit (job_id) WHERE job_id IS NOT NULL;

-- Settled work per minute, counted by the very transaction that settles it. There is one writer at a time, so the
-- counts are added up in place.
CREATE TABLE statistics (
    minute    TEXT NOT NULL,
    queue     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    dead      INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    snoozed   INTEGER NOT NULL DEFAULT 0,
    released  INTEGER NOT NULL DEFAULT 0,
    crashed   INTEGER NOT NULL DEFAULT 0,
    run_ms    INTEGER NOT NULL DEFAULT 0,
    wait_ms   INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT statistics_pkey PRIMARY KEY (minute, queue, kind)
) STRICT, WITHOUT ROWID;

-- Empty: nothing has to be folded into `statistics` later. It stands so that one query reads both databases.
CREATE TABLE statistics_log (
    minute    TEXT NOT NULL,
    queue     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    dead      INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    snoozed   INTEGER NOT NULL DEFAULT 0,
    released  INTEGER NOT NULL DEFAULT 0,
    crashed   INTEGER NOT NULL DEFAULT 0,
    run_ms    INTEGER NOT NULL DEFAULT 0,
    wait_ms   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Deploys and other marks on the time line.
CREATE TABLE events (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    event TEXT NOT NULL,
    note  TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (2, 'workers', 'by hand', '0.1.0');

-- ---- 0003 policies ----

-- The homes of policies: batches, dependencies, turns, schedules, limits, uniqueness windows, signals.

CREATE TABLE batches (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    parent_id   INTEGER,
    created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    sealed_at   TEXT, -- from then on it may finish
    finished_at TEXT, -- all members have finished; on_complete was enqueued
    succeeded_at TEXT, -- all members have completed; on_success was enqueued
    died_at     TEXT, -- a member is dead; on_death was enqueued
    name        TEXT NOT NULL DEFAULT '',
    on_success  TEXT,
    on_complete TEXT,
    on_death    TEXT,
    meta        TEXT NOT NULL DEFAULT '{}',
    problem     TEXT, -- why a callback could not be enqueued
    CONSTRAINT batches_name_is_at_most_512_bytes CHECK (length(CAST(name AS BLOB)) <= 512),
    CONSTRAINT batches_on_success_is_an_object
        CHECK (on_success IS NULL OR CASE WHEN json_valid(on_success) THEN json_type(on_success) = 'object' ELSE 0 END),
    CONSTRAINT batches_on_complete_is_an_object
        CHECK (on_complete IS NULL OR CASE WHEN json_valid(on_complete) THEN json_type(on_complete) = 'object' ELSE 0 END),
    CONSTRAINT batches_on_death_is_an_object
        CHECK (on_death IS NULL OR CASE WHEN json_valid(on_death) THEN json_type(on_death) = 'object' ELSE 0 END),
    CONSTRAINT batches_meta_is_an_object CHECK (CASE WHEN json_valid(meta) THEN json_type(meta) = 'object' ELSE 0 END)
) STRICT;

-- Serves close_batch: the batches in a batch.
CREATE INDEX batches_parent ON batches (parent_id) WHERE parent_id IS NOT NULL;
-- Serves clear_batches.
CREATE INDEX batches_finished ON batches (finished_at) WHERE finished_at IS NOT NULL;

-- Members as they finish: summed up for progress, folded when the batch is looked at.
CREATE TABLE batch_counts (
    batch_id  INTEGER NOT NULL,
    at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    completed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    dead      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Serves the sum of one batch.
CREATE INDEX batch_counts_batch ON batch_counts (batch_id);

-- An edge per parent of a blocked job. An edge is closed in place by its parent's settle; the child's own
-- row is written once, when its last edge closes, however many parents it has.
CREATE TABLE dependencies (
    job_id       INTEGER NOT NULL,
    parent_id    INTEGER NOT NULL,
    closed_at    TEXT,
    parent_state TEXT, -- how the parent ended
    result       TEXT, -- the parent's, which so outlives its history
    keep_until   TEXT, -- as long as the job itself; null while that is unfinished or dead
    CONSTRAINT dependencies_pkey PRIMARY KEY (job_id, parent_id)
) STRICT, WITHOUT ROWID;

-- Serves the closing of a settled parent's edges.
CREATE INDEX dependencies_open ON dependencies (parent_id) WHERE closed_at IS NULL;

-- Serves pass_gates: what a job still waits for.
CREATE INDEX dependencies_pending ON dependencies (job_id) WHERE closed_at IS NULL;
-- Serves clear_dependencies.
CREATE INDEX dependencies_kept ON dependencies (keep_until) WHERE keep_until IS NOT NULL;

-- Which job of a serial key may run. A turn whose job has finished is anyone's to hand on.
CREATE TABLE serial_turns (
    serial_key TEXT NOT NULL,
    job_id     INTEGER NOT NULL,
    since      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT serial_turns_pkey PRIMARY KEY (serial_key)
) STRICT, WITHOUT ROWID;

-- What has changed about blocked jobs and batches since a worker last looked at them: a job, a serial key or a batch.
CREATE TABLE gate_news (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id     INTEGER,
    serial_key TEXT,
    batch_id   INTEGER
) STRICT;

CREATE TABLE schedules (
    name       TEXT NOT NULL,
    expression TEXT NOT NULL,
    time_zone  TEXT NOT NULL DEFAULT 'UTC',
    kind       TEXT NOT NULL,
    args       TEXT NOT NULL DEFAULT '{}',
    options    TEXT NOT NULL DEFAULT '{}',
    overlap    TEXT NOT NULL DEFAULT 'queue',
    missed     TEXT NOT NULL DEFAULT 'last',
    jitter     REAL NOT NULL DEFAULT 0,
    next_at    TEXT,
    paused_at  TEXT,
    source     TEXT NOT NULL DEFAULT 'sql',
    problem    TEXT,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT schedules_pkey PRIMARY KEY (name),
    CONSTRAINT schedules_name_is_1_to_128_printable_characters
        CHECK (length(name) BETWEEN 1 AND 128
            AND (length(CAST(name AS BLOB)) = length(name) OR instr(name, char(0)) = 0)
            AND name NOT GLOB '*[^ -~ -􏿿]*'),
    CONSTRAINT schedules_overlap_is_skip_queue_allow_or_replace
        CHECK (overlap IN ('skip', 'queue', 'allow', 'replace')),
    CONSTRAINT schedules_missed_is_none_last_or_all_up_to_1000
        CHECK (missed IN ('none', 'last')
            OR (missed GLOB 'all up to [1-9]*' AND substr(missed, 11) NOT GLOB '*[^0-9]*'
                AND CAST(substr(missed, 11) AS INTEGER) <= 1000)),
    CONSTRAINT schedules_jitter_is_at_most_1_day CHECK (jitter BETWEEN 0 AND 86400),
    CONSTRAINT schedules_args_is_an_object
        CHECK (CASE WHEN json_valid(args) THEN json_type(args) = 'object' ELSE 0 END),
    CONSTRAINT schedules_options_is_an_object
        CHECK (CASE WHEN json_valid(options) THEN json_type(options) = 'object' ELSE 0 END)
) STRICT, WITHOUT ROWID;

-- Serves the search for due schedules.
CREATE INDEX schedules_due ON schedules (next_at) WHERE paused_at IS NULL;

-- A schedule that means other times, or is paused or resumed, is worked out anew from then on.
CREATE TRIGGER schedules_restart AFTER UPDATE OF expression, time_zone, missed, paused_at ON schedules
WHEN (OLD.expression, OLD.time_zone, OLD.missed, OLD.paused_at)
    IS NOT (NEW.expression, NEW.time_zone, NEW.missed, NEW.paused_at)
BEGIN
    UPDATE schedules
    SET next_at = NULL, problem = NULL, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE name = NEW.name;
END;

-- A due time enqueues once: the key decides, whoever comes first.
CREATE TABLE schedule_runs (
    schedule    TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    enqueued_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    job_id      INTEGER,
    outcome     TEXT NOT NULL DEFAULT 'enqueued',
    CONSTRAINT schedule_runs_pkey PRIMARY KEY (schedule, due_at),
    CONSTRAINT schedule_runs_outcome_is_known
        CHECK (outcome IN ('enqueued', 'waiting', 'skipped', 'refused', 'run now'))
) STRICT, WITHOUT ROWID;

-- Serves release_runs: due times that wait for an earlier run to finish.
CREATE INDEX schedule_runs_waiting ON schedule_runs (schedule, due_at) WHERE outcome = 'waiting';

-- How many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period of seconds.
CREATE TABLE limits (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    scope   TEXT NOT NULL,
    name    TEXT NOT NULL, -- of a key, 'customer:*' stands for all that begin so, each by itself
    at_most INTEGER,
    starts  INTEGER,
    period  REAL,
    -- Serves limits_on.
    CONSTRAINT limits_scope_and_name UNIQUE (scope, name),
    CONSTRAINT limits_scope_is_queue_kind_or_key CHECK (scope IN ('queue', 'kind', 'key')),
    CONSTRAINT limits_name_is_1_to_512_bytes CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 512),
    CONSTRAINT limits_at_most_or_starts_is_set CHECK (at_most IS NOT NULL OR starts IS NOT NULL),
    CONSTRAINT limits_at_most_is_not_negative CHECK (at_most >= 0),
    CONSTRAINT limits_starts_is_positive CHECK (starts >= 1),
    CONSTRAINT limits_period_is_set_where_starts_is CHECK ((starts IS NULL) = (period IS NULL)),
    CONSTRAINT limits_period_is_1_millisecond_to_31_days CHECK (period BETWEEN 0.001 AND 2678400)
) STRICT;

-- What has started within the periods of limits: a row for each line of a transaction that starts some.
CREATE TABLE limit_starts (
    line       TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    cost       INTEGER NOT NULL
) STRICT;

-- Serves starts_within.
CREATE INDEX limit_starts_line ON limit_starts (line, started_at);
-- Serves clear_starts.
CREATE INDEX limit_starts_at ON limit_starts (started_at);

-- Unique keys that outlive their job.
CREATE TABLE unique_windows (
    unique_key TEXT NOT NULL,
    job_id     INTEGER NOT NULL,
    until      TEXT NOT NULL,
    CONSTRAINT unique_windows_pkey PRIMARY KEY (unique_key)
) STRICT, WITHOUT ROWID;

-- Serves the clearing of windows that have passed.
CREATE INDEX unique_windows_until ON unique_windows (until);

-- Named signals that jobs wait for, and those sent before anyone waited.
CREATE TABLE signals (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    job_id      INTEGER,
    waits_until TEXT,
    sent_at     TEXT,
    payload     TEXT,
    CONSTRAINT signals_name_is_1_to_512_bytes CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 512)
) STRICT;

-- Serves the meeting of a signal with those who wait for it.
CREATE INDEX signals_name ON signals (name);

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (3, 'policies', 'by hand', '0.1.0');

-- ---- 0004 settle ----

-- Running again after a replacement, settling.

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

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (4, 'settle', 'by hand', '0.1.0');

-- ---- 0005 functions ----

-- The verbs that applications and operators use: views without rows into which they insert arguments.

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

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (5, 'functions', 'by hand', '0.1.0');

-- ---- 0006 views ----

-- The views that people and applications read.

-- Every job once, unfinished or finished. States that depend on the clock are derived here.
-- The casts give each column one type throughout: only then are conditions and LIMIT taken into the three tables.
CREATE VIEW all_jobs AS
SELECT
    id,
    CAST(CASE
        WHEN state IN ('available', 'retryable') AND run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'available'
        WHEN state = 'available' THEN 'scheduled'
        ELSE state END AS TEXT) AS state,
    kind, queue, priority, args, run_at, created_at, started_at, claimed_at, CAST(NULL AS TEXT) AS finished_at,
    attempt, max_attempts, attempt_limit, fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    CAST(NULL AS TEXT) AS result, CAST(NULL AS TEXT) AS output, CAST(NULL AS TEXT) AS error,
    CAST(NULL AS INTEGER) AS cpu_ms, CAST(NULL AS INTEGER) AS max_rss_bytes, CAST(NULL AS INTEGER) AS read_bytes,
    CAST(NULL AS INTEGER) AS write_bytes, CAST(NULL AS TEXT) AS keep_until
FROM jobs
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, CAST(NULL AS INTEGER), fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM history
UNION ALL
SELECT
    id, state, kind, queue, priority, args, run_at, created_at, started_at, claimed_at, finished_at,
    attempt, max_attempts, CAST(NULL AS INTEGER), fence, worker, crashes, snoozes, give_backs, timeout, expires_at,
    unique_key, concurrency_key, cost, serial_key, fair_key, affinity_key, requires, depends_on,
    on_dependency_failure, batch_id, tags, meta, traceparent, schedule, reason,
    result, output, error, cpu_ms, max_rss_bytes, read_bytes, write_bytes, keep_until
FROM dead_jobs;

-- One row per claim that did not complete, of unfinished and finished jobs alike.
CREATE VIEW attempts AS
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM attempt_log
UNION ALL
SELECT
    job_id, fence, attempt, worker, started_at, finished_at, outcome, error_class, error, backtrace, exit_code,
    signal, cpu_ms, max_rss_bytes, read_bytes, write_bytes, output
FROM kept_attempts;

-- Counts per queue, from the unfinished jobs and from the statistics of the last two minutes. oldest_age: seconds.
CREATE VIEW queue_stats AS
WITH waiting AS (
    SELECT
        queue,
        count(*) FILTER (WHERE state IN ('available', 'retryable') AND due) AS available,
        count(*) FILTER (WHERE state = 'available' AND NOT due) AS scheduled,
        count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'retryable' AND NOT due) AS retryable,
        min(run_at) FILTER (WHERE state IN ('available', 'retryable') AND due) AS oldest_run_at
    FROM (SELECT queue, state, run_at, run_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS due FROM jobs)
    GROUP BY queue
),
settled AS (
    SELECT queue, sum(completed) AS completed, sum(failed + dead + crashed) AS failed
    FROM statistics
    WHERE minute = strftime('%Y-%m-%dT%H:%M:00.000Z', 'now', '-1 minute')
    GROUP BY queue
),
dead AS (
    SELECT queue, count(*) AS dead FROM dead_jobs GROUP BY queue
),
known AS (
    SELECT queue FROM waiting
    UNION
    SELECT queue FROM settled
    UNION
    SELECT queue FROM dead
    UNION
    SELECT queue FROM queues
)
SELECT
    n.queue,
    q.paused_at IS NOT NULL AS paused,
    coalesce(w.available, 0) AS available,
    coalesce(w.scheduled, 0) AS scheduled,
    coalesce(w.blocked, 0) AS blocked,
    coalesce(w.running, 0) AS running,
    coalesce(w.retryable, 0) AS retryable,
    coalesce(d.dead, 0) AS dead,
    round((julianday('now') - julianday(w.oldest_run_at)) * 86400.0, 3) AS oldest_age,
    coalesce(s.completed, 0) AS completed_per_minute,
    coalesce(s.failed, 0) AS failed_per_minute,
    q.slots,
    q.weight
FROM known n
LEFT JOIN waiting w ON w.queue = n.queue
LEFT JOIN settled s ON s.queue = n.queue
LEFT JOIN dead d ON d.queue = n.queue
LEFT JOIN queues q ON q.queue = n.queue;

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (6, 'views', 'by hand', '0.1.0');

-- ---- 0007 gates ----

-- Jobs that wait for other jobs: dependencies, serial keys, batches.

-- Holds a new job that names other jobs back, and refuses what cannot be.
CREATE TRIGGER jobs_held AFTER INSERT ON jobs
WHEN NEW.serial_key IS NOT NULL OR NEW.depends_on IS NOT NULL OR NEW.batch_id IS NOT NULL
BEGIN
    -- One that is retried may always come back.
    SELECT RAISE(ABORT, 'batch_id is of no batch that takes members: it has finished, or never was')
    WHERE NEW.batch_id IS NOT NULL AND NEW.reason IS NOT 'retried'
        AND NOT EXISTS (SELECT 1 FROM batches WHERE id = NEW.batch_id AND finished_at IS NULL);
    -- A parent was there before its child could name it, so ids grow along the edges and no cycle can be.
    SELECT RAISE(ABORT, 'depends_on has an id that is no earlier job''s')
    WHERE EXISTS (
        SELECT 1 FROM json_each(NEW.depends_on) p
        WHERE p.type <> 'integer' OR p.value >= NEW.id
            OR NOT EXISTS (SELECT 1 FROM job_states s WHERE s.id = p.value));

    INSERT INTO dependencies (job_id, parent_id)
    SELECT DISTINCT NEW.id, p.value FROM json_each(NEW.depends_on) p;

    UPDATE jobs SET state = 'blocked'
    WHERE id = NEW.id AND (NEW.serial_key IS NOT NULL OR NEW.depends_on IS NOT NULL);

    INSERT INTO gate_news (job_id)
    SELECT NEW.id WHERE NEW.serial_key IS NOT NULL OR NEW.depends_on IS NOT NULL;
END;

-- A job that leaves `jobs` gives up its turn; its batch may have finished.
CREATE TRIGGER jobs_leave_others AFTER DELETE ON jobs
WHEN OLD.serial_key IS NOT NULL OR OLD.batch_id IS NOT NULL
BEGIN
    INSERT INTO gate_news (serial_key) SELECT OLD.serial_key WHERE OLD.serial_key IS NOT NULL;
    INSERT INTO gate_news (batch_id) SELECT OLD.batch_id WHERE OLD.batch_id IS NOT NULL;
END;

-- Closes the edges to a job that ends, which is still there, and notes who waited; its own edges are kept as long as it is.
-- A child that is to stay blocked by a failure keeps its edge open, with what became of the parent.
CREATE VIEW close_edges (parent_id, state, result) AS
SELECT NULL, NULL, NULL WHERE 0;

CREATE TRIGGER close_edges_insert INSTEAD OF INSERT ON close_edges
BEGIN
    INSERT INTO gate_news (job_id)
    SELECT job_id FROM dependencies WHERE parent_id = NEW.parent_id AND closed_at IS NULL;

    UPDATE dependencies
    SET parent_state = NEW.state, result = NEW.result,
        closed_at = CASE WHEN NEW.state = 'completed'
            OR 'block' IS NOT (SELECT j.on_dependency_failure FROM jobs j WHERE j.id = dependencies.job_id)
            THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') END
    WHERE parent_id = NEW.parent_id AND closed_at IS NULL;

    UPDATE dependencies
    SET closed_at = coalesce(closed_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        keep_until = (SELECT h.keep_until FROM history h WHERE h.id = NEW.parent_id)
    WHERE job_id = NEW.parent_id;

    DELETE FROM dependencies
    WHERE job_id = NEW.parent_id AND keep_until IS NULL AND NEW.state <> 'dead';
END;

-- Makes a batch: jobs with its id as batch_id are its members. Once it is sealed it finishes when none of them is
-- unfinished; what is inserted in the transaction that seals it counts. Callbacks are jobs as enqueue_many takes them; their
-- args get batch_id and event beside those given. on_complete: all have finished; on_success: all have completed;
-- on_death: one is dead, at once. Each comes once. parent_id: a batch of which this one is a part. The new id is
-- (SELECT max(id) FROM batches), in the same transaction.
CREATE VIEW create_batch (name, on_success, on_complete, on_death, parent_id, sealed, meta) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER create_batch_insert INSTEAD OF INSERT ON create_batch
BEGIN
    SELECT RAISE(ABORT, 'parent_id is of no unfinished batch')
    WHERE NEW.parent_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM batches WHERE id = NEW.parent_id AND finished_at IS NULL);

    INSERT INTO batches (name, on_success, on_complete, on_death, parent_id, sealed_at, meta)
    VALUES (coalesce(NEW.name, ''), NEW.on_success, NEW.on_complete, NEW.on_death, NEW.parent_id,
        CASE WHEN NEW.sealed THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') END, coalesce(NEW.meta, '{}'));

    INSERT INTO gate_news (batch_id)
    SELECT max(id) FROM batches WHERE NEW.sealed;
END;

-- Says that a batch has all its members, or those that will add the others: it may finish.
CREATE VIEW seal_batch (id) AS
SELECT NULL WHERE 0;

CREATE TRIGGER seal_batch_insert INSTEAD OF INSERT ON seal_batch
BEGIN
    SELECT RAISE(ABORT, 'the batch is not found')
    WHERE NOT EXISTS (SELECT 1 FROM batches WHERE id = NEW.id);
    UPDATE batches SET sealed_at = coalesce(sealed_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) WHERE id = NEW.id;
    INSERT INTO gate_news (batch_id) VALUES (NEW.id);
END;

-- How far batches are. eta: by the pace so far; null where there is none.
CREATE VIEW batch_stats AS
SELECT
    id, name, parent_id,
    CASE WHEN finished_at IS NOT NULL THEN 'finished' WHEN sealed_at IS NOT NULL THEN 'sealed' ELSE 'open' END AS state,
    unfinished, running, completed, cancelled, dead, created_at, sealed_at, finished_at, succeeded_at, died_at,
    CASE WHEN unfinished > 0 AND completed + cancelled + dead > 0
        THEN strftime('%Y-%m-%dT%H:%M:%fZ', julianday('now')
            + (julianday('now') - julianday(created_at)) * unfinished / (completed + cancelled + dead)) END AS eta,
    problem, meta
FROM (
    SELECT
        b.*,
        (SELECT count(*) FROM jobs j WHERE j.batch_id = b.id) AS unfinished,
        (SELECT count(*) FROM jobs j WHERE j.batch_id = b.id AND j.state = 'running') AS running,
        (SELECT coalesce(sum(c.completed), 0) FROM batch_counts c WHERE c.batch_id = b.id) AS completed,
        (SELECT coalesce(sum(c.cancelled), 0) FROM batch_counts c WHERE c.batch_id = b.id) AS cancelled,
        (SELECT coalesce(sum(c.dead), 0) FROM batch_counts c WHERE c.batch_id = b.id) AS dead
    FROM batches b);

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (7, 'gates', 'by hand', '0.1.0');

-- ---- 0008 limits ----

-- Limits: how many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.

-- The limits that unfinished jobs are under, and the line in which each of them holds a job.
CREATE VIEW limits_on AS
SELECT j.id AS job_id, l.id AS limit_id, l.at_most, l.starts, l.period, l.id || ':' AS line
FROM jobs j
CROSS JOIN limits l ON (l.scope, l.name) IN (VALUES ('queue', j.queue), ('kind', j.kind), ('key', j.concurrency_key))
UNION ALL
SELECT j.id, l.id, l.at_most, l.starts, l.period, l.id || ':' || j.concurrency_key
FROM jobs j
CROSS JOIN limits l ON l.scope = 'key'
    AND substr(l.name, -1) = '*'
    AND substr(j.concurrency_key, 1, length(l.name) - 1) = substr(l.name, 1, length(l.name) - 1)
    AND l.name <> j.concurrency_key;

INSERT INTO migrations (number, name, applied_by, oldest_binary)
VALUES (8, 'limits', 'by hand', '0.1.0');
