#!/bin/bash
# What a million jobs that do not run cost those that do: how fast a worker drains 100,000 jobs beside them, relative to a drain
# beside none. Each round takes every sort in turn, on a database of its own.
#
#   bench/beside_waiting.sh [ROUNDS [COUNT [SORT ...]]]
#
# Sorts: none a_limit scheduled paused unknown limited limited_anew serial finished. `a_limit` is a limit that concerns none of
# the jobs. `limited` jobs have been moved aside before the drain
# begins; `limited_anew` ones stand in front of the jobs that are drained, and the worker moves them first. Needs
# bench_worker_bench (scripts/build release; JOBRUNNER_BENCH_BUILD names another build). Prints each drain and the median
# ratio of each sort, least and most in brackets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -z ${JOBRUNNER_TEST_POSTGRES:-} ]]; then
    export JOBRUNNER_TEST_SHARED_BUFFERS=2GB
    exec scripts/with_postgres "$0" "$@"
fi

rounds=${1:-3}
count=${2:-1000000}
shift $(($# < 2 ? $# : 2))
sorts=("$@")
if ((${#sorts[@]} == 0)); then
    sorts=(none a_limit scheduled paused unknown limited limited_anew serial finished)
fi
build=$PWD/${JOBRUNNER_BENCH_BUILD:-build/release}
base=${JOBRUNNER_TEST_POSTGRES%/*}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

setting() {
    psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "ALTER SYSTEM SET $1"
}
setting "max_wal_size = '8GB'"
setting "checkpoint_timeout = '15min'"
psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "SELECT pg_reload_conf()" > /dev/null

run_sql() {
    psql -Xq -v ON_ERROR_STOP=1 "$base/ours" "$@"
}

insert() { # COLUMNS VALUES
    run_sql -c "SET jobrunner.wake = off" -c "INSERT INTO jobrunner.jobs ($1) SELECT $2 FROM generate_series(1, $count) i"
}

put() {
    case $1 in
        none) ;;
        a_limit) run_sql -c "INSERT INTO jobrunner.limits (scope, name, at_most) VALUES ('kind', 'other', 3)" ;;
        scheduled) insert "kind, run_at" "'bench.noop', now() + interval '1 year'" ;;
        paused)
            run_sql -c "SELECT jobrunner.pause_queue('paused')" > /dev/null
            insert "kind, queue" "'bench.noop', 'paused'"
            ;;
        unknown) insert "kind" "'other'" ;;
        limited | limited_anew)
            run_sql -c "INSERT INTO jobrunner.limits (scope, name, at_most) VALUES ('key', 'k', 0)"
            insert "kind, concurrency_key" "'bench.noop', 'k'"
            if [[ $1 == limited ]]; then
                run_sql -c "UPDATE jobrunner.jobs SET state = 'blocked', held_in = (SELECT id || ':' FROM jobrunner.limits)"
            fi
            ;;
        serial)
            insert "kind, serial_key" "'other', 'account ' || i % 1000"
            run_sql -c "SELECT jobrunner.pass_gates($((2 * count)))" > /dev/null
            ;;
        finished)
            run_sql -c "SELECT jobrunner.ensure_history_days(ARRAY[jobrunner.keep_until(interval '7 days')])" > /dev/null
            run_sql -c "INSERT INTO jobrunner.history (id, run_at, created_at, finished_at, fence, attempt, cost, keep_until, state,
                    snoozes, priority, crashes, give_backs, kind, queue, args, requires, on_dependency_failure, tags, meta)
                SELECT 1000000000 + i, now(), now(), now(), 1, 1, 1, jobrunner.keep_until(interval '7 days'), 'completed',
                    0, 0, 0, 0, 'bench.noop', 'default', '{}', '{}', 'cancel', '{}', '{}'
                FROM generate_series(1, $count) i"
            ;;
        *)
            echo "beside_waiting.sh: $1 is no sort; see its head" >&2
            exit 2
            ;;
    esac
}

drain() {
    psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "DROP DATABASE IF EXISTS ours WITH (FORCE)" -c "CREATE DATABASE ours" 2> /dev/null
    "$build/jobrunner" --database "$base/ours" migrate > /dev/null
    put "$1"
    "$build/bench_worker_bench" "$base/ours" drain 100000 | sed -n 's|.*jobs/s=\([0-9.]*\).*|\1|p'
}

for ((round = 1; round <= rounds; ++round)); do
    for sort in "${sorts[@]}"; do
        rate=$(drain "$sort")
        echo "round $round, beside $count $sort: $rate jobs/s"
        echo "$round $sort $rate" >> "$place/rates"
    done
done
for sort in "${sorts[@]}"; do
    awk -v sort="$sort" '$2 == "none" { none[$1] = $3 } $2 == sort { mine[$1] = $3 } END { for (r in mine) if (none[r]) print mine[r] / none[r] }' \
        "$place/rates" | sort -n | awk -v sort="$sort" '{ v[NR] = $1 } END { if (NR) printf "%s: %.2f [%.2f-%.2f]\n", sort, v[int((NR + 1) / 2)], v[1], v[NR] }'
done
