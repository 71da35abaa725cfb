#!/bin/bash
# SQL kinds do their effects exactly once wherever a worker dies: workers are killed at each named point of the protocol, and
# from outside at any moment, while a query over jobs and effects looks for a difference all the time.
# JOBRUNNER_KILLS: how many kills for each backend; scripts/kill_sql_jobs asks for thousands.
# ctest: timeout=300
source "$(dirname "$0")/support/harness.sh"
if ! grep -aq JOBRUNNER_FAULT_POINT "$jobrunner"; then
    echo "skipped: the program was built without JOBRUNNER_FAULTS" >&2
    exit 77
fi
on_each_backend "$@"
kills=${JOBRUNNER_KILLS:-130}
lanes=4 # workers at a time

points=(sql_claimed sql_before_begin sql_begun sql_before_complete sql_before_commit sql_committed before_settle settled outside)
if [[ $backend == postgres ]]; then
    points+=(sql_statement_sent sql_statement_done sql_complete_sent sql_commit_sent)
    effects=public.effects
else
    effects=effects
fi
sql "CREATE TABLE $effects (job_id bigint)"
sql "CREATE INDEX effects_by_job ON $effects (job_id)"
use_config << END
[worker]
lease = "1s"
slots = 3
[defaults]
max_attempts = 10000
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
[kinds."effect"]
sql = "INSERT INTO effects (job_id) VALUES (\$2)"
END

# A worker needs jobs to die at a point, and how many it does before depends on the machine: what runs low is topped up.
jobs=0
for ((i = 0; i < 500; i++)); do
    echo '{"kind": "effect"}'
done > "$place/jobs.jsonl"
top_up() {
    if (($(sql "SELECT count(*) FROM jobs") < 300)); then
        "$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null
        jobs=$((jobs + 500))
    fi
}
top_up

# Effects of jobs that did not complete, effects beyond the first, and completed jobs without one; in one snapshot.
differences() {
    sql "SELECT (SELECT count(*) FROM $effects e
                 WHERE NOT EXISTS (SELECT 1 FROM all_jobs j WHERE j.id = e.job_id AND j.state = 'completed'))
              + (SELECT count(*) - count(DISTINCT job_id) FROM $effects)
              + (SELECT count(*) FROM all_jobs j
                 WHERE j.state = 'completed' AND NOT EXISTS (SELECT 1 FROM $effects e WHERE e.job_id = j.id))"
}

die_at() {
    local status=0
    JOBRUNNER_FAULT_POINT=$1:$((RANDOM % 3 + 1)) timeout 250 "$jobrunner" work 2>> "$place/killed.log" || status=$?
    ((status == 137)) || fail "a worker that was to die at $1 ended with $status"
}

die_from_outside() {
    "$jobrunner" work 2>> "$place/killed.log" &
    local pid=$!
    sleep "0.$(printf %03d $((RANDOM % 250 + 20)))"
    kill -KILL "$pid"
    wait "$pid" 2> /dev/null || true
}

# lane NTH: each lanes-th of the kills.
lane() {
    local i point
    for ((i = $1; i < kills; i += lanes)); do
        point=${points[i % ${#points[@]}]}
        if [[ $point == outside ]]; then
            die_from_outside
        else
            die_at "$point"
        fi
        echo "$point" >> "$place/kills.$1"
    done
}

lane_pids=()
for ((n = 0; n < lanes; n++)); do
    lane "$n" 2> "$place/lane$n.log" &
    lane_pids+=($!)
done
lanes_run() {
    local pid
    for pid in "${lane_pids[@]}"; do
        kill -0 "$pid" 2> /dev/null && return
    done
    return 1
}
looks=0
while lanes_run; do
    equal "differences during the kills" "$(differences)" 0
    looks=$((looks + 1))
    top_up
    sleep 0.5
done
for pid in "${lane_pids[@]}"; do
    wait "$pid" || fail "a lane of kills"
done
equal "kills" "$(cat "$place"/kills.* | wc -l)" "$kills"
interrupted=$(sql "SELECT count(*) FROM jobs")

start_worker last --slots 16
wait_for 200 "all jobs" sql_is 0 "SELECT count(*) FROM jobs"
stop_worker "$worker_pid"
equal "completed" "$(sql "SELECT count(*) FROM all_jobs WHERE state = 'completed'")" "$jobs"
equal "effects" "$(sql "SELECT count(*), count(DISTINCT job_id) FROM $effects")" "$jobs|$jobs"
equal "differences" "$(differences)" 0
promises_kept
echo "$backend: $kills kills; $jobs jobs, of which $interrupted were left when they ended; $looks looks during the kills:"
cat "$place"/kills.* | sort | uniq -c
# A look that saw nothing would prove nothing.
sql "INSERT INTO $effects (job_id) SELECT min(job_id) FROM $effects"
equal "differences after a second effect" "$(differences)" 1
