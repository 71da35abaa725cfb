#!/bin/bash
# Compares jobrunner with a yardstick: a hand-written C program that drives the same server as a plain job queue. Both take
# turns on one private cluster, so that the ratios hold where absolute figures do not.
#
#   bench/against_limit.sh LIMIT_FOLDER [ROUNDS [drain|insert|latency|hold ...]]
#
# LIMIT_FOLDER holds pgq_bench.c and designs/f4_cursor_archive.sql. Needs build/release/bench_worker_bench
# (scripts/build release). Prints each round and the median ratio, least and most in brackets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -z ${JOBRUNNER_TEST_POSTGRES:-} ]]; then
    export JOBRUNNER_TEST_SHARED_BUFFERS=2GB
    exec scripts/with_postgres "$0" "$@"
fi

limit_folder=$(realpath "${1:?the folder of the limit program}")
rounds=${2:-5}
shift 2 || shift 1
modes=("${@:-drain}")
worker_bench=$PWD/${JOBRUNNER_BENCH_BUILD:-build/release}/bench_worker_bench
jobrunner=$PWD/${JOBRUNNER_BENCH_BUILD:-build/release}/jobrunner
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cc -O2 -pthread -o "$place/limit" "$limit_folder/pgq_bench.c" -I"$(pg_config --includedir)" -lpq
design=$limit_folder/designs/f4_cursor_archive.sql
base=${JOBRUNNER_TEST_POSTGRES%/*}

setting() {
    psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "ALTER SYSTEM SET $1"
}
setting "max_wal_size = '8GB'"
setting "min_wal_size = '2GB'"
setting "checkpoint_timeout = '15min'"
setting "random_page_cost = 1.1"
setting "effective_cache_size = '12GB'"
setting "autovacuum_naptime = '15s'"
setting "jit = off"
psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "SELECT pg_reload_conf()" > /dev/null
psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "CREATE DATABASE bench"

limit() {
    "$place/limit" -d "host=127.0.0.1 port=$PGPORT user=$PGUSER dbname=bench" -f "$design" "$@"
}

# A database of its own for each run, as the limit program makes its tables anew.
fresh() {
    psql -Xq "$JOBRUNNER_TEST_POSTGRES" -c "DROP DATABASE IF EXISTS ours WITH (FORCE)" -c "CREATE DATABASE ours" 2> /dev/null
    "$jobrunner" --database "$base/ours" migrate > /dev/null
}

ours() {
    fresh
    "$worker_bench" "$base/ours" "$@"
}

field() {
    sed -n "s|.*$1=\([0-9.]*\).*|\1|p" | head -n 1
}

# ratio NAME OURS THEIRS
ratio() {
    echo "$1: ours $2, limit $3, ratio $(awk "BEGIN { printf \"%.2f\", $2 / $3 }")" | tee -a "$place/ratios"
}

insert_rate() { # KIND BATCH PRODUCERS DESIGN
    "$place/limit" -d "host=127.0.0.1 port=$PGPORT user=$PGUSER dbname=$5" -f "$4" -m insert -k "$1" -b "$2" -p "$3" -t 4 | field rows/s
}

# The table of jobs as a design of the limit program, with its wake-up trigger or without.
write_insert_design() {
    {
        echo "jobrunner's table"
        echo "-- @setup"
        echo "TRUNCATE jobrunner.jobs; ALTER TABLE jobrunner.jobs $1 TRIGGER ALL;"
        echo "-- @enqueue"
        echo "INSERT INTO jobrunner.jobs (kind, args) VALUES ('noop', \$1::jsonb)"
        echo "-- @enqueueN"
        echo "INSERT INTO jobrunner.jobs (kind, args) SELECT 'noop', p::jsonb FROM unnest(\$1) p"
        echo "-- @copy"
        echo "COPY jobrunner.jobs (args) FROM STDIN"
        echo "-- @claim"
        echo "SELECT \$1::int4, \$2::text, \$3::int8"
        echo "-- @complete"
        echo "SELECT \$1::int8[], \$2::text"
    } > "$2"
}

run_insert() {
    fresh
    psql -Xq "$base/ours" -c "ALTER TABLE jobrunner.jobs ALTER kind SET DEFAULT 'noop'"
    write_insert_design ENABLE "$place/with.sql"
    write_insert_design DISABLE "$place/without.sql"
    local kind batch with without plain
    for kind in one multi copy; do
        batch=$([[ $kind == copy ]] && echo 10000 || echo 1000)
        with=$(insert_rate "$kind" "$batch" 2 "$place/with.sql" ours)
        without=$(insert_rate "$kind" "$batch" 2 "$place/without.sql" ours)
        plain=$(insert_rate "$kind" "$batch" 2 "$design" bench)
        ratio "insert $kind, trigger to none" "$with" "$without"
        ratio "insert $kind, to the limit's table" "$with" "$plain"
    done
}

run_drain() {
    ratio drain "$(ours drain 200000 | field jobs/s)" "$(limit -m drain -c 2 -b 500 -n 200000 | field jobs/s)"
}

# The limit program's table with a trigger that tells its waiting consumer of each insert.
write_notify_design() {
    awk '/^-- @preload/ {
        print "CREATE FUNCTION q.tell() RETURNS trigger LANGUAGE plpgsql AS $t$ BEGIN PERFORM pg_notify(\x27job_ready\x27, \x27\x27); RETURN NULL; END $t$;"
        print "CREATE TRIGGER tell AFTER INSERT ON q.job FOR EACH STATEMENT EXECUTE FUNCTION q.tell();"
    } { print }' "$design" > "$1"
}

run_latency() {
    local rate design=$design
    write_notify_design "$place/notify.sql"
    design=$place/notify.sql
    for rate in 20 500 2000; do
        local mine theirs
        mine=$(ours latency "$rate" $((rate * 10)))
        theirs=$(limit -m latency -k notify -r "$rate" -n $((rate * 10)))
        ratio "pick-up p50 at $rate/s" "$(field p50 <<< "$mine")" "$(field p50 <<< "$theirs")"
        ratio "pick-up p99 at $rate/s" "$(field p99 <<< "$mine")" "$(field p99 <<< "$theirs")"
    done
}

# Jobs per second in each five seconds; a snapshot is held from the fifth second on.
run_hold() {
    local line
    line=$(ours churn 65 hold)
    echo "ours:  $line"
    echo "limit: $(limit -m churn -c 2 -p 1 -b 500 -q 20000 -t 65 -i 5 -H -h 5 | head -n 1)"
    local figures
    read -r -a figures <<< "${line#*:}"
    ratio "snapshot held for 60 s, end to start" "${figures[-1]}" "${figures[0]}"
}

for ((round = 1; round <= rounds; ++round)); do
    for mode in "${modes[@]}"; do
        "run_$mode"
    done
done

echo "--- medians"
cut -d: -f1 "$place/ratios" | sort -u | while read -r name; do
    grep "^$name:" "$place/ratios" | sed 's/.*ratio //' | sort -n | awk -v name="$name" \
        '{ r[NR] = $1 } END { printf "%s: %.2f [%.2f-%.2f] of %d\n", name, r[int((NR + 1) / 2)], r[1], r[NR], NR }'
done
