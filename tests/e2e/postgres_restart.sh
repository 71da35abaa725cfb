#!/bin/bash
# PostgreSQL is restarted in immediate mode under load: workers go on by themselves, nothing is lost.
# ctest: timeout=180
# ctest: serial
source "$(dirname "$0")/support/harness.sh"
use_postgres
use_config << 'END'
[worker]
slots = 4
lease = "5s"
[kinds."quick"]
command = ["true"]
max_attempts = 100
END
start_worker one
start_worker two

# Enqueues by its own transactions, and writes down what was acknowledged.
enqueue_until_told() {
    while [[ ! -e $place/enough ]]; do
        sql "INSERT INTO jobs (kind) SELECT 'quick' FROM generate_series(1, 20) RETURNING id" >> "$place/ledger" 2> /dev/null || sleep 0.2
    done
}
enqueue_until_told &
enqueuer=$!

for round in 1 2 3; do
    before=$(wc -l < "$place/ledger")
    more_came() { (($(wc -l < "$place/ledger") > before + 200)); }
    wait_for 30 "load in round $round" more_came
    "$(dirname "$0")/support/pg_ctl.sh" restart-immediate > "$place/restart.log" 2>&1
done
before=$(wc -l < "$place/ledger")
wait_for 30 "load after the last restart" more_came
touch "$place/enough"
wait "$enqueuer"
wait_for 60 "all jobs to finish" sql_is 0 "SELECT count(*) FROM jobs"
sort -u "$place/ledger" > "$place/acknowledged"
sql "SELECT id FROM all_jobs WHERE state = 'completed'" | sort > "$place/completed"
lost=$(comm -23 "$place/acknowledged" "$place/completed" | wc -l)
equal "acknowledged jobs that did not complete" "$lost" 0
for pid in "${worker_pids[@]}"; do
    stop_worker "$pid"
done
echo "$(wc -l < "$place/acknowledged") jobs acknowledged over three immediate restarts, none lost"
