"""A shop's ledger, for tests: a service that settles its jobs in its own transactions, and what enqueues them.

    ledger.py serve
    ledger.py enqueue COUNT
"""
import os
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["LEDGER_SOURCES"], "clients/python"))
import jobrunner  # noqa: E402

URL = os.environ["LEDGER_DATABASE"]
local = threading.local()


def connect():
    if URL.startswith("sqlite://"):
        return sqlite3.connect(URL[len("sqlite://"):], timeout=30, isolation_level="IMMEDIATE")
    import psycopg2
    return psycopg2.connect(URL)


def connection():
    if not hasattr(local, "connection"):
        local.connection = connect()
    return local.connection


def write(job, note):
    place = "?" if URL.startswith("sqlite") else "%s"
    connection().cursor().execute(f"INSERT INTO ledger VALUES ({place}, {place})", (int(job.id), note))


service = jobrunner.Service(concurrency=4)


@service.on("python.bill")
def bill(job):
    with connection():  # commits, or rolls back what failed
        write(job, "bill")
        job.complete_in(connection(), {"billed": job.id})


@service.on("python.stale")
def stale(job):
    with connection():
        write(job, "first")
        job.complete_in(connection())
    try:
        write(job, "second")
        job.complete_in(connection())
    except jobrunner.StaleClaim:
        # Even whoever commits after the refusal keeps nothing.
        connection().commit()
        write(job, "refused")
        connection().commit()


@service.on("python.forgets")
def forgets(job):
    write(job, f"attempt {job.attempt}")
    job.complete_in(connection())
    if job.attempt == 1:
        connection().rollback()
    else:
        connection().commit()


@service.on("python.fails")
def fails(job):
    with connection():
        write(job, "failed")
        job.fail_in(connection(), "no money", error_class="Poor")


def enqueue(count):
    db = connect()
    jobrunner.enqueue(db, "python.bill")
    db.rollback()

    ids = jobrunner.enqueue_many(db, [{"kind": "python.bill", "args": {"n": n}} for n in range(count)])
    assert len(set(ids)) == count and all(isinstance(one, int) for one in ids), ids
    for kind in ("python.stale", "python.forgets", "python.fails"):
        jobrunner.enqueue(db, kind)
    key = {"unique_key": "python", "on_conflict": "skip", "run_in": 86400, "tags": ["é"], "meta": {"a": [1]}, "timeout": 90}
    first = jobrunner.enqueue(db, "python.later", {"n": 1}, **key)
    assert jobrunner.enqueue(db, "python.later", {"n": 2}, **key) == first
    assert jobrunner.enqueue(db, "python.later", {"n": 3}, **{**key, "on_conflict": "replace"}) == first
    db.commit()

    # One that is refused takes all of its call with it, and no more.
    kept = jobrunner.enqueue(db, "python.later", queue="kept", run_in=86400)
    try:
        if not URL.startswith("sqlite"):
            db.cursor().execute("SAVEPOINT here")
        jobrunner.enqueue_many(db, [{"kind": "python.bill"}, {"kind": "python.bill", "priority": 1000000}])
        raise SystemExit("a priority out of range was accepted")
    except Exception as error:
        assert "priority" in str(error) or "smallint" in str(error), error
    if not URL.startswith("sqlite"):
        db.cursor().execute("ROLLBACK TO here")
    db.commit()
    print(first, kept)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        service.run()
    else:
        enqueue(int(sys.argv[2]))
