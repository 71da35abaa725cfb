#!/bin/bash
# 20,000 jobs inserted by psql, four workers, one of them killed with SIGKILL every second: every job completes, none
# is lost, and what a killed worker held is taken back within its lease and 5 seconds.
# ctest: timeout=300
# ctest: serial
source "$(dirname "$0")/support/harness.sh"
use_postgres
use_config << 'END'
[worker]
slots = 8
lease = "2s"
[kinds."quick"]
command = ["true"]
max_attempts = 1000
END

# The ledger of acknowledged ids lives outside the database.
for _ in 1 2 3 4; do
    sql "INSERT INTO jobs (kind, args) SELECT 'quick', jsonb_build_object('n', i) FROM generate_series(1, 5000) i
         RETURNING id" >> "$place/ledger"
done
equal "acknowledged ids" "$(sort -u "$place/ledger" | wc -l)" 20000

declare -A pids
for name in one two three four; do
    start_worker "$name"
    pids[$name]=$worker_pid
done

kills=0
names=(one two three four)
while ((kills < 12)) && ! sql_is 0 "SELECT count(*) FROM jobs"; do
    sleep 1
    name=${names[kills % 4]}
    pid=${pids[$name]}
    echo "$pid $(date +%s.%N)" >> "$place/kills"
    kill -KILL "$pid"
    wait "$pid" 2> /dev/null || true
    start_worker "$name"
    pids[$name]=$worker_pid
    kills=$((kills + 1))
done

wait_for 120 "all jobs to finish" sql_is 0 "SELECT count(*) FROM jobs"
equal "completed" "$(sql "SELECT count(*) FROM all_jobs WHERE state = 'completed'")" 20000
sql "SELECT id FROM all_jobs WHERE state = 'completed' ORDER BY id" | sort > "$place/completed"
sort -u "$place/ledger" | cmp - "$place/completed" || fail "the ledger and the completed jobs differ"

# What a worker held when it was killed was taken back within lease + 5 s.
((kills >= 5)) || fail "only $kills workers were killed; the load was too short"
rescued=0
while read -r pid at; do
    late=$(sql "SELECT coalesce(max(extract(epoch FROM a.finished_at)) - $at, 0)
                FROM attempts a JOIN workers w ON w.id = a.worker
                WHERE a.outcome = 'crashed' AND w.pid = $pid")
    [[ $(echo "$late <= 7" | bc) == 1 ]] || fail "jobs of the worker killed at $at were back $late s later only"
    rescued=$((rescued + $(sql "SELECT count(*) FROM attempts a JOIN workers w ON w.id = a.worker
                               WHERE a.outcome = 'crashed' AND w.pid = $pid")))
    echo "killed pid $pid: its last job was back after $late s"
done < "$place/kills"
echo "$kills workers killed, $rescued claims rescued"
# Each claim has one closing event.
equal "claims without a closing event" "$(sql "
    SELECT count(*) FROM all_jobs j
    WHERE j.fence <> 1 + (SELECT count(*) FROM attempts a WHERE a.job_id = j.id)")" 0
promises_kept
