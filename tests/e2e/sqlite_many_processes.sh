#!/bin/bash
# SQLite: four workers and four enqueuers at once, a worker killed now and then: no error is shown to anyone, nothing
# is lost, and the file is sound.
# ctest: timeout=180
# ctest: serial
source "$(dirname "$0")/support/harness.sh"
use_sqlite
use_config << 'END'
[worker]
slots = 4
lease = "2s"
[kinds."quick"]
command = ["true"]
max_attempts = 100
END
for name in one two three four; do
    start_worker "$name"
done

enqueue_some() {
    local i
    for i in {1..60}; do
        "$jobrunner" enqueue quick "{\"n\": $i}" >> "$place/ledger.$1" 2>> "$place/enqueue_errors"
    done
}
enqueuers=()
for name in a b c d; do
    enqueue_some "$name" &
    enqueuers+=($!)
done
for round in 0 1; do
    sleep 1
    kill -KILL "${worker_pids[$round]}"
    start_worker "again$round"
done
for pid in "${enqueuers[@]}"; do
    wait "$pid" || fail "an enqueuer failed: $(cat "$place/enqueue_errors")"
done
equal "errors shown to enqueuers" "$(cat "$place/enqueue_errors")" ""
wait_for 60 "all jobs to finish" sql_is 0 "SELECT count(*) FROM jobs"
cat "$place"/ledger.* | sort > "$place/acknowledged"
sql "SELECT id FROM all_jobs WHERE state = 'completed'" | sort > "$place/completed"
equal "jobs acknowledged" "$(sort -u "$place/acknowledged" | wc -l)" 240
cmp "$place/acknowledged" "$place/completed" || fail "the ledgers and the completed jobs differ"
equal "integrity" "$(sql "PRAGMA integrity_check")" ok
if grep -iE 'locked|busy|error' "$place"/*.log | grep -v rescued; then
    fail "a worker showed an error"
fi
echo "240 jobs through four enqueuers and four workers, two of them killed"
promises_kept
