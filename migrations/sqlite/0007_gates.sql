-- Jobs that wait for other jobs: dependencies, serial keys, batches.
--
-- Locks:   the file, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the triggers and views that it creates.
--
-- An INSERT that names serial_key or depends_on leaves the job blocked, and a note of it in gate_news; so does whatever may
-- let a blocked job go: the end of a parent, of a turn, of a batch's member. Workers judge what the notes name, with the settle
-- that wrote them or with their next look. There is one writer at a time, so a judgement is never out of date.

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
