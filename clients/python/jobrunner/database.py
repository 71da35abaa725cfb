"""jobrunner's tables through the connection, and in the transaction, of the caller."""
import contextlib
import json
import sqlite3

from .columns import ON_CONFLICT, checked
from .errors import StaleClaim, expect

IDLE = 0  # libpq's PQTRANS_IDLE: no transaction is open


def enqueue(connection, kind, args=None, *, on_conflict=None, schema="jobrunner", **columns):
    """Adds a job in the transaction that `connection` has open. Returns its id.

    connection: of psycopg2, psycopg or sqlite3. columns: those of docs/sql.md; `timeout` and `run_in` in seconds or
    as a timedelta, times as a datetime with a time zone. on_conflict: what happens where `unique_key` is held: None
    raises the driver's error, "skip", "replace" and "merge" return the holder's id.
    """
    return enqueue_many(connection, [{**columns, "kind": kind, "args": {} if args is None else args}],
                        on_conflict=on_conflict, schema=schema)[0]


def enqueue_many(connection, jobs, *, on_conflict=None, schema="jobrunner"):
    """Adds all of `jobs`, dicts of columns, or none. Returns their ids in the same order."""
    expect(on_conflict is None or on_conflict in ON_CONFLICT, "on_conflict", on_conflict,
           "None or one of " + ", ".join(ON_CONFLICT))
    rows = [checked(job) for job in jobs]
    raw = _driver_connection(connection)
    if not rows:
        return []
    if isinstance(raw, sqlite3.Connection):
        with _all_or_nothing(raw):
            return [_add_to_sqlite(raw, row, on_conflict) for row in rows]
    for row in rows:
        for name in ("timeout", "run_in"):
            if name in row:
                row[name] = f"{row[name]} seconds"
    return [row[0] for row in _ask_postgres(
        raw, f"SELECT id FROM {_quoted(schema)}.enqueue_many(%s::jsonb, %s::text) ORDER BY place",
        (json.dumps(rows), on_conflict))]


def complete(connection, token, result=None, schema="jobrunner"):
    """Completes the claim that `token` names, as a part of the transaction that is open."""
    text = None if result is None else _json("result", result)
    _settle(connection, "complete", (token, text), schema,
            "INSERT INTO complete (token, result) VALUES (?, ?)", "SELECT {}.complete(%s::text, %s::jsonb)")


def fail(connection, token, error, error_class=None, schema="jobrunner"):
    """Fails the attempt of the claim that `token` names, as a part of the transaction that is open."""
    _settle(connection, "fail", (token, error, error_class), schema,
            "INSERT INTO fail (token, error, class) VALUES (?, ?, ?)",
            "SELECT {}.fail(%s::text, %s::text, %s::text)")


def _settle(connection, call, values, schema, on_sqlite, on_postgres):
    raw = _driver_connection(connection)
    if not _may_hold_transaction(raw):
        raise ValueError(f"connection has no transaction open; {call}_in() expects the one with the job's own writes")
    try:
        if isinstance(raw, sqlite3.Connection):
            raw.execute(on_sqlite, values)
        else:
            _ask_postgres(raw, on_postgres.format(_quoted(schema)), values)
    except Exception as error:
        if _is_refused_token(error):
            raise StaleClaim(str(error).splitlines()[0]) from error
        raise


def _is_refused_token(error):
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state == "JR409" or (isinstance(error, sqlite3.IntegrityError) and (
        "no longer held" in str(error) or "no token of a claim" in str(error)))


def _driver_connection(connection):
    """The driver's own connection where an ORM wraps it."""
    for name in ("driver_connection", "dbapi_connection"):
        connection = getattr(connection, name, None) or connection
    known = isinstance(connection, sqlite3.Connection) or callable(getattr(connection, "cursor", None))
    expect(known, "connection", connection, "a connection of psycopg2, psycopg or sqlite3", TypeError)
    return connection


def _may_hold_transaction(connection):
    """False where each statement commits by itself."""
    if isinstance(connection, sqlite3.Connection):
        return connection.in_transaction or _begins_by_itself(connection)
    if not getattr(connection, "autocommit", False):
        return True
    return getattr(getattr(connection, "info", None), "transaction_status", None) != IDLE


def _begins_by_itself(connection):
    """Whether Python begins a transaction before the first statement that writes."""
    legacy = getattr(connection, "autocommit", -1) == -1  # sqlite3.LEGACY_TRANSACTION_CONTROL
    return legacy and connection.isolation_level is not None


@contextlib.contextmanager
def _all_or_nothing(connection):
    if not connection.in_transaction and _begins_by_itself(connection):
        # As Python would at the first INSERT: else the end of the savepoint would commit.
        connection.execute("BEGIN " + connection.isolation_level)
    connection.execute("SAVEPOINT jobrunner_enqueue")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO jobrunner_enqueue")
            connection.execute("RELEASE jobrunner_enqueue")
        raise
    connection.execute("RELEASE jobrunner_enqueue")


def _add_to_sqlite(connection, row, on_conflict):
    names, places, values = [], [], []
    for name, value in row.items():
        # The database's clock says when "in ten minutes" is.
        is_delay = name == "run_in"
        names.append("run_at" if is_delay else name)
        places.append("strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?))" if is_delay else "?")
        values.append(_json(name, value) if isinstance(value, (dict, list)) else value)
    if on_conflict is None or "unique_key" not in row:
        return connection.execute(
            f"INSERT INTO jobs ({', '.join(names)}) VALUES ({', '.join(places)}) RETURNING id", values).fetchone()[0]
    connection.execute(
        f"INSERT INTO enqueue ({', '.join(names)}, on_conflict) VALUES ({', '.join(places)}, ?)",
        values + [on_conflict])
    # A view tells no id; the key's holder is the job.
    return connection.execute("SELECT id FROM jobs WHERE unique_key = ?", (row["unique_key"],)).fetchone()[0]


def _ask_postgres(connection, statement, values):
    cursor = connection.cursor()
    try:
        cursor.execute(statement, values)
        return cursor.fetchall()
    finally:
        cursor.close()


def _quoted(name):
    expect(isinstance(name, str) and name != "", "schema", name, "the name of a schema")
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def _json(field, value):
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{field} is no JSON: {error}") from error
