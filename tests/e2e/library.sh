#!/bin/bash
# The installed package: a program of its own finds it, enqueues with it, and the job runs.
# ctest: timeout=170
source "$(dirname "$0")/support/harness.sh"
use_sqlite
cmake --install "$(dirname "$jobrunner")" --prefix "$place/installed" > "$place/install.log"
cmake -S "$JOBRUNNER_SOURCE_DIR/examples/cpp" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/installed" > "$place/configure.log" 2>&1 \
    || fail "the example does not configure: $(tail -n 5 "$place/configure.log")"
cmake --build "$place/build" > "$place/build.log" 2>&1 || fail "the example does not build: $(tail -n 20 "$place/build.log")"
use_config << 'END'
[kinds."greet"]
command = ["echo", "hello {args.name}"]
END
read -r id state < <("$place/build/enqueue_example" "$JOBRUNNER_DATABASE" greet '{"name": "you"}')
equal "state after enqueuing" "$state" available
"$place/installed/bin/jobrunner" work --until-idle 2> "$place/work.log"
equal "state after working" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" completed
contains "output" "$(sql "SELECT output FROM all_jobs WHERE id = $id")" "hello you"
echo "installed, found, linked, enqueued, run"
