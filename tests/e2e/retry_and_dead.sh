#!/bin/bash
# A kind that always fails: attempts at the promised times, then dead, then `retry` runs it again.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
use_config << END
[defaults]
max_attempts = 3
backoff = { base = "1s", factor = 2.0, cap = "1m", jitter = 0.0 }
[kinds."doomed"]
command = ["sh", "-c", 'date +%s.%N >> $place/times; echo "no luck today" >&2; exit 3']
END
id=$("$jobrunner" enqueue doomed)
start_worker one
wait_for 30 "its death" sql_is dead "SELECT state FROM all_jobs WHERE id = $id"
equal "attempts" "$(wc -l < "$place/times")" 3
# 1 s after the first, 2 s after the second: never before, and at most a second late.
awk 'NR > 1 { gap = $1 - last; least = NR - 1; if (gap < least || gap > least + 1.5) { print "gap " NR - 1 ": " gap; exit 1 } } { last = $1 }' \
    "$place/times" || fail "attempts were not at the promised times"
equal "recorded attempts" "$(sql "SELECT count(*) FROM attempts WHERE job_id = $id AND outcome = 'failed' AND exit_code = 3")" 3
contains "error of the dead letter" "$(sql "SELECT error FROM dead_jobs WHERE id = $id")" "exit code 3: no luck today"
contains "dead" "$("$jobrunner" dead)" "no luck today"

"$jobrunner" retry "$id" > /dev/null
wait_for 30 "the fourth attempt" test "$(wc -l < "$place/times")" -ge 3
wait_for 30 "its second death" sql_is 6 "SELECT count(*) FROM attempts WHERE job_id = $id"
wait_for 30 "its second death" sql_is dead "SELECT state FROM all_jobs WHERE id = $id"
equal "attempts after retry" "$(wc -l < "$place/times")" 6
equal "audit of the retry" "$(sql "SELECT count(*) FROM operator_audit WHERE action = 'retry' AND job_id = $id")" 1
stop_worker "$worker_pid"
echo "$backend: attempts on time, dead, retried"
promises_kept
