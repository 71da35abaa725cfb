"""What an application may say of a job that it enqueues: names, types, and one shape for times."""
import datetime
import json

from .errors import expect

ON_CONFLICT = ("skip", "replace", "merge")


def _text(field, value):
    expect(isinstance(value, str), field, value, "a string")
    return value


def _whole(field, value):
    expect(isinstance(value, int) and not isinstance(value, bool), field, value, "a whole number")
    return value


def _object(field, value):
    expect(isinstance(value, dict), field, value, "a dict")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{field} is no JSON: {error}") from error
    return value


def _list_of(check):
    def checked(field, value):
        expect(isinstance(value, (list, tuple)), field, value, "a list")
        return [check(f"{field}[{place}]", one) for place, one in enumerate(value)]
    return checked


def _seconds(field, value):
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    expect(number and value >= 0, field, value, "a number of seconds or a timedelta")
    return float(value)


def _instant(field, value):
    """UTC with milliseconds, which both databases read the same way."""
    aware = isinstance(value, datetime.datetime) and value.utcoffset() is not None
    expect(aware, field, value, "a datetime with a time zone")
    utc = value.astimezone(datetime.timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03}Z"


CHECKS = {
    "kind": _text, "args": _object, "queue": _text, "priority": _whole, "run_at": _instant, "run_in": _seconds,
    "max_attempts": _whole, "timeout": _seconds, "expires_at": _instant, "unique_key": _text,
    "concurrency_key": _text, "cost": _whole, "serial_key": _text, "fair_key": _text, "requires": _list_of(_text),
    "affinity_key": _text, "depends_on": _list_of(_whole), "on_dependency_failure": _text, "batch_id": _whole,
    "tags": _list_of(_text), "meta": _object, "traceparent": _text,
}


def checked(job):
    """The columns of one job with values that are JSON. Those that are None are left to their defaults."""
    expect(isinstance(job, dict), "job", job, 'a dict such as {"kind": "mail.send", "args": {}}')
    for name in job:
        expect(name in CHECKS, "job", name, "one of " + ", ".join(CHECKS))
    columns = {name: CHECKS[name](name, value) for name, value in job.items() if value is not None}
    expect("kind" in columns, "kind", None, "the name of a kind")
    expect("run_at" not in columns or "run_in" not in columns, "run_in", job.get("run_in"), "nothing beside run_at")
    return columns
