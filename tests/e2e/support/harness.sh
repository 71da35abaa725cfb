# shellcheck shell=bash
# For end-to-end tests: a folder, a database and workers of one's own, all gone at the end.
#
# Usage, as the first lines of a test:
#   source "$(dirname "$0")/support/harness.sh"
# Gives: $place (an empty folder), $jobrunner (the binary), the functions below.
set -euo pipefail

# Tests may run as root, on a machine of their own.
export JOBRUNNER_ALLOW_ROOT=1

jobrunner=${JOBRUNNER_BIN:?the built jobrunner binary}
place=$(mktemp -d)
worker_pids=()
database_name=

finish() {
    local status=$?
    set +e
    if ((status != 0)) && ((status != 77)) && [[ -n $database_name ]]; then
        echo "--- who waits for whom, and for what" >&2
        psql_at "$database_name" -qc "SELECT pid, application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid) AS behind,
            now() - query_start AS since, left(query, 60) AS query
            FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid" >&2
        ps -o pid,stat,wchan:24,etime,args -p "$(IFS=,; echo "${worker_pids[*]:-$$}")" >&2
    fi
    for pid in "${worker_pids[@]}"; do
        kill -CONT "$pid" 2> /dev/null
        kill -KILL "$pid" 2> /dev/null
    done
    wait 2> /dev/null
    if [[ -n $database_name ]]; then
        psql_at postgres -qc "DROP DATABASE IF EXISTS $database_name WITH (FORCE)" > /dev/null 2>&1
    fi
    if ((status != 0)) && ((status != 77)); then
        for log in "$place"/*.log; do
            [[ -e $log ]] && echo "--- $(basename "$log"), the end" >&2 && tail -n 20 "$log" >&2
        done
    fi
    rm -rf "$place"
    exit "$status"
}
trap finish EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# equal WHAT ACTUAL EXPECTED
equal() {
    [[ $2 == "$3" ]] || fail "$1: got '$2', expected '$3'"
}

# contains WHAT TEXT PART
contains() {
    [[ $2 == *"$3"* ]] || fail "$1: '$3' was expected in: $2"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        ((SECONDS < end)) || fail "waited in vain for: $what"
        sleep 0.05
    done
}

psql_at() {
    local name=$1
    shift
    psql -X -v ON_ERROR_STOP=1 "${JOBRUNNER_TEST_POSTGRES%/*}/$name" "$@"
}

# A migrated database of its own; sets JOBRUNNER_DATABASE. Skips where no PostgreSQL is given.
use_postgres() {
    if [[ -z ${JOBRUNNER_TEST_POSTGRES:-} ]]; then
        echo "skipped: JOBRUNNER_TEST_POSTGRES names no server" >&2
        exit 77
    fi
    database_name=e2e_$$_$RANDOM
    psql_at postgres -qc "CREATE DATABASE $database_name"
    export JOBRUNNER_DATABASE="${JOBRUNNER_TEST_POSTGRES%/*}/$database_name"
    "$jobrunner" migrate > /dev/null
}

use_sqlite() {
    export JOBRUNNER_DATABASE="sqlite://$place/jobs.db"
    "$jobrunner" migrate > /dev/null
}

# use postgres|sqlite
use() {
    "use_$1"
}

# on_each_backend "$@": runs the whole test anew for each backend and leaves; in those runs it sets $backend and uses it.
on_each_backend() {
    if (($# == 0)); then
        for backend in sqlite postgres; do
            "$0" "$backend"
        done
        exit
    fi
    backend=$1
    use "$backend"
}

# SQL on the database in use; the schema is in the search path, so that both backends take the same text.
sql() {
    if [[ $JOBRUNNER_DATABASE == sqlite:* ]]; then
        sqlite3 -cmd '.timeout 20000' "$place/jobs.db" "$1"
    else
        PGOPTIONS='-c search_path=jobrunner' psql_at "$database_name" -qAtc "$1"
    fi
}

# sql_is EXPECTED QUERY
sql_is() {
    [[ $(sql "$2") == "$1" ]]
}

# The recorded history must show no promise broken.
promises_kept() {
    contains "verify" "$("$jobrunner" verify)" "every promise is kept"
}

# Writes the configuration that is read from standard input; sets JOBRUNNER_CONFIG.
use_config() {
    export JOBRUNNER_CONFIG=$place/jobrunner.toml
    (umask 022 && cat > "$JOBRUNNER_CONFIG")
}

# start_worker NAME [OPTION...]: sets worker_pid; its log is $place/NAME.log.
start_worker() {
    local name=$1
    shift
    "$jobrunner" work "$@" >> "$place/$name.log" 2>&1 &
    worker_pid=$!
    worker_pids+=("$worker_pid")
}

# Starts support/http_server.py; sets http_server, its address. What it was asked for is in $place/port.log.
start_http_server() {
    export SIGNING_KEY=${SIGNING_KEY:-unused}
    python3 "$JOBRUNNER_SOURCE_DIR/tests/e2e/support/http_server.py" "$place/port" > "$place/server.log" 2>&1 &
    worker_pids+=($!)
    wait_for 20 "the HTTP server" test -s "$place/port"
    # shellcheck disable=SC2034
    http_server=http://127.0.0.1:$(< "$place/port")
}

is_gone() {
    ! kill -0 "$1" 2> /dev/null
}

# stop_worker PID: SIGTERM, and its exit status must be 0.
stop_worker() {
    kill -TERM "$1"
    local status=0
    wait "$1" || status=$?
    equal "exit status of a worker after SIGTERM" "$status" 0
}
