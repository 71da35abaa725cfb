#!/bin/bash
# Serial keys, dependencies and batches with plain inserts, through workers that are killed with SIGKILL: one at a time and in
# order, children after their parents, each callback once.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"

# A member appends its name before and after, so that the file shows what ran beside what.
config() {
    use_config << 'END'
[worker]
slots = 8
lease = "2s"
[defaults]
max_attempts = 100
backoff = { base = "20ms", factor = 1.0, cap = "20ms", jitter = 0.0 }
[kinds.step]
command = ["sh", "-c", 'echo "begin $1 $2 $3" >> "$PLACE/steps"; sleep 0.1; echo "end $1 $2 $3" >> "$PLACE/steps"', "--", "{args.key}", "{args.n}", "{job.attempt}"]
environment = { PLACE = "@place@" }
[kinds.doomed]
command = ["false"]
max_attempts = 1
[kinds.called]
command = ["true"]
END
    sed -i "s|@place@|$place|" "$JOBRUNNER_CONFIG"
}

kill_workers() {
    local kills=0 i=0
    declare -A pids
    for name in one two; do
        start_worker "$name"
        pids[$name]=$worker_pid
    done
    local names=(one two)
    while ((kills < $1)) && ! sql_is 0 "SELECT count(*) FROM jobs"; do
        sleep 0.7
        local name=${names[i++ % 2]}
        kill -KILL "${pids[$name]}"
        wait "${pids[$name]}" 2> /dev/null || true
        kills=$((kills + 1))
        start_worker "$name"
        pids[$name]=$worker_pid
    done
    wait_for 120 "all jobs to finish" sql_is 0 "SELECT count(*) FROM jobs"
    for name in one two; do
        stop_worker "${pids[$name]}"
    done
    echo "$kills workers killed"
}

check_backend() {
    : > "$place/steps"
    # Forty keys of eight, and a chain below the last one of the first key.
    for n in 1 2 3 4 5 6 7 8; do
        for key in $(seq 40); do
            echo "{\"kind\": \"step\", \"args\": {\"key\": \"k$key\", \"n\": $n}, \"serial_key\": \"k$key\"}"
        done
    done > "$place/jobs.jsonl"
    "$jobrunner" enqueue --file "$place/jobs.jsonl" 2> /dev/null > /dev/null
    last=$(sql "SELECT max(id) FROM jobs")
    batch=$("$jobrunner" batches create --name all --on-complete '{"kind": "called", "queue": "complete"}' \
        --on-success '{"kind": "called", "queue": "success"}' --on-death '{"kind": "called", "queue": "death"}')
    child=$("$jobrunner" enqueue step '{"key": "child", "n": 1}' --after "$last" --after 1 --batch "$batch")
    "$jobrunner" enqueue step '{"key": "grandchild", "n": 1}' --after "$child" --batch "$batch" > /dev/null
    doomed=$("$jobrunner" enqueue doomed '{}' --batch "$batch")
    orphan=$("$jobrunner" enqueue step '{"key": "orphan", "n": 1}' --after "$doomed")
    "$jobrunner" batches seal "$batch"
    contains "explain of a job that waits" "$("$jobrunner" explain "$child")" "it depends on job 1 "

    kill_workers 6

    equal "states" "$(sql "SELECT count(*) FROM all_jobs WHERE kind = 'step' AND state = 'completed'")" 322
    equal "the orphan" "$(sql "SELECT state FROM all_jobs WHERE id = $orphan")" cancelled
    contains "explain of the orphan" "$("$jobrunner" explain "$orphan")" "job $doomed, on which it depends, is dead"
    # Killed claims leave a begin without an end; what counts is that no two of a key were ever at work, and their order.
    python3 - "$place/steps" << 'END'
import collections
import sys

running, order = {}, collections.defaultdict(list)
for line in open(sys.argv[1]):
    word, key, n, attempt = line.split()
    if word == "begin":
        # The same job again: its last attempt was killed.
        if running.get(key, n) != n:
            sys.exit(f"{key}: {n} began while {running[key]} was at work")
        running[key] = n
        if order[key][-1:] != [n]:
            order[key].append(n)
    else:
        if running.get(key) == n:
            del running[key]
for key, seen in order.items():
    if seen != sorted(seen):
        sys.exit(f"{key}: in the order {seen}")
ends = [line.split()[1] for line in open(sys.argv[1]) if line.startswith("begin")]
if ends.index("child") > ends.index("grandchild"):
    sys.exit("the grandchild began first")
print(f"{len(order)} keys in order")
END
    wait_for 10 "the batch to finish" sql_is finished "SELECT state FROM batch_stats WHERE id = $batch"
    equal "callbacks" "$(sql "SELECT queue FROM all_jobs WHERE kind = 'called' ORDER BY queue" | tr '\n' ' ')" "complete death "
    equal "the batch's dead" "$("$jobrunner" --json batches show "$batch" | jq -c '[.dead, .completed, .unfinished]')" "[1,2,0]"

    promises_kept

    # The dead one is mended: it completes, and the batch has succeeded.
    sed -i 's|command = \["false"\]|command = ["true"]|' "$JOBRUNNER_CONFIG"
    "$jobrunner" retry --batch "$batch" --state dead > /dev/null
    start_worker mender
    wait_for 20 "success" sql_is 1 "SELECT count(*) FROM all_jobs WHERE queue = 'success' AND state = 'completed'"
    stop_worker "$worker_pid"
}

use_sqlite
config
check_backend
use_postgres
config
check_backend
