"""What this package raises beyond ValueError and TypeError, which name a field and what was expected."""


class StaleClaim(Exception):
    """The job is another claim's by now, or settled already. The transaction that was told so cannot commit."""


class Cancelled(Exception):
    """Raised by Job.check_cancelled(): the job was cancelled, or its time is over."""


class JobEnded(BaseException):
    """Leaves a handler whose end is settled (snooze, fail). Not an Exception, so that no handler's `except
    Exception` goes on by mistake."""


def shown(value):
    """A value as an error message shows it: short, and with its type where the text alone may mislead."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def expect(condition, field, value, expected, error=ValueError):
    if not condition:
        raise error(f"{field} is {shown(value)}; {expected} was expected")


def milliseconds(field, value):
    """A length as the protocol writes it, from a number of milliseconds or a timedelta."""
    if hasattr(value, "total_seconds"):
        value = value.total_seconds() * 1000
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    expect(number and 0 <= value <= 366 * 86_400_000, field, value,
           "a number of milliseconds from 0 to a year, or a timedelta,")
    return round(value)
