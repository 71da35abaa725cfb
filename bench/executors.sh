#!/bin/bash
# What each way to run a job costs beside the work itself: one worker drains jobs that do nothing, way by way in turn, on a
# database of its own each.
#
#   bench/executors.sh [ROUNDS [JOBS]]     20,000 jobs; a fifth for commands, five times as many for handlers
#
# Prints milliseconds for each job (wall clock, both cores for the worker, its children and the server), of each round, then a
# table with the median, least and most in brackets. JOBRUNNER_BENCH_BACKEND=sqlite for a file instead of PostgreSQL. Needs
# jobrunner and bench_worker_bench (scripts/build release; JOBRUNNER_BENCH_BUILD names another build), nginx and Python 3.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

backend=${JOBRUNNER_BENCH_BACKEND:-postgres}
if [[ $backend == postgres && -z ${JOBRUNNER_TEST_POSTGRES:-} ]]; then
    export JOBRUNNER_TEST_SHARED_BUFFERS=1GB
    exec scripts/with_postgres "$0" "$@"
fi
rounds=${1:-3}
jobs=${2:-20000}
build=$PWD/${JOBRUNNER_BENCH_BUILD:-build/release}
jobrunner=$build/jobrunner
if [[ ! -x $jobrunner ]]; then
    echo "executors: $jobrunner is not there; scripts/build release makes it" >&2
    exit 2
fi
export JOBRUNNER_ALLOW_ROOT=1
place=$(mktemp -d)
nginx_pid=
clean_up() {
    if [[ -n $nginx_pid ]]; then
        kill "$nginx_pid" 2> /dev/null || true
    fi
    rm -rf "$place"
}
trap clean_up EXIT

mkdir "$place/nginx"
port=$((20000 + RANDOM % 10000))
cat > "$place/nginx/nginx.conf" << END
daemon off;
master_process off;
pid $place/nginx/pid;
error_log $place/nginx/error.log;
events {}
http {
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path $place/nginx/b; proxy_temp_path $place/nginx/p; fastcgi_temp_path $place/nginx/f;
    uwsgi_temp_path $place/nginx/u; scgi_temp_path $place/nginx/s;
    server { listen 127.0.0.1:$port; location / { return 204; } }
}
END
PATH=$PATH:/usr/sbin nginx -e "$place/nginx/error.log" -c "$place/nginx/nginx.conf" -p "$place/nginx" &
nginx_pid=$!

cat > "$place/service" << 'END'
#!/usr/bin/python3
import json, sys
print('{"type":"ready","concurrency":10}', flush=True)
for line in sys.stdin:
    message = json.loads(line)
    for job in message.get("jobs", [message] if message["type"] == "job" else []):
        sys.stdout.write('{"type":"done","id":"' + job["id"] + '"}\n')
    sys.stdout.flush()
END
chmod +x "$place/service"
cat > "$place/jobrunner.toml" << END
[worker]
slots = 100
[kinds."command"]
command = ["true"]
[kinds."command, chunks of 100"]
command = ["true"]
chunk = { max = 100 }
[kinds."service"]
service = ["$place/service"]
[kinds."service, chunks of 100"]
service = ["$place/service"]
chunk = { max = 100 }
[kinds."HTTP"]
http = { url = "http://127.0.0.1:$port/", allow_private = true }
[kinds."SQL"]
sql = "SELECT 1"
[kinds."SQL, chunks of 100"]
sql = "SELECT 1"
chunk = { max = 100 }
END
export JOBRUNNER_CONFIG=$place/jobrunner.toml
ways=(command 'command, chunks of 100' service 'service, chunks of 100' HTTP SQL 'SQL, chunks of 100' 'C++ handler')

begin() {
    if [[ $backend == postgres ]]; then
        psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "DROP DATABASE IF EXISTS ours WITH (FORCE)" -c "CREATE DATABASE ours" 2> /dev/null
        export JOBRUNNER_DATABASE=${JOBRUNNER_TEST_POSTGRES%/*}/ours
    else
        rm -f "$place"/jobs.db*
        export JOBRUNNER_DATABASE=sqlite://$place/jobs.db
    fi
    "$jobrunner" migrate > /dev/null
}

# How many jobs: a drain should take some seconds, beside which a worker's start and stop are little.
count_of() {
    case $1 in
        command) echo $((jobs / 5)) ;;
        'C++ handler') echo $((jobs * 5)) ;;
        *) echo "$jobs" ;;
    esac
}

# Milliseconds for each job of one drain.
drain() {
    local count
    count=$(count_of "$1")
    begin
    if [[ $1 == 'C++ handler' ]]; then
        "$build/bench_worker_bench" "$JOBRUNNER_DATABASE" drain "$count" 2> /dev/null | sed 's/.*secs=\([0-9.]*\).*/\1/' \
            | awk -v n="$count" '{ printf "%.3f", $1 * 1000 / n }'
        return
    fi
    local began ended
    for ((i = 0; i < count; i++)); do
        echo "{\"kind\": \"$1\"}"
    done > "$place/jobs.jsonl"
    "$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null 2>&1
    began=$(date +%s%N)
    "$jobrunner" --log-level error work --until-idle
    ended=$(date +%s%N)
    awk -v t="$((ended - began))" -v n="$count" 'BEGIN { printf "%.3f", t / 1e6 / n }'
}

for ((round = 1; round <= rounds; round++)); do
    for way in "${ways[@]}"; do
        took=$(drain "$way")
        echo "$backend, round $round, $way: $took ms"
        echo "$took" >> "$place/took.$way"
    done
done
echo
echo "| way | ms for each job ($backend) |"
echo "|---|---|"
for way in "${ways[@]}"; do
    sort -n "$place/took.$way" | awk -v way="$way" '{ a[NR] = $1 }
        END { printf "| %s | %.2f [%.2f-%.2f] |\n", way, a[int((NR + 1) / 2)], a[1], a[NR] }'
done
