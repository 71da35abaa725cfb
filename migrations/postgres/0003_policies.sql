-- The homes of policies: batches, dependencies, turns, schedules, limits, uniqueness windows, signals.
--
-- Locks:   none on existing tables; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the tables that it creates.

CREATE TABLE {schema}.batches (
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
CREATE INDEX batches_parent ON {schema}.batches (parent_id) WHERE parent_id IS NOT NULL;
-- Serves clear_batches.
CREATE INDEX batches_finished ON {schema}.batches (finished_at) WHERE finished_at IS NOT NULL;

-- Members as they finish, one row per transaction and batch: summed up for progress, folded when the batch is
-- looked at, so that no settle waits for another's row.
CREATE TABLE {schema}.batch_counts (
    batch_id  bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    completed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    dead      integer NOT NULL DEFAULT 0
);

-- Serves the sum of one batch.
CREATE INDEX batch_counts_batch ON {schema}.batch_counts (batch_id);

-- An edge per parent of a blocked job. An edge is closed in place by its parent's settle; the child's own
-- row is written once, when its last edge closes, however many parents it has.
CREATE TABLE {schema}.dependencies (
    job_id       bigint NOT NULL,
    parent_id    bigint NOT NULL,
    closed_at    timestamptz,
    parent_state {schema}.job_state, -- how the parent ended
    result       jsonb,              -- the parent's, which so outlives its history
    keep_until   date,               -- as long as the job itself; null while that is unfinished or dead
    CONSTRAINT dependencies_pkey PRIMARY KEY (job_id, parent_id)
);

-- Serves the closing of a settled parent's edges.
CREATE INDEX dependencies_open ON {schema}.dependencies (parent_id) WHERE closed_at IS NULL;

-- Serves pass_gate: what a job still waits for.
CREATE INDEX dependencies_pending ON {schema}.dependencies (job_id) WHERE closed_at IS NULL;
-- Serves clear_dependencies.
CREATE INDEX dependencies_kept ON {schema}.dependencies (keep_until) WHERE keep_until IS NOT NULL;

-- Which job of a serial key may run. A turn whose job has finished is anyone's to hand on.
CREATE TABLE {schema}.serial_turns (
    serial_key text NOT NULL,
    job_id     bigint NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT serial_turns_pkey PRIMARY KEY (serial_key)
);

-- What has changed about blocked jobs and batches since somebody last looked at them: a queue for pass_gates(), in the
-- transactions that change it, so that a look costs nothing where nothing has changed.
CREATE TABLE {schema}.gate_news (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    due_at   timestamptz NOT NULL DEFAULT now(),
    job_id   bigint,
    batch_id bigint,
    is_new   boolean NOT NULL DEFAULT false, -- the job: parents of it may have finished before they could know of it
    CONSTRAINT gate_news_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Serves probe_lanes and pass_gates.
CREATE INDEX gate_news_due ON {schema}.gate_news (due_at);

CREATE TABLE {schema}.schedules (
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
CREATE INDEX schedules_due ON {schema}.schedules (next_at) WHERE paused_at IS NULL;

-- A schedule that means other times, or is paused or resumed, is worked out anew from then on.
CREATE FUNCTION {schema}.restart_schedule() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.next_at := NULL;
    NEW.problem := NULL;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER schedules_restart BEFORE UPDATE ON {schema}.schedules
FOR EACH ROW
WHEN ((OLD.expression, OLD.time_zone, OLD.missed, OLD.paused_at)
    IS DISTINCT FROM (NEW.expression, NEW.time_zone, NEW.missed, NEW.paused_at))
EXECUTE FUNCTION {schema}.restart_schedule();

-- A due time enqueues once: the key decides, whoever comes first.
CREATE TABLE {schema}.schedule_runs (
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
CREATE INDEX schedule_runs_waiting ON {schema}.schedule_runs (schedule, due_at) WHERE outcome = 'waiting';

-- What schedules need. next_ms: milliseconds until something is due, 0: now, null: nothing will be; waiting: whether
-- runs wait for earlier ones.
CREATE VIEW {schema}.schedule_outlook AS
SELECT
    CASE WHEN EXISTS (
            SELECT 1 FROM {schema}.schedules n
            WHERE n.next_at IS NULL AND n.paused_at IS NULL AND n.problem IS NULL) THEN 0
        ELSE (
            SELECT greatest(ceil(extract(epoch FROM min(s.next_at) - now()) * 1000), 0)
            FROM {schema}.schedules s
            WHERE s.paused_at IS NULL AND s.next_at IS NOT NULL
            HAVING count(*) > 0) END::bigint AS next_ms,
    EXISTS (SELECT 1 FROM {schema}.schedule_runs r WHERE r.outcome = 'waiting') AS waiting;

-- How many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.
CREATE TABLE {schema}.limits (
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
CREATE INDEX limits_of_many_keys ON {schema}.limits (name) WHERE scope = 'key' AND right(name, 1) = '*';

-- What has started within the periods of limits: a row for each line of a transaction that starts some.
CREATE TABLE {schema}.limit_starts (
    line       text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    cost       integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Serves starts_within.
CREATE INDEX limit_starts_line ON {schema}.limit_starts (line, started_at);
-- Serves clear_starts.
CREATE INDEX limit_starts_at ON {schema}.limit_starts (started_at);

-- Unique keys that outlive their job.
CREATE TABLE {schema}.unique_windows (
    unique_key text NOT NULL,
    job_id     bigint NOT NULL,
    until      timestamptz NOT NULL,
    CONSTRAINT unique_windows_pkey PRIMARY KEY (unique_key)
);

-- Serves the clearing of windows that have passed.
CREATE INDEX unique_windows_until ON {schema}.unique_windows (until);

-- Named signals that jobs wait for, and those sent before anyone waited.
CREATE TABLE {schema}.signals (
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
CREATE INDEX signals_name ON {schema}.signals (name);
