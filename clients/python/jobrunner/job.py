"""One attempt of one job, as its handler sees it."""
import threading
import time

from . import database
from .errors import Cancelled, JobEnded, expect, milliseconds


class Job:
    """What the worker said of the job, and what the handler can say back.

    Threads: all methods may be called from any thread until the handler returns; after that they raise.
    Times: numbers are milliseconds; a timedelta is taken too.
    """

    def __init__(self, message, say, schema="jobrunner"):
        expect(isinstance(message.get("kind"), str), "kind", message.get("kind"), "a string")
        expect(isinstance(message.get("args"), dict), "args", message.get("args"), "an object")
        self.id = message["id"]
        self.kind = message["kind"]
        self.queue = message.get("queue")
        self.args = message["args"]
        self.attempt = message.get("attempt")
        self.max_attempts = message.get("max_attempts")
        self.token = message.get("token")
        self.traceparent = message.get("traceparent")
        limit = message.get("deadline_ms")
        self._deadline = None if limit is None else time.monotonic() + limit / 1000
        self._checkpoint = message.get("checkpoint")
        self._say = say
        self._schema = schema
        self._cancelled = threading.Event()
        self._lock = threading.RLock()
        self._end = None
        self._unless_committed = None
        self._over = False

    @property
    def deadline(self):
        """The instant of time.monotonic() at which the attempt times out, or None."""
        return self._deadline

    @property
    def remaining_ms(self):
        """How long the attempt may still take, never below 0; None without a timeout."""
        return None if self._deadline is None else max(0, (self._deadline - time.monotonic()) * 1000)

    @property
    def cancelled(self):
        return self._cancelled.is_set()

    def check_cancelled(self):
        """Raises Cancelled if the job is to stop; for loops."""
        if self.cancelled:
            raise Cancelled("the job was asked to stop")

    def wait(self, wait_ms):
        """Sleeps, but not longer than until the job is to stop. Returns whether it is."""
        return self._cancelled.wait(milliseconds("wait_ms", wait_ms) / 1000)

    def cancel(self):
        self._cancelled.set()

    def progress(self, percent=None, note=None):
        message = {"type": "progress", "id": self.id}
        if percent is not None:
            number = isinstance(percent, (int, float)) and not isinstance(percent, bool)
            expect(number and 0 <= percent <= 100, "percent", percent, "a number from 0 to 100")
            message["percent"] = percent
        if note is not None:
            expect(isinstance(note, str), "note", note, "a string")
            message["note"] = note
        self._tell(message, "note")

    def log(self, line):
        """A line of the job's own output, also while others run beside it."""
        self._tell({"type": "log", "id": self.id, "line": str(line)}, "line")

    def extend(self, by_ms):
        """Asks for more time."""
        by_ms = milliseconds("by_ms", by_ms)
        self._tell({"type": "extend", "id": self.id, "by_ms": by_ms}, "by_ms")
        with self._lock:
            if self._deadline is not None:
                self._deadline += by_ms / 1000

    @property
    def checkpoint(self):
        """What an earlier attempt, or this one, kept; None if nothing. The results of steps are not part of it."""
        if not isinstance(self._checkpoint, dict):
            return self._checkpoint
        return {name: value for name, value in self._checkpoint.items() if name != "steps"} or None

    @checkpoint.setter
    def checkpoint(self, value):
        expect(isinstance(value, dict), "checkpoint", value, "a dict")
        expect("steps" not in value, "checkpoint", value, 'no member "steps", which Job.step() keeps there,')
        with self._lock:
            steps = self._checkpoint.get("steps") if isinstance(self._checkpoint, dict) else None
            self._keep({**value, "steps": steps} if steps else value)

    def step(self, name, work):
        """work()'s value, which is JSON, from the attempt that first finished it: done steps are not done again."""
        expect(isinstance(name, str) and name != "", "name", name, "the step's name")
        with self._lock:
            expect(self._checkpoint is None or isinstance(self._checkpoint, dict), "checkpoint", self._checkpoint,
                   "an object, beside whose members steps are kept,")
            done = (self._checkpoint or {}).get("steps") or {}
            expect(isinstance(done, dict), "checkpoint.steps", done, "an object")
        if name in done:
            return done[name]
        value = work()
        with self._lock:
            now = self._checkpoint or {}
            self._keep({**now, "steps": {**(now.get("steps") or {}), name: value}})
        return value

    def snooze(self, in_ms):
        """Ends the attempt; the job runs later, at no cost of attempts."""
        self._leave({"type": "snooze", "id": self.id, "in_ms": milliseconds("in_ms", in_ms)})

    def fail(self, message, retry=True, retry_in=None, error_class=None):
        """Ends the attempt as failed; without retry the job is dead."""
        expect(isinstance(retry, bool), "retry", retry, "True or False")
        end = {"type": "fail", "id": self.id, "error": str(message), "retry": retry}
        if error_class is not None:
            end["class"] = error_class
        if retry_in is not None:
            end["retry_in_ms"] = milliseconds("retry_in", retry_in)
        self._leave(end)

    def complete_in(self, connection, result=None, schema=None):
        """Completes the job in the transaction that `connection` has open: its effects and the completion commit
        together or not at all. Commit, then return. Raises StaleClaim if the claim is lost."""
        database.complete(connection, self.token, result, schema or self._schema)
        self._settled("complete_in")

    def fail_in(self, connection, message, error_class=None, schema=None):
        """Fails the attempt in the transaction that `connection` has open; as complete_in()."""
        database.fail(connection, self.token, str(message), error_class, schema or self._schema)
        self._settled("fail_in")

    def finish(self, message):
        """Says how the attempt ended, once; what the handler decided itself comes first."""
        with self._lock:
            if self._over:
                return
            said = self._end or (self._unless_committed if message["type"] == "done" else None) or message
            try:
                self._say(said, "result" if said["type"] == "done" else "error")
            except ValueError as error:
                self._say({"type": "fail", "id": self.id, "error": str(error), "class": "ValueError"}, "error")
            self._over = True

    def _settled(self, call):
        # If the transaction was committed, the worker finds the job settled by itself, whatever is said here. If
        # not, the job has not been done, and must not be called so.
        self._unless_committed = {
            "type": "fail", "id": self.id, "class": "NotCommitted",
            "error": f"the handler ended, but the transaction of its {call}() was not committed"}

    def _leave(self, end):
        self._end = end
        raise JobEnded

    def _keep(self, checkpoint):
        self._tell({"type": "progress", "id": self.id, "checkpoint": checkpoint}, "checkpoint")
        self._checkpoint = checkpoint

    def _tell(self, message, field):
        with self._lock:
            if self._over:
                raise RuntimeError(f"job {self.id} has ended; nothing more can be said of it")
            self._say(message, field)
