import datetime
import threading
import unittest

import jobrunner


class JobTest(unittest.TestCase):
    def setUp(self):
        self.service = jobrunner.Service()

    def perform(self, handler, args=None, **rest):
        self.service.on("kind", handler)
        return self.service.perform("kind", args, **rest)

    def end_of(self, handler, **rest):
        return self.perform(handler, **rest)[-1]

    def test_a_timedelta_is_a_length(self):
        end = self.end_of(lambda job: job.snooze(datetime.timedelta(minutes=1)))
        self.assertEqual(end, {"type": "snooze", "id": "1", "in_ms": 60000})

    def test_a_handlers_except_exception_does_not_hide_its_end(self):
        def handler(job):
            try:
                job.fail("no", retry=False)
            except Exception:
                return "hidden"

        self.assertEqual(self.end_of(handler), {"type": "fail", "id": "1", "error": "no", "retry": False})

    def test_sys_exit_in_a_handler_is_a_failure(self):
        def handler(job):
            raise SystemExit(3)

        self.assertEqual(self.end_of(handler)["class"], "SystemExit")

    def test_the_backtrace_names_the_cause(self):
        def handler(job):
            try:
                {}["absent"]
            except KeyError as error:
                raise RuntimeError("outer") from error

        end = self.end_of(handler)
        self.assertEqual((end["class"], end["error"]), ("RuntimeError", "outer"))
        self.assertTrue(any("absent" in line for line in end["backtrace"]))

    def test_nothing_is_said_after_the_end(self):
        kept = []
        self.end_of(kept.append)
        with self.assertRaisesRegex(RuntimeError, "job 1 has ended"):
            kept[0].log("late")

    def test_wait_ends_when_the_job_is_to_stop(self):
        def handler(job):
            threading.Timer(0.01, job.cancel).start()
            return [job.wait(60000), job.cancelled]

        self.assertEqual(self.end_of(handler)["result"], [True, True])

    def test_remaining_time_counts_down_and_grows_by_extend(self):
        def handler(job):
            before = job.remaining_ms
            job.extend(5000)
            return [before <= 1000, job.remaining_ms > 5000]

        self.assertEqual(self.end_of(handler, deadline_ms=1000)["result"], [True, True])

    def test_values_that_are_wrong_are_named(self):
        for call, words in (
                (lambda job: job.progress("x"), "percent is 'x'; a number from 0 to 100"),
                (lambda job: job.progress(True), "percent is True"),
                (lambda job: job.extend(float("nan")), "by_ms is nan"),
                (lambda job: setattr(job, "checkpoint", [1]), r"checkpoint is \[1\]; a dict"),
                (lambda job: setattr(job, "checkpoint", {"steps": 1}), 'no member "steps"'),
                (lambda job: job.step("", int), "name is ''"),
                (lambda job: job.fail("x", retry=1), "retry is 1; True or False")):
            self.service = jobrunner.Service()
            self.assertRegex(self.end_of(call)["error"], words)

    def test_a_service_refuses_what_it_cannot_be(self):
        for make, words in (
                (lambda: jobrunner.Service(concurrency=0), "concurrency is 0; a whole number"),
                (lambda: jobrunner.Service(concurrency="4"), "concurrency is '4'"),
                (lambda: self.service.on("", int), "kind is ''"),
                (lambda: self.service.on("a", 5), "handler is 5; something to call")):
            with self.assertRaisesRegex(ValueError, words):
                make()
        self.service.on("twice", int)
        with self.assertRaisesRegex(ValueError, "a kind without a handler"):
            self.service.on("twice", int)

    def test_a_checkpoint_too_large_is_refused_where_it_is_set(self):
        def handler(job):
            job.checkpoint = {"text": "x" * 1100000}

        self.assertRegex(self.end_of(handler)["error"], "checkpoint makes a message of 11")


if __name__ == "__main__":
    unittest.main()
