#!/bin/bash
# SQL kinds: statement, effects and completion in one transaction; errors, timeouts, cancel; a worker killed over and over
# leaves each effect once.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

if [[ $backend == postgres ]]; then
    db() { psql_at "$database_name" -qAtc "$1"; }
    db 'CREATE SCHEMA billing'
    db 'CREATE TABLE ledger (job_id bigint, month text)'
    role=jobrunner_e2e_billing_$$
    db "CREATE ROLE $role; GRANT $role TO CURRENT_USER; GRANT SELECT, INSERT ON ledger TO $role"
    drop_role() {
        psql_at "$database_name" -qc "DROP OWNED BY $role; DROP ROLE $role" > /dev/null 2>&1
    }
    trap 'status=$?; drop_role; (exit $status); finish' EXIT
    month="\$1 ->> 'month'"
    slow="SELECT pg_sleep(60)"
    divide="SELECT 1 / (\$1 ->> 'by')::int AS share"
    role_line="sql_role = \"$role\""
    divided_class=22012
else
    db() { sql "$1"; }
    db 'CREATE TABLE ledger (job_id INTEGER, month TEXT)'
    month="\$1 ->> 'month'"
    slow='WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
    divide="SELECT json_extract('{', \$1 ->> 'by')"
    role_line=''
    divided_class='SQL logic error'
fi
use_config << END
[worker]
lease = "2s"
slots = 4
[defaults]
max_attempts = 3
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
[kinds."close_month"]
sql = "INSERT INTO ledger (job_id, month) VALUES (\$2, $month) RETURNING month, 7 AS days"
$role_line
[kinds."close_month_slowly"]
sql = "INSERT INTO ledger (job_id, month) VALUES (\$2, $month)"
[kinds."divide"]
sql = "$divide"
[kinds."slow"]
sql = "$slow"
timeout = "400ms"
max_attempts = 1
[kinds."endless"]
sql = "$slow"
timeout = "none"
[kinds."two"]
sql = "SELECT 1; SELECT 2"
max_attempts = 1
[kinds."foreign"]
sql = "INSERT INTO secret_table (name) VALUES ('x')"
max_attempts = 1
$role_line
END
"$jobrunner" config check > /dev/null

# A row becomes the result.
closed=$("$jobrunner" enqueue close_month '{"month": "may"}')
divided=$("$jobrunner" enqueue divide '{"by": "0"}')
slow_id=$("$jobrunner" enqueue slow)
two=$("$jobrunner" enqueue two)
foreign=$("$jobrunner" enqueue foreign)
[[ $backend == postgres ]] && db 'CREATE TABLE secret_table (name text)'
start_worker work
state_is() { sql_is "$2" "SELECT state FROM all_jobs WHERE id = $1"; }
for id in "$divided" "$slow_id" "$two" "$foreign"; do
    wait_for 30 "job $id to be dead" state_is "$id" dead
done
wait_for 10 "the completed job" state_is "$closed" completed
equal "the result" "$(sql "SELECT result FROM all_jobs WHERE id = $closed" | jq -Sc .)" '{"days":7,"month":"may"}'
equal "the effect" "$(db "SELECT count(*), min(job_id), min(month) FROM ledger")" "1|$closed|may"
equal "attempts that completed are no failures" "$(sql "SELECT count(*) FROM attempts WHERE job_id = $closed")" 0
equal "attempts of an error" "$(sql "SELECT count(*), min(error_class) FROM attempts WHERE job_id = $divided")" "3|$divided_class"
equal "a statement out of time" "$(sql "SELECT outcome FROM attempts WHERE job_id = $slow_id")" timed_out
equal "two statements" "$(sql "SELECT count(*) FROM attempts WHERE job_id = $two")" 1
if [[ $backend == postgres ]]; then
    equal "what the role may not" "$(sql "SELECT error_class FROM attempts WHERE job_id = $foreign")" 42501
fi

# Cancel stops a statement that never ends. On SQLite nobody could ask for it meanwhile.
if [[ $backend == postgres ]]; then
    endless=$("$jobrunner" enqueue endless)
    wait_for 10 "the endless job to run" state_is "$endless" running
    "$jobrunner" cancel "$endless" > /dev/null
    wait_for 15 "the endless job to be cancelled" state_is "$endless" cancelled
fi
stop_worker "$worker_pid"

# Killed over and over: each effect once.
jobs=400
db 'DELETE FROM ledger'
for ((i = 1; i <= jobs; i++)); do
    echo "{\"kind\": \"close_month_slowly\", \"args\": {\"month\": \"m$i\"}}"
done > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null
written_at_least() { (($(db 'SELECT count(*) FROM ledger') >= $1)); }
for enough in 40 110 190 260; do
    start_worker killed
    wait_for 60 "$enough rows" written_at_least "$enough"
    kill -KILL "$worker_pid"
    wait "$worker_pid" 2> /dev/null || true
done
start_worker last
wait_for 90 "all jobs" sql_is "$jobs" "SELECT count(*) FROM all_jobs WHERE kind = 'close_month_slowly' AND state = 'completed'"
stop_worker "$worker_pid"
equal "rows, jobs and months" "$(db 'SELECT count(*), count(DISTINCT job_id), count(DISTINCT month) FROM ledger')" \
    "$jobs|$jobs|$jobs"

# A killed worker's statement ends with it.
if [[ $backend == postgres ]]; then
    "$jobrunner" enqueue endless > /dev/null
    start_worker killed
    runs() { [[ $(db "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database()") == "$1" ]]; }
    wait_for 20 "the statement to run" runs 1
    kill -KILL "$worker_pid"
    wait_for 10 "the statement to end" runs 0
fi
echo "$backend: SQL kinds run, fail, stop and are killed in one transaction with their completion"
promises_kept
