#!/usr/bin/env python3
"""The kinds that every client's conformance service has; clients/conformance says what they must answer."""
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import jobrunner  # noqa: E402

service = jobrunner.Service(concurrency=int(os.environ.get("CONFORMANCE_CONCURRENCY", "1")))
meeting = {}
meeting_lock = threading.Lock()


class Broken(Exception):
    pass


@service.on("echo")
def echo(job):
    return job.args


@service.on("nothing")
def nothing(job):
    return None


@service.on("add")
def add(job):
    return {"sum": job.args["a"] + job.args["b"]}


@service.on("context")
def context(job):
    limit = job.remaining_ms
    return {"id": job.id, "kind": job.kind, "queue": job.queue, "attempt": job.attempt,
            "max_attempts": job.max_attempts, "token": job.token, "traceparent": job.traceparent,
            "in_time": None if limit is None else 0 < limit <= 60000, "cancelled": job.cancelled}


@service.on("fail")
def fail(job):
    raise Broken(job.args["message"])


@service.on("fail_for_good")
def fail_for_good(job):
    job.fail("no such account", retry=False, error_class="NoAccount")


@service.on("fail_later")
def fail_later(job):
    job.fail("busy", retry_in=60000)


@service.on("fail_swallowed")
def fail_swallowed(job):
    try:
        job.fail("meant so", retry=False)
    except BaseException:
        pass
    return {"went": "on"}


@service.on("snooze")
def snooze(job):
    job.snooze(job.args["ms"])


@service.on("progress")
def progress(job):
    job.progress(40, "half way")
    job.progress(percent=80)
    job.progress(note="nearly there")


@service.on("checkpoint")
def checkpoint(job):
    if job.checkpoint is None:
        job.checkpoint = {"page": job.args["page"]}
        raise Broken("after the checkpoint")
    return job.checkpoint


@service.on("steps")
def steps(job):
    def render():
        job.log("rendering")
        return {"pages": 3}

    def send():
        if job.attempt == 1:
            raise Broken("not sent")
        return f"sent {rendered['pages']}"

    rendered = job.step("render", render)
    job.checkpoint = {"own": True}
    return {"sent": job.step("send", send), "own": job.checkpoint}


@service.on("log")
def log(job):
    job.log(job.args["line"])


@service.on("extend")
def extend(job):
    job.extend(30000)
    return {"longer": job.remaining_ms > 30000}


@service.on("slow")
def slow(job):
    job.log("started")
    stopped = job.wait(60000)
    job.log("cancelled" if stopped and job.cancelled else "waited in vain")
    job.check_cancelled()


@service.on("print")
def stray_print(job):
    print("a stray print")
    subprocess.run(["echo", "a stray child"], check=True)
    os.write(1, b"a stray write\n")


@service.on("meet")
def meet(job):
    """Ends when as many jobs as args.party run at the same time."""
    with meeting_lock:
        barrier = meeting.setdefault(job.args["party"], threading.Barrier(job.args["party"]))
    barrier.wait(10)
    return {"met": job.args["party"]}


@service.on_chunk("twice")
def twice(jobs):
    """Twice each job's n, all of them at once. One below 0 fails, one of 13 fails them all."""
    numbers = [job.args["n"] for job in jobs]
    if 13 in numbers:
        raise Broken("thirteen")
    return [Broken("below 0") if n < 0 else {"twice": 2 * n, "of": len(jobs)} for n in numbers]


@service.on_chunk("log_all")
def log_all(jobs):
    for job in jobs:
        job.log(f"one of {len(jobs)}")


@service.on("no_json")
def no_json(job):
    return {"nothing": {1, 2}}


@service.on("huge_result")
def huge_result(job):
    return {"text": "x" * job.args["length"]}


@service.on("bad_argument")
def bad_argument(job):
    try:
        job.progress(101)
    except ValueError as error:
        return {"names": "percent" in str(error), "expects": "from 0 to 100" in str(error)}


service.run()
