"""A process that takes many jobs: jobrunner's service protocol."""
import json
import queue
import re
import sys
import threading
import traceback

from .channel import Channel, encode
from .errors import JobEnded, expect
from .job import Job

# How a worker begins a job's line: enough to fail the job whose line cannot be read.
JOB_LINE = re.compile(rb'^\{"type":"job","id":"([0-9]+)"')
CHUNK_LINE = b'{"type":"jobs","jobs":['
JOB_IN_CHUNK = re.compile(rb'[\[,]\{"type":"job","id":"([0-9]+)"')
ERROR_CHARACTERS_MAX = 64 * 1024
BACKTRACE_LINES_MAX = 200


def class_name(error):
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "."
    return module + kind.__qualname__


def failure(job_id, error):
    lines = [line for part in traceback.format_exception(type(error), error, error.__traceback__)
             for line in part.rstrip("\n").split("\n")]
    return {"type": "fail", "id": job_id, "error": str(error)[:ERROR_CHARACTERS_MAX] or class_name(error),
            "class": class_name(error), "backtrace": [line[:1000] for line in lines[-BACKTRACE_LINES_MAX:]]}


class Service:
    """Handlers by kind, run for the worker at the other end of standard input and output.

    concurrency: how many jobs run at a time, each in a thread of its own.
    schema: where complete_in() finds jobrunner's functions in PostgreSQL.
    """

    def __init__(self, concurrency=1, schema="jobrunner"):
        whole = isinstance(concurrency, int) and not isinstance(concurrency, bool)
        expect(whole and 1 <= concurrency <= 10_000, "concurrency", concurrency, "a whole number from 1 to 10000")
        self._concurrency = concurrency
        self._schema = schema
        self._handlers = {}
        self._chunk_handlers = {}
        self._running = {}
        self._unsaid = 0  # jobs whose end has not been said
        self._changed = threading.Condition()
        self._waiting = queue.SimpleQueue()
        self._stopping = False

    def on(self, kind, handler=None):
        """Registers a handler, which is given a Job; what it returns is the result. Also a decorator."""
        return self._register(self._handlers, kind, handler)

    def on_chunk(self, kind, handler=None):
        """Registers a handler that is given a list of Jobs. Also a decorator.

        It returns a list with what became of each, in their order: its result, or an exception, which fails it; or
        None, and all are done. What it raises fails all of them that have not ended by themselves.
        """
        return self._register(self._chunk_handlers, kind, handler)

    def _register(self, handlers, kind, handler):
        expect(isinstance(kind, str) and kind != "", "kind", kind, "the name of a kind")
        if handler is None:
            return lambda function: self._register(handlers, kind, function)
        expect(callable(handler), "handler", handler, "something to call")
        known = kind in self._handlers or kind in self._chunk_handlers
        expect(not known, "kind", kind, "a kind without a handler")
        handlers[kind] = handler
        return handler

    def run(self):
        """Serves until the worker says shutdown or goes away, and what runs has ended. Then returns."""
        self._channel = Channel.on_standard_streams()
        for number in range(self._concurrency):
            threading.Thread(target=self._serve, name=f"jobrunner-{number}", daemon=True).start()
        self._channel.say({"type": "ready", "concurrency": self._concurrency})
        # Reading goes on beside the last jobs, which may still be cancelled.
        threading.Thread(target=self._read, name="jobrunner-reader", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._stopping and self._unsaid == 0)

    def perform(self, kind, args=None, **rest):
        """For tests: runs a job without a worker. Returns the messages that were said; the last is its end."""
        said = []
        message = {"id": "1", "kind": kind, "args": args or {}, "queue": "default", "attempt": 1,
                   "max_attempts": 25, "token": "1.1.1", "deadline_ms": None, "checkpoint": None, **rest}
        job = Job(message, lambda line, field: said.append(json.loads(encode(line, field))), self._schema)
        job.finish(self._results_of([job])[0])
        return said

    def _read(self):
        try:
            for line in self._channel.lines():
                self._take(line)
        finally:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()

    def _take(self, line):
        try:
            message = json.loads(line)
            kind = message.get("type") if isinstance(message, dict) else None
            if kind == "job":
                self._accept([message])
            elif kind == "jobs":
                self._accept(message.get("jobs"))
            elif kind == "cancel":
                self._cancel(message.get("id"))
            elif kind == "shutdown":
                with self._changed:
                    self._stopping = True
                    self._changed.notify_all()
            else:
                self._complain("its type is none of job, jobs, cancel and shutdown")
        except Exception as error:  # pylint: disable=broad-except; a line must not end the service
            self._complain(error)
            named = JOB_IN_CHUNK.findall(line) if line.startswith(CHUNK_LINE) else JOB_LINE.findall(line)
            for job_id in named:
                self._refuse(job_id.decode(), f"the service cannot read the job: {error}")

    def _accept(self, messages):
        jobs = [job for job in map(self._job_of, messages) if job]
        if jobs and jobs[0].kind in self._chunk_handlers:
            self._waiting.put(jobs)
        else:
            for job in jobs:
                self._waiting.put([job])

    def _job_of(self, message):
        job_id = message.get("id")
        if not isinstance(job_id, str):
            self._complain("its id is no string")
            return None
        try:
            job = Job(message, self._channel.say, self._schema)
        except ValueError as error:
            self._refuse(job_id, f"the service cannot read the job: {error}")
            return None
        with self._changed:
            if job_id in self._running:
                self._complain(f"job {job_id} runs already")
                return None
            self._running[job_id] = job
            self._unsaid += 1
        return job

    def _cancel(self, job_id):
        with self._changed:
            job = self._running.get(job_id) if isinstance(job_id, str) else None
        if job:
            job.cancel()

    def _refuse(self, job_id, why):
        self._channel.say({"type": "fail", "id": job_id, "error": why, "class": "BadMessage"})

    @staticmethod
    def _complain(why):
        sys.stderr.write(f"jobrunner: a message was passed over: {why}\n")
        sys.stderr.flush()

    def _serve(self):
        while True:
            jobs = self._waiting.get()
            for job, end in zip(jobs, self._results_of(jobs)):
                # Out of the book before its end is said: the worker may send the job's next attempt at once.
                with self._changed:
                    del self._running[job.id]
                job.finish(end)
                with self._changed:
                    self._unsaid -= 1
                    self._changed.notify_all()

    def _results_of(self, jobs):
        handler = self._chunk_handlers.get(jobs[0].kind)
        if handler is None:
            return [self._result_of(jobs[0])]
        try:
            results = handler(jobs)
            if results is None:
                results = [None] * len(jobs)
            fits = isinstance(results, (list, tuple)) and len(results) == len(jobs)
            expect(fits, "the chunk's result", type(results).__name__, f"a list of {len(jobs)}, or None,")
        except BaseException as error:  # pylint: disable=broad-except; whatever it is, the jobs have an end
            return [failure(job.id, error) for job in jobs]
        return [failure(job.id, result) if isinstance(result, BaseException) else self._done(job, result)
                for job, result in zip(jobs, results)]

    @staticmethod
    def _done(job, result):
        done = {"type": "done", "id": job.id}
        return done if result is None else {**done, "result": result}

    def _result_of(self, job):
        handler = self._handlers.get(job.kind)
        if handler is None:
            known = ", ".join(sorted([*self._handlers, *self._chunk_handlers])) or "none"
            return {"type": "fail", "id": job.id, "retry": False, "class": "UnknownKind",
                    "error": f'this service has no handler for the kind "{job.kind}"; it has: {known}'}
        try:
            result = handler(job)
        except JobEnded:
            return None
        except BaseException as error:  # pylint: disable=broad-except; whatever it is, the job has an end
            return failure(job.id, error)
        return self._done(job, result)
