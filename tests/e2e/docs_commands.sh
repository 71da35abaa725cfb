#!/bin/bash
# Every `$ jobrunner …` that README and docs show is run, in the order of the pages, beside a worker: none may be wrong
# usage, a failure or out of reach. What a job's state forbids by then (4) is an answer, too. The SQL of docs/sql.md runs as well.
# ctest: timeout=150
source "$(dirname "$0")/support/harness.sh"
mkdir "$place/bin" "$place/shop"
ln -s "$jobrunner" "$place/bin/jobrunner"
export PATH=$place/bin:$PATH
cd "$place"
use_sqlite
use_config << 'END'
[kinds."mail.send"]
command = ["true"]
[kinds."file.digest"]
command = ["true"]
END
for _ in {1..60}; do
    echo '{"kind": "mail.send"}'
done > jobs.jsonl
jobrunner enqueue --file jobs.jsonl > enqueued
start_worker beside

commands=0
run_commands() {
    local line status
    while read -r line; do
        # A worker that is meant to stay is asked to leave when nothing is left.
        if [[ "$line " =~ ^jobrunner\ (--[a-z]+\ [^ ]+\ )*work\  ]]; then
            line="${line%%#*} --until-idle"
        fi
        # The pages' shop lives in this test's own folder.
        line=${line//\/var\/lib\/shop/$place/shop}
        # A server is stopped as soon as it is there.
        if [[ "$line " =~ ^jobrunner\ serve\  && $line != *--new-token* ]]; then
            rm -f serve.log # the last one's says that it serves, too
            bash -c "exec ${line%%#*}" > out 2> serve.log &
            server_pid=$!
            worker_pids+=("$server_pid")
            wait_for 20 "$line" grep -qs "serving http" serve.log
            stop_worker "$server_pid"
            commands=$((commands + 1))
            continue
        fi
        # Only PostgreSQL has roles: below.
        [[ $line == "jobrunner roles"* ]] && continue
        status=0
        bash -o pipefail -c "$line" > out 2> err < /dev/null || status=$?
        case $status in
            0 | 4) ;;
            *) fail "$1: '$line' exited with $status: $(cat err)" ;;
        esac
        commands=$((commands + 1))
    done < <(sed -n '/^```console/,/^```$/ s/^\$ \(.*jobrunner .*\)$/\1/p' "$1")
}
for page in "$JOBRUNNER_SOURCE_DIR/README.md" "$JOBRUNNER_SOURCE_DIR"/docs/*.md; do
    run_commands "$page"
done
((commands >= 25)) || fail "only $commands commands were found in the pages"

# The SQL of the pages; the token in the example stands for one, and must be refused as stale.
use_postgres
contains "roles" "$(jobrunner roles)" "GRANT"
sed -n '/^```sql/,/^```$/ { /^```/d; p }' "$JOBRUNNER_SOURCE_DIR/docs/sql.md" > pages.sql
sed '/complete(:token/,$d' pages.sql > good.sql
psql_at "$database_name" -q -f good.sql > out
equal "jobs that the pages' SQL adds" "$(sql "SELECT count(*) FROM jobs")" 2
if psql_at "$database_name" -q -v token="'1.1.1'" -c "SELECT jobrunner.complete('1.1.1', '{}')" > out 2> err; then
    fail "a stale token was accepted"
fi
contains "refusal of a stale token" "$(cat err)" "no longer held"
echo "$commands commands of the pages were run"
