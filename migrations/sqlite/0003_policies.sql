-- The homes of policies: batches, dependencies, schedules, limits, uniqueness windows, signals.
--
-- Locks:   the file, for a moment; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the tables that it creates.

CREATE TABLE batches (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    parent_id   INTEGER,
    created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    sealed_at   TEXT,
    finished_at TEXT,
    name        TEXT NOT NULL DEFAULT '',
    on_success  TEXT,
    on_complete TEXT,
    on_death    TEXT,
    meta        TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- Members as they come and go: summed up for progress.
CREATE TABLE batch_counts (
    batch_id  INTEGER NOT NULL,
    at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    added     INTEGER NOT NULL DEFAULT 0,
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
    parent_state TEXT,
    result       TEXT,
    CONSTRAINT dependencies_pkey PRIMARY KEY (job_id, parent_id)
) STRICT, WITHOUT ROWID;

-- Serves the closing of a settled parent's edges.
CREATE INDEX dependencies_open ON dependencies (parent_id) WHERE closed_at IS NULL;

-- Children with an edge closed since they were last looked at, and how many edges are still open.
CREATE TABLE dependency_counts (
    job_id  INTEGER PRIMARY KEY,
    pending INTEGER NOT NULL,
    failed  INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT dependency_counts_pending_is_not_negative CHECK (pending >= 0)
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

CREATE TABLE limits (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    scope   TEXT NOT NULL,
    name    TEXT NOT NULL,
    at_most INTEGER,
    starts  INTEGER,
    period  REAL,
    waiting INTEGER,
    CONSTRAINT limits_scope_and_name UNIQUE (scope, name),
    CONSTRAINT limits_scope_is_queue_kind_or_key CHECK (scope IN ('queue', 'kind', 'key')),
    CONSTRAINT limits_starts_come_with_a_period CHECK ((starts IS NULL) = (period IS NULL))
) STRICT;

-- Live claims that count against a limit; a row lives as long as its claim.
CREATE TABLE limit_holds (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    fence  INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    cost   INTEGER NOT NULL,
    CONSTRAINT limit_holds_pkey PRIMARY KEY (scope, name, job_id)
) STRICT, WITHOUT ROWID;

-- Starts within the longest period of their limit.
CREATE TABLE limit_starts (
    scope      TEXT NOT NULL,
    name       TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    cost       INTEGER NOT NULL
) STRICT;

-- Serves the count of starts within a sliding period.
CREATE INDEX limit_starts_window ON limit_starts (scope, name, started_at);

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
