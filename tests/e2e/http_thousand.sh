#!/bin/bash
# A thousand requests in flight at once, on one worker of few threads and little memory. The server answers none before it has
# all of them, and then sleeps a second.
# ctest: serial
# ctest: timeout=170
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
ulimit -n 16384 2> /dev/null || true
python3 "$JOBRUNNER_SOURCE_DIR/tests/e2e/support/http_server.py" "$place/port" > "$place/server.log" 2>&1 &
worker_pids+=($!)
wait_for 20 "the server" test -s "$place/port"
use_config << END
[worker]
slots = 1000
[queues]
default = { slots = 1000 }
[kinds."sleep"]
http = { url = "http://localhost:$(< "$place/port")/together/1000", allow_private = true }
END
for _ in {1..1000}; do
    echo '{"kind": "sleep"}'
done > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null 2>&1

threads_max=0
begin=$(date +%s%N)
(ulimit -Sn 1024; exec "$jobrunner" work --until-idle >> "$place/work.log" 2>&1) &
worker=$!
worker_pids+=("$worker")
while [[ -e /proc/$worker/status ]]; do
    threads=$(awk '/^Threads:/ { print $2 }' "/proc/$worker/status" 2> /dev/null || true)
    peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$worker/status" 2> /dev/null || true)
    if [[ -n $threads ]]; then
        threads_max=$((threads > threads_max ? threads : threads_max))
    fi
    if [[ -n $peak ]]; then
        peak_kib=$peak
    fi
    is_gone "$worker" && break
    sleep 0.02
done
status=0
wait "$worker" || status=$?
took_ms=$((($(date +%s%N) - begin) / 1000000))
equal "exit status of the worker" "$status" 0
equal "completed" "$(sql "SELECT count(*) FROM all_jobs WHERE state = 'completed' AND attempt = 1")" 1000
equal "asked" "$(grep -c '^/together/1000$' "$place/port.log")" 1000
((threads_max > 0 && threads_max < 20)) || fail "it had $threads_max threads"
((peak_kib < 102400)) || fail "it had $peak_kib KiB"
echo "$backend: 1000 requests in flight at once, a second of sleep included, took $took_ms ms, with $threads_max threads and $((peak_kib / 1024)) MiB"
