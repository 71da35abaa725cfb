#!/bin/bash
# A service in Python without a client library, on both backends: progress and checkpoint handed back, snooze, failure
# for good, crash, malformed line, cancel, timeout, a worker killed, a service that does not start, thousands of jobs.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"

cat > "$place/service.py" << 'END'
import json, os, sys, threading, time
def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
def run(job):
    id, do = job["id"], job["args"].get("do", "done")
    if do == "done":
        say(type="done", id=id, result={"pid": os.getpid()})
    elif do == "checkpoint" and job["checkpoint"] is None:
        say(type="progress", id=id, percent=40, note="half way", checkpoint={"steps": {"one": 1}})
        say(type="fail", id=id, error="once", **{"class": "Once"}, retry_in_ms=0)
    elif do == "checkpoint":
        print("second time", file=sys.stderr, flush=True)
        say(type="done", id=id, result=job["checkpoint"])
    elif do == "snooze":
        say(type="snooze", id=id, in_ms=3600000)
    elif do == "bad":
        say(type="fail", id=id, error="no such account", retry=False, **{"class": "NoAccount"})
    elif do == "crash":
        print("about to crash", file=sys.stderr, flush=True)
        os._exit(3)
    elif do == "print":
        print("hello", flush=True)
    elif do == "deep":
        sys.stdout.write('{"type":"done","id":"' + id + '","result":' + "[" * 400000 + "]" * 400000 + "}\n")
        sys.stdout.flush()
    elif do == "deaf":
        os.close(0)
        threading.Event().wait()
    # "hang": says nothing
say(type="ready", concurrency=1)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "job":
        run(message)
    elif message["type"] == "cancel":
        say(type="fail", id=message["id"], error="stopped", retry=True)
    elif message["type"] == "shutdown":
        break
END

for backend in sqlite postgres; do
    use "$backend"
    use_config << END
[worker]
slots = 8
lease = "2s"
[defaults]
max_attempts = 1
grace = "1s"
backoff = { base = "10ms" }
[services.py]
command = ["python3", "$place/service.py"]
pass_environment = ["PATH"]
instances = { min = 1, max = 2 }
recycle_after_jobs = 500
[kinds.one]
service = "py"
[kinds.again]
service = "py"
max_attempts = 3
[kinds.short]
service = "py"
timeout = "200ms"
[kinds.broken]
service = ["sh", "-c", "echo cannot start >&2; exit 7"]
END
    "$jobrunner" config check > /dev/null
    start_worker "$backend"
    pid=$worker_pid
    checkpoint=$("$jobrunner" enqueue again '{"do": "checkpoint"}')
    snooze=$("$jobrunner" enqueue one '{"do": "snooze"}')
    bad=$("$jobrunner" enqueue again '{"do": "bad"}')
    crash=$("$jobrunner" enqueue one '{"do": "crash"}')
    printed=$("$jobrunner" enqueue one '{"do": "print"}')
    deep=$("$jobrunner" enqueue one '{"do": "deep"}')
    deaf=$("$jobrunner" enqueue one '{"do": "deaf"}')
    slow=$("$jobrunner" enqueue short '{"do": "hang"}')
    broken=$("$jobrunner" enqueue broken)
    wait_for 20 "a checkpoint handed back" sql_is completed "SELECT state FROM all_jobs WHERE id = $checkpoint"
    contains "its result" "$(sql "SELECT result FROM all_jobs WHERE id = $checkpoint")" steps
    contains "its output" "$(sql "SELECT output FROM all_jobs WHERE id = $checkpoint")" "second time"
    for id in $bad $crash $printed $slow $deep; do
        wait_for 20 "job $id to be dead" sql_is dead "SELECT state FROM all_jobs WHERE id = $id"
    done
    contains "the error" "$("$jobrunner" show "$bad")" "no such account"
    contains "the crash" "$("$jobrunner" show "$crash")" "exited with 3: about to crash"
    contains "the malformed line" "$("$jobrunner" show "$printed")" "no JSON object: hello"
    contains "the endless nesting" "$("$jobrunner" show "$deep")" "nests more than 500 deep"
    "$jobrunner" cancel "$deaf" > /dev/null
    wait_for 20 "the deaf one to be replaced" grep -q service_input_closed "$place/$backend.log"
    wait_for 20 "its job to be cancelled" sql_is cancelled "SELECT state FROM all_jobs WHERE id = $deaf"
    contains "the timeout" "$("$jobrunner" show "$slow")" "timed out after 200ms"
    equal "progress of finished jobs that is left" "$(sql "SELECT count(*) FROM progress")" 0
    wait_for 20 "the snooze" sql_is 1 "SELECT snoozes FROM all_jobs WHERE id = $snooze"

    # Nothing of a service that does not start is burnt, and it is said.
    wait_for 20 "the broken service to be held back" grep -q kind_held_back "$place/$backend.log"
    wait_for 20 "its job to wait" sql_is available "SELECT state FROM all_jobs WHERE id = $broken"
    equal "its attempts" "$(sql "SELECT attempt FROM all_jobs WHERE id = $broken")" 0
    wait_for 20 "a further try" grep -q "service_failed service=broken failures=3" "$place/$backend.log"
    contains "the log" "$(grep service_failed "$place/$backend.log")" "cannot start"
    says_trouble() {
        [[ $("$jobrunner" workers) == *"holds back broken: service broken does not start (failures: "*"): it exited with 7: cannot start"* ]]
    }
    wait_for 20 "workers to say it" says_trouble
    # Two where a claim was under way when its kind was held back.
    sql_is 1 "SELECT count(*) FROM all_jobs WHERE id = $broken AND give_backs BETWEEN 1 AND 2" \
        || fail "the job of a broken service was given back again and again"

    # Cancelled while it runs.
    hang=$("$jobrunner" enqueue one '{"do": "hang"}')
    wait_for 20 "it to run" sql_is running "SELECT state FROM all_jobs WHERE id = $hang"
    "$jobrunner" cancel "$hang" > /dev/null
    wait_for 20 "the cancel" sql_is cancelled "SELECT state FROM all_jobs WHERE id = $hang"

    # Thousands of jobs through two children, each replaced after 500.
    for _ in {1..4000}; do
        echo '{"kind": "one"}'
    done > "$place/many.jsonl"
    before=$(sql "SELECT count(*) FROM all_jobs WHERE state = 'completed'")
    begin=$(date +%s%N)
    "$jobrunner" enqueue --file "$place/many.jsonl" > /dev/null
    wait_for 60 "4000 jobs" sql_is $((before + 4000)) "SELECT count(*) FROM all_jobs WHERE state = 'completed'"
    echo "$backend: 4000 jobs enqueued and run in $((($(date +%s%N) - begin) / 1000000)) ms"

    # A killed worker leaves no child.
    hang=$("$jobrunner" enqueue one '{"do": "hang"}')
    wait_for 20 "it to run" sql_is running "SELECT state FROM all_jobs WHERE id = $hang"
    pgrep -f "$place/service.py" > "$place/children" || fail "there is no child"
    kill -KILL "$pid"
    no_child() {
        ! pgrep -f "$place/service.py" > /dev/null
    }
    wait_for 10 "the children to be gone" no_child
    start_worker "$backend"
    wait_for 20 "its job to be taken back" sql_is dead "SELECT state FROM all_jobs WHERE id = $hang"
    stop_worker "$worker_pid"
    wait_for 10 "the children to be gone" no_child
    rm "$JOBRUNNER_CONFIG"
    unset JOBRUNNER_CONFIG
done
echo "services do what they are told on both backends"
