#!/bin/bash
# The installed package: programs of their own find it, enqueue with it and run jobs with it, killed on the way.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"
use_sqlite
cmake --install "$(dirname "$jobrunner")" --prefix "$place/installed" > "$place/install.log"
for page in man1/jobrunner.1 man5/jobrunner.toml.5; do
    [[ -s $place/installed/share/man/$page ]] || fail "$page was not installed"
done
cmake -S "$JOBRUNNER_SOURCE_DIR/examples/cpp" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/installed" > "$place/configure.log" 2>&1 \
    || fail "the example does not configure: $(tail -n 5 "$place/configure.log")"
cmake --build "$place/build" > "$place/build.log" 2>&1 || fail "the example does not build: $(tail -n 20 "$place/build.log")"

# What docs/cpp.md shows compiles as it stands, one block after the other, with what it takes from the application.
mkdir "$place/snippets"
awk '/^```cpp$/ {inside = 1; next} /^```/ {inside = 0} inside && !/^…$/' "$JOBRUNNER_SOURCE_DIR/docs/cpp.md" > "$place/snippets/shown"
(($(grep -c . "$place/snippets/shown") >= 25)) || fail "docs/cpp.md shows no C++"
{
    grep '^#include' "$place/snippets/shown"
    cat << 'END'
#include <pqxx/pqxx>
#include <cassert>
#include <chrono>
pqxx::connection& connection_of_this_thread();
void bill(const std::string& args);
jobrunner::Outcome make_report(jobrunner::JobContext& job);
void shown(pqxx::connection& connection)
{
END
    grep -v '^#include' "$place/snippets/shown"
    echo '}'
} > "$place/snippets/shown.cpp"
cat > "$place/snippets/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.25)
project(shown LANGUAGES CXX)
find_package(jobrunner REQUIRED)
add_library(shown OBJECT shown.cpp)
target_link_libraries(shown PRIVATE jobrunner::jobrunner)
END
{ cmake -S "$place/snippets" -B "$place/snippets/build" -DCMAKE_PREFIX_PATH="$place/installed" \
    && cmake --build "$place/snippets/build"; } > "$place/snippets.log" 2>&1 || fail "docs/cpp.md does not compile: $(grep -m 5 error "$place/snippets.log")"

use_config << 'END'
[kinds."greet"]
command = ["echo", "hello {args.name}"]
END
read -r id state < <("$place/build/enqueue_example" "$JOBRUNNER_DATABASE" greet '{"name": "you"}')
equal "state after enqueuing" "$state" available
"$place/installed/bin/jobrunner" work --until-idle 2> "$place/work.log"
equal "state after working" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" completed
contains "output" "$(sql "SELECT output FROM all_jobs WHERE id = $id")" "hello you"

# The example's worker writes a bill in the transaction that completes its job. It is killed over and over: each order is
# billed once all the same.
unset JOBRUNNER_CONFIG
orders=600
for backend in sqlite postgres; do
    if [[ $backend == postgres ]]; then
        use_postgres
        psql_at "$database_name" -qc 'CREATE TABLE bills (job_id bigint, amount text)'
        bills() { psql_at "$database_name" -qAtc "$1"; }
    else
        sql 'CREATE TABLE bills (job_id bigint, amount text)'
        bills() { sql "$1"; }
    fi
    for ((i = 1; i <= orders; i++)); do
        echo "{\"kind\": \"order.bill\", \"args\": {\"amount\": \"$i\"}}"
    done > "$place/orders.jsonl"
    "$jobrunner" enqueue --file "$place/orders.jsonl" > "$place/orders"
    billed_at_least() { (($(bills 'SELECT count(*) FROM bills') >= $1)); }
    for enough in 60 160 260; do
        "$place/build/worker_example" "$JOBRUNNER_DATABASE" >> "$place/example.log" 2>&1 &
        example=$!
        worker_pids+=("$example")
        wait_for 60 "$enough bills" billed_at_least "$enough"
        kill -KILL "$example"
        wait "$example" 2> /dev/null || true
    done
    "$place/build/worker_example" "$JOBRUNNER_DATABASE" >> "$place/example.log" 2>&1 &
    example=$!
    worker_pids+=("$example")
    wait_for 90 "all orders" sql_is "$orders" "SELECT count(*) FROM all_jobs WHERE kind = 'order.bill' AND state = 'completed'"
    stop_worker "$example"
    equal "$backend: bills, orders and amounts" \
        "$(bills 'SELECT count(*), count(DISTINCT job_id), count(DISTINCT amount) FROM bills')" "$orders|$orders|$orders"
done
echo "documented, installed, found, linked, enqueued, run, killed, billed once"
