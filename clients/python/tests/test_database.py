import datetime
import json
import sqlite3
import unittest

import jobrunner

# As much of the tables as the statements need; the end-to-end tests have the real ones.
TABLES = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, args TEXT DEFAULT '{}', queue TEXT, run_at TEXT, timeout REAL,
    unique_key TEXT UNIQUE, tags TEXT, priority INTEGER CHECK (priority < 100));
CREATE TABLE completed (token TEXT, result TEXT);
CREATE VIEW complete (token, result) AS SELECT NULL, NULL WHERE 0;
CREATE TRIGGER complete_insert INSTEAD OF INSERT ON complete BEGIN
    SELECT RAISE(ROLLBACK, 'the claim on this job is no longer held') WHERE NEW.token <> '1.1.1';
    INSERT INTO completed VALUES (NEW.token, NEW.result);
END;
"""


class SqliteTest(unittest.TestCase):
    def setUp(self):
        self.db = sqlite3.connect(":memory:")
        self.db.executescript(TABLES)

    def tearDown(self):
        self.db.close()

    def count(self, table):
        return self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def test_enqueue_returns_the_id_and_leaves_the_commit_to_the_caller(self):
        self.assertEqual(jobrunner.enqueue(self.db, "a", {"x": 1}, tags=["ä"], timeout=datetime.timedelta(seconds=90)), 1)
        self.assertTrue(self.db.in_transaction)
        self.assertEqual(self.db.execute("SELECT args, timeout FROM jobs").fetchone(), ('{"x": 1}', 90))
        self.db.rollback()
        self.assertEqual(self.count("jobs"), 0)

    def test_enqueue_many_adds_all_or_none_and_keeps_what_was_written_before(self):
        self.db.execute("INSERT INTO completed VALUES ('before', NULL)")
        with self.assertRaises(sqlite3.IntegrityError):
            jobrunner.enqueue_many(self.db, [{"kind": "a"}, {"kind": "b", "priority": 100}])
        self.db.commit()
        self.assertEqual((self.count("jobs"), self.count("completed")), (0, 1))

    def test_where_each_statement_commits_so_does_enqueue_many_as_one(self):
        self.db.isolation_level = None
        self.assertEqual(jobrunner.enqueue_many(self.db, [{"kind": "a"}, {"kind": "b"}]), [1, 2])
        self.assertFalse(self.db.in_transaction)

    def test_times_have_one_shape(self):
        berlin = datetime.timezone(datetime.timedelta(hours=2))
        jobrunner.enqueue(self.db, "a", run_at=datetime.datetime(2026, 1, 31, 11, 0, 0, 5999, berlin))
        self.assertEqual(self.db.execute("SELECT run_at FROM jobs").fetchone()[0], "2026-01-31T09:00:00.005Z")

    def test_complete_in_is_part_of_the_transaction(self):
        service = jobrunner.Service()
        self.db.execute("INSERT INTO jobs (kind) VALUES ('written')")

        @service.on("a")
        def handler(job):
            job.complete_in(self.db, {"ok": True})
            self.assertTrue(self.db.in_transaction)
            self.db.commit()

        end = service.perform("a")[-1]
        self.assertEqual(self.db.execute("SELECT * FROM completed").fetchone(), ("1.1.1", '{"ok": true}'))
        # What a worker takes to heart only if the commit is not there.
        self.assertEqual(end["class"], "NotCommitted")

    def test_a_stale_token_takes_the_transaction_with_it(self):
        service = jobrunner.Service()

        @service.on("a")
        def handler(job):
            self.db.execute("INSERT INTO jobs (kind) VALUES ('written')")
            try:
                job.complete_in(self.db)
            finally:
                self.db.commit()

        end = service.perform("a", token="1.2.1")[-1]
        self.assertRegex(end["class"], "StaleClaim$")
        self.assertEqual(self.count("jobs"), 0)

    def test_without_a_transaction_complete_in_is_refused(self):
        self.db.isolation_level = None
        service = jobrunner.Service()
        service.on("a", lambda job: job.complete_in(self.db))
        self.assertRegex(service.perform("a")[-1]["error"], "connection has no transaction open")
        self.assertEqual(self.count("completed"), 0)


class WrongValuesTest(unittest.TestCase):
    def test_the_field_is_named(self):
        db = sqlite3.connect(":memory:")
        for call, words in (
                (lambda: jobrunner.enqueue(db, 5), "kind is 5; a string"),
                (lambda: jobrunner.enqueue(db, "a", [1]), r"args is \[1\]; a dict"),
                (lambda: jobrunner.enqueue(db, "a", {"x": {1}}), "args is no JSON"),
                (lambda: jobrunner.enqueue(db, "a", colour="red"), "job is 'colour'; one of kind, args"),
                (lambda: jobrunner.enqueue(db, "a", priority="high"), "priority is 'high'; a whole number"),
                (lambda: jobrunner.enqueue(db, "a", run_at=datetime.datetime(2026, 1, 1)), "with a time zone"),
                (lambda: jobrunner.enqueue(db, "a", run_in=-1), "run_in is -1; a number of seconds"),
                (lambda: jobrunner.enqueue(db, "a", tags="x"), "tags is 'x'; a list"),
                (lambda: jobrunner.enqueue(db, "a", tags=["x", 1]), r"tags\[1\] is 1; a string"),
                (lambda: jobrunner.enqueue(db, "a", on_conflict="drop"), "on_conflict is 'drop'; None or one of skip"),
                (lambda: jobrunner.enqueue_many(db, [{"args": {}}]), "kind is None; the name of a kind")):
            with self.assertRaisesRegex(ValueError, words):
                call()
        with self.assertRaisesRegex(TypeError, "connection is 5; a connection of psycopg2"):
            jobrunner.enqueue(5, "a")
        db.close()


class FakeCursor:
    def __init__(self, connection):
        self.connection = connection

    def execute(self, statement, values):
        if self.connection.error:
            raise self.connection.error
        self.connection.asked.append((statement, values))

    def fetchall(self):
        return [(9223372036854775807,), (2,)]

    def close(self):
        pass


class FakePostgres:
    """As much of psycopg's connection as is used."""
    autocommit = False
    error = None

    def __init__(self):
        self.asked = []

    def cursor(self):
        return FakeCursor(self)


class PostgresTest(unittest.TestCase):
    def test_one_statement_adds_all(self):
        db = FakePostgres()
        ids = jobrunner.enqueue_many(db, [{"kind": "a", "timeout": 90}, {"kind": "b"}], on_conflict="skip", schema='o"dd')
        self.assertEqual(ids, [9223372036854775807, 2])
        (statement, (rows, on_conflict)), = db.asked
        self.assertIn('FROM "o""dd".enqueue_many(%s::jsonb, %s::text)', statement)
        self.assertEqual(json.loads(rows), [{"kind": "a", "timeout": "90.0 seconds"}, {"kind": "b"}])
        self.assertEqual(on_conflict, "skip")

    def test_the_sqlstate_tells_a_stale_claim(self):
        db = FakePostgres()
        db.error = type("Refused", (Exception,), {"pgcode": "JR409"})("no longer held\nCONTEXT: …")
        service = jobrunner.Service()
        service.on("a", lambda job: job.complete_in(db))
        end = service.perform("a")[-1]
        self.assertEqual(end["error"], "no longer held")
        self.assertRegex(end["class"], "StaleClaim$")

    def test_other_errors_stay_what_they_are(self):
        db = FakePostgres()
        db.error = KeyError("x")
        service = jobrunner.Service()
        service.on("a", lambda job: job.fail_in(db, "no"))
        self.assertEqual(service.perform("a")[-1]["class"], "KeyError")


if __name__ == "__main__":
    unittest.main()
