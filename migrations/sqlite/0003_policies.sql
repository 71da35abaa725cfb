-- The homes of policies: batches, dependencies, turns, schedules, limits, uniqueness windows, signals.
--
-- Locks:   the file, for a moment; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the tables that it creates.

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
