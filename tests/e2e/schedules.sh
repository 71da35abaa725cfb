#!/bin/bash
# Schedules, on both backends: declared in the configuration, added and steered on the command line; and workers that are
# killed at the instant at which a schedule is due, again and again: each due time has one row and one job, none is missing.
# $JOBRUNNER_TEST_ROUNDS rounds of three deaths each instead of 4.
# ctest: timeout=600
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

write_config() {
    use_config << END
[worker]
lease = "2s"
[kinds."tick"]
command = ["true"]
[kinds."report"]
command = ["true"]
$1
END
}

# Declared in the file, it runs, and goes with the file's next version; what the command line adds stays.
write_config '[schedules."seconds"]
cron = "@every 1s"
kind = "report"
args = { of = "yesterday" }
overlap = "allow"
queue = "reports"
tags = ["clock"]'
"$jobrunner" schedules add yearly --cron "0 0 1 1 *" --time-zone Europe/Berlin --kind report --queue bulk 2> /dev/null
start_worker one
wait_for 15 "two runs of a declared schedule" sql_is 1 \
    "SELECT CASE WHEN count(*) >= 2 THEN 1 ELSE 0 END FROM all_jobs
     WHERE schedule = 'seconds' AND queue = 'reports' AND state = 'completed'"
contains "list" "$("$jobrunner" schedules)" "every second"
contains "words" "$("$jobrunner" --json schedules)" '"words":"on day 1 of the month in January at 00:00 Europe/Berlin"'
contains "history" "$("$jobrunner" schedules show seconds)" "enqueued"
"$jobrunner" schedules pause seconds > /dev/null
contains "a paused one" "$("$jobrunner" schedules)" "paused"
"$jobrunner" schedules resume seconds > /dev/null
job=$("$jobrunner" schedules run-now yearly)
"$jobrunner" wait "$job" > /dev/null
write_config '[schedules]'
kill -HUP "$worker_pid"
wait_for 10 "the file's schedule to go" sql_is yearly "SELECT name FROM schedules"
wait_for 10 "the next due time" sql_is 1 "SELECT count(*) FROM schedules WHERE next_at IS NOT NULL"
contains "next" "$("$jobrunner" --json schedules)" '-12-31T23:00:00.000Z"'
"$jobrunner" schedules remove yearly > /dev/null

# Refusals and their exit statuses.
status=0
"$jobrunner" schedules run-now yearly 2> /dev/null || status=$?
equal "a schedule that is not there" "$status" 3
status=0
"$jobrunner" schedules add bad --cron "0 0 31 2 *" --kind report 2> "$place/err" || status=$?
equal "an impossible expression" "$status" 2
contains "its refusal" "$(cat "$place/err")" "never run"
stop_worker "$worker_pid"

# Deaths at the due instant.
"$jobrunner" schedules add tick --cron "* * * * * *" --kind tick --overlap allow --missed "all up to 1000" 2> /dev/null > /dev/null
rounds=${JOBRUNNER_TEST_ROUNDS:-4}
for ((round = 0; round < rounds; ++round)); do
    pids=()
    for name in a b c; do
        start_worker "$name"
        pids+=("$worker_pid")
    done
    # All are at work, and have passed a due time, before the next one brings their end.
    before=$(sql "SELECT count(*) FROM schedule_runs WHERE schedule = 'tick'")
    wait_for 20 "round $round" sql_is 1 \
        "SELECT CASE WHEN count(*) > $before THEN 1 ELSE 0 END FROM schedule_runs WHERE schedule = 'tick'"
    # At the second, and up to 50 ms behind it.
    now=$(date +%s%N)
    sleep "$(awk -v n="$((1000000000 - now % 1000000000))" -v r="$round" 'BEGIN { printf "%.4f", n / 1e9 + (r * 7 % 51) / 1000 }')"
    kill -KILL "${pids[@]}"
    for pid in "${pids[@]}"; do
        wait "$pid" 2> /dev/null || true
    done
done
start_worker last
before=$(sql "SELECT count(*) FROM schedule_runs WHERE schedule = 'tick'")
wait_for 20 "the last worker" sql_is 1 \
    "SELECT CASE WHEN count(*) > $before + 1 THEN 1 ELSE 0 END FROM schedule_runs WHERE schedule = 'tick'"
"$jobrunner" schedules pause tick > /dev/null
stop_worker "$worker_pid"

if [[ $backend == postgres ]]; then
    due="meta ->> 'due_at'"
    span="1 + extract(epoch FROM max(due_at) - min(due_at))::integer"
else
    due="meta ->> '\$.due_at'"
    span="1 + strftime('%s', max(due_at)) - strftime('%s', min(due_at))"
fi
times=$(sql "SELECT count(*) FROM schedule_runs WHERE schedule = 'tick'")
equal "due times between the first and the last" "$times" \
    "$(sql "SELECT $span FROM schedule_runs WHERE schedule = 'tick'")"
equal "due times without a job" "$(sql "SELECT count(*) FROM schedule_runs WHERE schedule = 'tick' AND job_id IS NULL")" 0
equal "jobs" "$(sql "SELECT count(*) FROM all_jobs WHERE schedule = 'tick'")" "$times"
equal "due times of jobs" "$(sql "SELECT count(DISTINCT $due) FROM all_jobs WHERE schedule = 'tick'")" "$times"
echo "$((rounds * 3)) workers killed at a due instant, $times due times, one job each"
