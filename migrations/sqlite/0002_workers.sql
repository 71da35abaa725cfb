-- Workers, what their configurations publish, operators' requests, statistics.
--
-- Locks:   the file, for a moment; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the tables that it creates.

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
