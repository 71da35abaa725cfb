#!/bin/bash
# `migrate`, an INSERT by psql, and `work` in three others: every job runs, spread over the workers, each once; psql and
# the CLI show the same state.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
use_postgres
use_config << END
[worker]
slots = 2
[kinds."note"]
command = ["sh", "-c", 'read -r args; echo "\$JOBRUNNER_JOB_ID \$args" >> $place/ran; sleep 0.02']
END
for name in one two three; do
    start_worker "$name"
done
wait_for 20 "three workers" sql_is 3 "SELECT count(*) FROM workers WHERE state = 'running'"
sql "INSERT INTO jobs (kind, args) SELECT 'note', jsonb_build_object('n', i) FROM generate_series(1, 600) i"
wait_for 60 "all jobs" sql_is 600 "SELECT count(*) FROM all_jobs WHERE state = 'completed'"
equal "runs" "$(wc -l < "$place/ran")" 600
equal "jobs that ran" "$(cut -d' ' -f1 "$place/ran" | sort -u | wc -l)" 600
equal "workers that ran some" "$(sql "SELECT count(DISTINCT worker) FROM all_jobs")" 3
equal "states by the CLI" "$("$jobrunner" list --json --limit 1000 | jq -r .state | sort | uniq -c | xargs)" "600 completed"
equal "workers by the CLI" "$("$jobrunner" workers --json | jq -r .state | sort | uniq -c | xargs)" "3 running"
for pid in "${worker_pids[@]}"; do
    stop_worker "$pid"
done
echo "600 jobs, each once: $(sql "SELECT string_agg(n::text, ' + ') FROM (SELECT count(*) AS n FROM all_jobs GROUP BY worker) w")"
