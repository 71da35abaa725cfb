-- Workers, what their configurations publish, operators' requests, statistics.
--
-- Locks:   none on existing tables; it only creates.
-- Oldest binary: 0.1.0
-- Go back: drop the tables that it creates.

-- One row per start of a worker process. Its lease covers all its claims.
CREATE TABLE {schema}.workers (
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
CREATE INDEX workers_lease ON {schema}.workers (lease_until) WHERE state NOT IN ('stopped', 'gone');

-- Renews a worker's lease and says whether it could: one that has passed is never revived, as its jobs may be somebody
-- else's by now.
CREATE FUNCTION {schema}.renew_lease(renewed_worker bigint, new_state text, jobs integer, new_report jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE {schema}.workers w
    SET heartbeat_at = now(), lease_until = now() + w.lease, state = new_state, running = jobs,
        report = coalesce(new_report, w.report)
    WHERE w.id = renewed_worker
        AND w.lease_until > now()
        AND w.state NOT IN ('lost', 'gone', 'stopped');
    RETURN FOUND;
END $$;

-- Policies that workers publish: what a kind promises, never what it executes. The latest publisher wins.
CREATE TABLE {schema}.kinds (
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
CREATE INDEX kinds_asking ON {schema}.kinds (kind) WHERE notify OR record_every_attempt;

-- Queues that somebody has said something about; a queue needs no row here to be used.
CREATE TABLE {schema}.queues (
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
CREATE TABLE {schema}.cancel_requests (
    job_id       bigint NOT NULL,
    fence        integer NOT NULL,
    worker       bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    CONSTRAINT cancel_requests_pkey PRIMARY KEY (job_id)
);

-- Serves cancel_requests_of_worker.
CREATE INDEX cancel_requests_worker ON {schema}.cancel_requests (worker);

-- What operators did, in their words' stead.
CREATE TABLE {schema}.operator_audit (
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
CREATE INDEX operator_audit_job ON {schema}.operator_audit (job_id) WHERE job_id IS NOT NULL;

-- Settled work, appended by the very transaction that settles it, so the counts are exact: no row is
-- updated by two workers. Folded into `statistics` by maintenance.
CREATE TABLE {schema}.statistics_log (
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

CREATE TABLE {schema}.statistics (
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
CREATE TABLE {schema}.events (
    id    bigint GENERATED ALWAYS AS IDENTITY,
    at    timestamptz NOT NULL DEFAULT now(),
    event text NOT NULL,
    note  text NOT NULL DEFAULT '',
    CONSTRAINT events_pkey PRIMARY KEY (id)
);
