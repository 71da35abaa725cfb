-- Limits: how many jobs of a queue, a kind or a concurrency key run at once, and how many start within a period.
--
-- Locks:   the file, for a moment.
-- Oldest binary: 0.1.0
-- Go back: drop the view that it creates, and make held jobs available.
--
-- How a job under a limit comes to run. An ordinary claim leaves it alone. Where there are limits, a worker first moves those
-- jobs of its lanes aside that are under one: such a job is blocked and stands in a *line*, held_in, of the first limit that
-- it is under. Then the worker admits from the lines what has room, in turns between lines and in claim order within each
-- (src/storage/admit_limited.hpp). There is one writer at a time, and what counts is read from the rows of `claims` and
-- their jobs in the transaction that claims, so no limit is ever exceeded.

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
