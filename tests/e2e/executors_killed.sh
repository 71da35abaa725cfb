#!/bin/bash
# The same jobs through each way to run one, while workers are killed (SIGKILL) and stopped past their leases (SIGSTOP, SIGCONT):
# every job completes, each was run at least once by its own witness, and what SQL and C++ wrote in the transaction that completed the
# job is there exactly once.
# JOBRUNNER_E2E_EACH: how many jobs for each way (60); JOBRUNNER_E2E_FAULTS: kills and stops at least (5).
# ctest: timeout=300
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
each=${JOBRUNNER_E2E_EACH:-60}
faults=${JOBRUNNER_E2E_FAULTS:-5}
example=${JOBRUNNER_WORKER_EXAMPLE:-$(dirname "$jobrunner")/worker_example}

# The witnesses: a line for each run, outside of the database.
cat > "$place/witness" << 'END'
#!/bin/sh
echo "$JOBRUNNER_JOB_ID" >> "$1"
END
cat > "$place/service" << 'END'
#!/usr/bin/python3
import json, os, sys
witness = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
print(json.dumps({"type": "ready", "concurrency": 4}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    jobs = message.get("jobs", [message] if message["type"] == "job" else [])
    for job in jobs:
        os.write(witness, (job["id"] + "\n").encode())
        print(json.dumps({"type": "done", "id": job["id"]}), flush=True)
END
cat > "$place/chunk" << 'END'
#!/usr/bin/python3
import json, os, sys
witness = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for line in sys.stdin:
    os.write(witness, (json.loads(line)["id"] + "\n").encode())
END
chmod +x "$place/witness" "$place/service" "$place/chunk"
start_http_server
if [[ $backend == postgres ]]; then
    psql_at "$database_name" -qc "CREATE TABLE effects (job_id bigint); CREATE TABLE bills (job_id bigint, amount text)"
    table() { psql_at "$database_name" -qAtc "$1"; }
    together="INSERT INTO effects SELECT unnest(\$2)"
else
    table() { sql "$1"; }
    table "CREATE TABLE effects (job_id bigint)"
    table "CREATE TABLE bills (job_id bigint, amount text)"
    together="INSERT INTO effects SELECT value FROM json_each(\$2)"
fi
use_config << END
[worker]
lease = "2s"
slots = 12
[defaults]
max_attempts = 10000
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
[kinds."command"]
command = ["$place/witness", "$place/seen.command"]
[kinds."command.chunk"]
command = ["$place/chunk", "$place/seen.command.chunk"]
chunk = { max = 10 }
[kinds."service"]
service = ["$place/service", "$place/seen.service"]
[kinds."service.chunk"]
service = ["$place/service", "$place/seen.service.chunk"]
chunk = { max = 10 }
[kinds."http"]
http = { url = "$http_server/seen/{job.id}", allow_private = true }
[kinds."sql"]
sql = "INSERT INTO effects (job_id) VALUES (\$2)"
[kinds."sql.chunk"]
sql = "$together"
chunk = { max = 10 }
END
kinds=(command command.chunk service service.chunk http sql sql.chunk order.bill)
for ((n = 1; n <= each; n++)); do
    for kind in "${kinds[@]}"; do
        echo "{\"kind\": \"$kind\", \"args\": {\"amount\": \"$n\"}, \"max_attempts\": 10000}"
    done
done > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > "$place/enqueue.log"
total=$((each * ${#kinds[@]}))
equal "enqueued" "$(sql "SELECT count(*) FROM jobs")" "$total"

declare -A workers
begin() {
    if [[ $1 == cpp* ]]; then
        "$example" "$JOBRUNNER_DATABASE" >> "$place/$1.log" 2>&1 &
    else
        "$jobrunner" work >> "$place/$1.log" 2>&1 &
    fi
    workers[$1]=$!
    worker_pids+=($!)
}
names=(one two cpp_one three cpp_two)
for name in "${names[@]}"; do
    begin "$name"
done
kills=0 stops=0
for ((i = 0; i < faults || (i < 10 * faults && $(sql "SELECT count(*) FROM jobs WHERE state <> 'dead'") > total / 20); i++)); do
    name=${names[i % ${#names[@]}]}
    sleep "0.$((RANDOM % 6 + 3))"
    if ((i % 3 == 2)); then
        stops=$((stops + 1))
        kill -STOP "${workers[$name]}" 2> /dev/null || true # it may have ended by itself
        sleep 3 # past its lease
        kill -CONT "${workers[$name]}" 2> /dev/null || true
    else
        kills=$((kills + 1))
        kill -KILL "${workers[$name]}" 2> /dev/null || true
        wait "${workers[$name]}" 2> /dev/null || true
        begin "$name"
    fi
    if is_gone "${workers[$name]}"; then
        begin "$name" # an embedded worker ends its program when its lease has passed beneath a handler
    fi
done
# An embedded worker's program that ended is begun anew, as a service manager would.
going_on() {
    for name in "${names[@]}"; do
        if is_gone "${workers[$name]}"; then
            begin "$name"
        fi
    done
    sql_is 0 "SELECT count(*) FROM jobs"
}
wait_for $((120 + total / 20)) "all jobs" going_on

for kind in "${kinds[@]}"; do
    equal "completed of $kind" "$(sql "SELECT count(*) FROM all_jobs WHERE kind = '$kind' AND state = 'completed'")" "$each"
    runs="$place/seen.$kind"
    [[ $kind == http ]] && sed -n 's|^/seen/||p' "$place/port.log" > "$runs"
    if [[ -e $runs ]]; then
        equal "jobs of $kind that were seen to run" "$(sort -u "$runs" | wc -l)" "$each"
        echo "$backend: $kind: $each jobs, $(wc -l < "$runs") runs"
    fi
done
equal "effects of SQL" "$(table "SELECT count(*), count(DISTINCT job_id) FROM effects")" "$((2 * each))|$((2 * each))"
equal "effects of handlers" "$(table "SELECT count(*), count(DISTINCT job_id) FROM bills")" "$each|$each"
promises_kept
echo "$backend: $total jobs, $kills kills and $stops stops: all completed, effects exactly once; claims that did not complete: $(
    sql "SELECT sum(fence) - count(*) FROM all_jobs")"
