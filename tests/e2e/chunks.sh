#!/bin/bash
# Kinds that take many jobs at a time: a command, an SQL statement and a service. Each job is settled on its own; whatever
# becomes of its chunk, none is lost and no effect of SQL happens twice.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

# Reads its jobs as lines; notes how many there were, and which. Says of each what its args ask for.
cat > "$place/tally" << 'END'
#!/usr/bin/python3
import json, os, signal, sys, time
jobs = [json.loads(line) for line in sys.stdin]
assert len(jobs) == int(os.environ["JOBRUNNER_CHUNK"]) and "JOBRUNNER_TOKEN" not in os.environ
with open(os.environ["NOTES"], "a") as notes:
    notes.write(f"{len(jobs)}\n")
print("tally of", len(jobs), flush=True)
def say(message):
    os.write(3, (json.dumps(message) + "\n").encode())
for job in jobs:
    ask = job["args"].get("ask")
    if ask == "fail":
        say({"type": "fail", "id": job["id"], "error": "no such account", "class": "NotFound", "retry": False})
    elif ask == "sleep":
        open(os.environ["NOTES"] + ".sleeps", "a").close()
        time.sleep(60)
    elif ask == "crash" and job["attempt"] == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    elif ask == "exit" and job["attempt"] == 1:
        sys.exit(3)
    elif ask != "silent":
        say({"type": "done", "id": job["id"], "result": {"n": job["args"]["n"]}})
END
cat > "$place/service" << 'END'
#!/usr/bin/python3
import json, os, sys
print(json.dumps({"type": "ready", "concurrency": 2}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "jobs":
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{len(message['jobs'])}\n")
        for job in message["jobs"]:
            if job["args"].get("ask") == "crash" and job["attempt"] == 1:
                sys.exit(1)
            print(json.dumps({"type": "done", "id": job["id"], "result": len(message["jobs"])}), flush=True)
END
chmod +x "$place/tally" "$place/service"
if [[ $backend == postgres ]]; then
    effects=public.effects
    sql "CREATE TABLE $effects (job_id bigint PRIMARY KEY, share numeric)"
    statement="INSERT INTO effects SELECT i.id, 100 / (a.args ->> 'by')::int
        FROM unnest(\$2) WITH ORDINALITY i (id, n) JOIN jsonb_array_elements(\$1) WITH ORDINALITY a (args, n) USING (n)
        RETURNING job_id, share"
else
    effects=effects
    sql "CREATE TABLE $effects (job_id INTEGER PRIMARY KEY, share NUMERIC NOT NULL)"
    statement="INSERT INTO effects SELECT i.value, 100 / (a.value ->> 'by') FROM json_each(\$2) i
        JOIN json_each(\$1) a ON a.key = i.key RETURNING job_id, share"
fi
use_config << END
[worker]
slots = 40
lease = "2s"
[defaults]
max_attempts = 4
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
[kinds."tally"]
command = ["$place/tally"]
environment = { NOTES = "$place/tallied" }
chunk = { max = 10, wait = "300ms" }
grace = "1s"
[kinds."share"]
sql = """$statement"""
chunk = { max = 10, wait = "300ms" }
[kinds."count"]
service = ["$place/service"]
environment = { NOTES = "$place/counted" }
chunk = { max = 10, wait = "300ms" }
END
# enqueue NAME: what stands in NAME.jsonl; the ids are in NAME.ids then, a line each.
enqueue() {
    local newest
    newest=$(sql "SELECT coalesce(max(id), 0) FROM all_jobs")
    "$jobrunner" enqueue --file "$place/$1.jsonl" > /dev/null
    sql "SELECT id FROM jobs WHERE id > $newest ORDER BY id" > "$place/$1.ids"
}
states() {
    sql "SELECT state, count(*) FROM all_jobs WHERE kind = '$1' GROUP BY state ORDER BY state" | tr '\n' ' '
}

# --- a command: 25 jobs are three chunks at most; each has its own result, and one its own failure
for n in {1..25}; do
    ask=$([[ $n == 7 ]] && echo fail || echo none)
    ask=$([[ $n == 9 ]] && echo silent || echo "$ask")
    echo "{\"kind\": \"tally\", \"args\": {\"n\": $n, \"ask\": \"$ask\"}}"
done > "$place/tally.jsonl"
enqueue tally
"$jobrunner" work --until-idle 2> "$place/worker.log"
equal "tallied" "$(states tally)" "completed|24 dead|1 "
equal "jobs in chunks" "$(awk '{ n += $1 } END { print n }' "$place/tallied")" 25
(($(wc -l < "$place/tallied") == 3)) || fail "chunks of: $(tr '\n' ' ' < "$place/tallied")"
equal "results" "$(sql "SELECT count(*) FROM all_jobs WHERE kind = 'tally' AND state = 'completed' AND result IS NOT NULL")" 23
failed=$(sed -n 7p "$place/tally.ids")
contains "the failure" "$("$jobrunner" show "$failed")" "no such account"
contains "what the chunk printed" "$("$jobrunner" show "$(head -n 1 "$place/tally.ids")")" "tally of 10"

# --- a crash and an exit charge those of which nothing was said; cancelling one gives the others back at no cost
for ask in none crash none; do
    echo "{\"kind\": \"tally\", \"args\": {\"n\": 1, \"ask\": \"$ask\"}, \"queue\": \"two\"}"
done > "$place/crash.jsonl"
enqueue crash
"$jobrunner" work --until-idle --queues two 2>> "$place/worker.log"
wait_for 20 "the crashed chunk" sql_is 0 "SELECT count(*) FROM jobs WHERE state = 'running'"
while (($(sql "SELECT count(*) FROM jobs WHERE kind = 'tally'") > 0)); do
    "$jobrunner" work --until-idle --queues two 2>> "$place/worker.log"
done
equal "after a crash" "$(sql "SELECT attempt FROM all_jobs WHERE queue = 'two' ORDER BY id" | tr '\n' ' ')" "1 2 2 "
for ask in sleep none; do
    "$jobrunner" enqueue tally "{\"n\": 2, \"ask\": \"$ask\"}" --queue three
done > "$place/sleep.ids"
start_worker sleeper --queues three
wait_for 20 "the sleep" test -e "$place/tallied.sleeps"
"$jobrunner" cancel "$(head -n 1 "$place/sleep.ids")" > "$place/cancel.log"
wait_for 20 "both to end" sql_is 0 "SELECT count(*) FROM jobs"
stop_worker "$worker_pid"
equal "cancelled, and its neighbour" "$(sql "SELECT state, attempt FROM all_jobs WHERE queue = 'three' ORDER BY id" | tr '\n' ' ')" \
    "cancelled|1 completed|1 "

# --- SQL: one statement for all; one that fails is found by running each by itself
for by in 1 2 4 5 10 20; do
    echo "{\"kind\": \"share\", \"args\": {\"by\": $by}}"
done > "$place/share.jsonl"
enqueue share
"$jobrunner" work --until-idle 2>> "$place/worker.log"
equal "shares" "$(states share)" "completed|6 "
equal "effects" "$(sql "SELECT count(*), sum(share) FROM $effects" | cut -d. -f1)" "6|210"
equal "a result" "$("$jobrunner" show --json "$(sed -n 3p "$place/share.ids")" | jq -c '.result.share | tonumber')" 25
for by in 1 2 0 5; do
    echo "{\"kind\": \"share\", \"args\": {\"by\": $by}, \"max_attempts\": 1}"
done > "$place/share.jsonl"
enqueue share
"$jobrunner" work --until-idle 2>> "$place/worker.log"
equal "shares, one of them of nothing" "$(states share)" "completed|9 dead|1 "
equal "the one that is dead" "$(sql "SELECT id FROM all_jobs WHERE kind = 'share' AND state = 'dead'")" "$(sed -n 3p "$place/share.ids")"
equal "effects" "$(sql "SELECT count(*) FROM $effects")" 9

# --- a service: one message; its crash charges those that it had
for n in {1..25}; do
    ask=$([[ $n == 3 ]] && echo crash || echo none)
    echo "{\"kind\": \"count\", \"args\": {\"ask\": \"$ask\"}}"
done > "$place/count.jsonl"
enqueue count
start_worker counter
wait_for 30 "the service's jobs" sql_is 0 "SELECT count(*) FROM jobs WHERE kind = 'count'"
stop_worker "$worker_pid"
equal "counted" "$(states count)" "completed|25 "
(($(sql "SELECT count(*) FROM all_jobs WHERE kind = 'count' AND attempt > 1") <= 20)) || fail "a crash charged jobs that its child did not have"
(($(head -n 1 "$place/counted") == 10)) || fail "chunks of: $(tr '\n' ' ' < "$place/counted")"

# --- workers killed over and over: nothing lost, and no effect of SQL twice
for n in {1..600}; do
    echo "{\"kind\": \"share\", \"args\": {\"by\": $n}}"
    echo "{\"kind\": \"tally\", \"args\": {\"n\": $n}}"
    echo "{\"kind\": \"count\", \"args\": {}}"
done > "$place/many.jsonl"
enqueue many
for _ in {1..6}; do
    "$jobrunner" work 2>> "$place/worker.log" &
    pid=$!
    sleep "0.$((RANDOM % 5 + 4))"
    kill -KILL "$pid"
    wait "$pid" 2> /dev/null || true
done
start_worker last
wait_for 100 "all jobs" sql_is 0 "SELECT count(*) FROM jobs"
stop_worker "$worker_pid"
equal "shares after kills" "$(states share)" "completed|609 dead|1 "
equal "effects after kills" "$(sql "SELECT count(*), count(DISTINCT job_id) FROM $effects")" "609|609"
equal "tallied after kills" "$(states tally | grep -c 'completed|6')" 1
equal "counted after kills" "$(states count)" "completed|625 "
promises_kept
echo "$backend: chunks of $(sort -n "$place/tallied" | uniq -c | tr -s ' ' | tr '\n' ',') settled job by job"
