#!/bin/bash
# The clients for Ruby, Python and Node: their own tests, the transcripts that all must answer alike, and their services
# under the real worker on both backends: jobs enqueued in transactions and completed in those of the application, stale
# tokens refused with what was written beside them, and each job's effect once although the worker is killed again and again.
# ctest: timeout=400
source "$(dirname "$0")/support/harness.sh"
export JOBRUNNER_SOURCE_DIR=${JOBRUNNER_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
clients=$JOBRUNNER_SOURCE_DIR/clients
support=$JOBRUNNER_SOURCE_DIR/tests/e2e/support/clients

# Debian's, whose database drivers are Debian's packages too.
declare -A run=([python]=/usr/bin/python3 [ruby]=/usr/bin/ruby [node]=$(command -v node)) suffix=([python]=py [ruby]=rb [node]=mjs)
declare -A own=([python]=py [ruby]=rb [node]=js)
languages=(python ruby node)

# The commands that a page shows, in that folder, with Debian's programs first.
run_shown() {
    local page=$1 folder=$2 command
    while read -r command; do
        (cd "$folder" && PATH=/usr/bin:$PATH bash -c "$command") || return 1
        shown=$((shown + 1))
    done < <(sed -n '/^```console/,/^```$/ s/^\$ //p' "$page")
}

own_tests() {
    local language
    shown=0
    for language in "${languages[@]}"; do
        run_shown "$clients/$language/README.md" "$clients/$language" > "$place/$language.log" 2>&1 < /dev/null \
            || fail "$language: what its README shows, its tests"
    done
    contains "Python's tests" "$(cat "$place/python.log")" "OK"
    contains "Ruby's tests" "$(cat "$place/ruby.log")" " 0 failures, 0 errors"
    contains "Node's tests" "$(cat "$place/node.log")" "# fail 0"
    run_shown "$clients/conformance/README.md" "$JOBRUNNER_SOURCE_DIR" > /dev/null || fail "what the transcripts' README shows"
    equal "commands that the pages show" "$shown" 4
}

# What would be published is whole.
packages() {
    (cd "$clients/ruby" && gem build jobrunner-client.gemspec --output "$place/client.gem" > /dev/null 2>&1) || fail "gem build"
    contains "the gem" "$(tar -xOf "$place/client.gem" data.tar.gz | tar -tz)" lib/jobrunner/service.rb
    "${run[python]}" -c 'import sys, tomllib; tomllib.load(open(sys.argv[1], "rb"))["project"]["name"]' "$clients/python/pyproject.toml"
    mkdir -p "$place/node_modules"
    ln -s "$clients/node" "$place/node_modules/jobrunner-client"
}

# The services that docs/clients.md shows, each with a job.
shown_services() {
    local page=$JOBRUNNER_SOURCE_DIR/docs/clients.md name
    first_block() {
        awk -v fence="\`\`\`$1" '$0 == fence { inside = !done; next } /^```$/ { done = done || inside; inside = 0 } inside' "$page"
    }
    {
        printf '%s\n' 'render = lambda args: "page of " + args["to"]' 'mailbox_open = lambda: True' 'deliver = len'
        first_block python
    } > "$place/shown.py"
    {
        printf '%s\n' 'def render(args) = "page of #{args["to"]}"' 'def mailbox_open? = true' 'def deliver(page) = page.length'
        first_block ruby
    } > "$place/shown.rb"
    {
        first_block js
        printf '%s\n' 'function render(args) { return `page of ${args.to}`; }' 'function mailboxOpen() { return true; }' \
            'function deliver(page) { return page.length; }'
    } > "$place/shown.mjs"
    for name in "PYTHONPATH=$clients/python ${run[python]} shown.py" "${run[ruby]} -I $clients/ruby/lib shown.rb" "${run[node]} shown.mjs"; do
        echo '{"type":"job","id":"7","kind":"mail.send","args":{"to":"ann"},"attempt":1,"checkpoint":null}' \
            | (cd "$place" && env bash -c "$name") > "$place/said"
        equal "$name" "$(jq -c . "$place/said" | tr '\n' ' ')" "$(jq -c . << 'END' | tr '\n' ' '
{"type":"ready","concurrency":4}
{"type":"progress","id":"7","checkpoint":{"steps":{"render":"page of ann"}}}
{"type":"progress","id":"7","percent":50,"note":"rendered"}
{"type":"done","id":"7","result":{"sent":11}}
END
)"
    done
}

shown_with_database() {
    use_config << END
[kinds."order.bill"]
service = ["${run[python]}", "$support/page.py", "serve"]
pass_environment = ["PATH", "LEDGER_DATABASE", "LEDGER_SOURCES"]
END
    "${run[python]}" "$support/page.py" enqueue
    equal "the job of the page" \
        "$(sql "SELECT j.queue, j.unique_key, a.state FROM jobs j JOIN all_jobs a USING (id) WHERE j.kind = 'order.bill'")" "bills|bill 17|scheduled"
    "$jobrunner" enqueue order.bill '{"order": 17}' > "$place/order"
    "$jobrunner" work --until-idle >> "$place/page.log" 2>&1
    equal "its state" "$(sql "SELECT state, result FROM all_jobs WHERE id = $(cat "$place/order")")" 'completed|{"billed": true}'
    equal "its bill" "$(sql "SELECT number FROM public.bills")" 17
}

transcripts() {
    local language
    for language in "${languages[@]}"; do
        "${run[python]}" "$clients/conformance/run" -- "${run[$language]}" "$clients/$language/conformance/service.${own[$language]}"
    done

    # A service that answers otherwise is found out.
    if "${run[python]}" "$clients/conformance/run" "$clients/conformance/results.jsonl" \
        -- "${run[python]}" "$JOBRUNNER_SOURCE_DIR/examples/bin/text-service" > "$place/other"; then
        fail "a service that answers otherwise passed"
    fi
    contains "what differs" "$(cat "$place/other")" "DIFFERS results, line"
}

write_config() {
    use_config << END
[worker]
slots = $slots
lease = "$lease"
[defaults]
max_attempts = 1000
backoff = { base = "10ms", cap = "100ms" }
END
    for language in "${languages[@]}"; do
        cat >> "$JOBRUNNER_CONFIG" << END
[services.$language]
command = ["${run[$language]}", "$support/ledger.${suffix[$language]}", "serve"]
pass_environment = ["PATH", "LEDGER_DATABASE", "LEDGER_SOURCES"]
instances = $instances
[kinds."$language.bill"]
service = "$language"
[kinds."$language.stale"]
service = "$language"
[kinds."$language.forgets"]
service = "$language"
[kinds."$language.fails"]
service = "$language"
max_attempts = 1
END
    done
    "$jobrunner" config check > /dev/null
    export LEDGER_DATABASE=$JOBRUNNER_DATABASE LEDGER_SOURCES=$JOBRUNNER_SOURCE_DIR
}

ledger_rows() {
    sql "SELECT count(*) FROM $ledger WHERE note = 'bill'"
}

has_rows() {
    (($(ledger_rows) >= $1))
}

each_once() {
    local killed=0 language all=$((3 * jobs))
    for language in "${languages[@]}"; do
        read -r later kept < <("${run[$language]}" "$support/ledger.${suffix[$language]}" enqueue "$jobs")
        equal "$language: replaced args" "$(sql "SELECT args FROM jobs WHERE id = $later" | tr -d ' ')" '{"n":3}'
        equal "$language: when it runs" "$(sql "SELECT state FROM all_jobs WHERE id = $later")" scheduled
        equal "$language: its queue" "$(sql "SELECT queue FROM all_jobs WHERE id = $kept")" kept
        equal "$language: bills enqueued" "$(sql "SELECT count(*) FROM jobs WHERE kind = '$language.bill'")" "$jobs"
    done

    start_worker "$backend"
    while ((killed < 4)); do
        wait_for 60 "more of the ledger" has_rows $((killed * all / 5 + 10))
        kill -KILL "$worker_pid"
        wait "$worker_pid" 2> /dev/null || true
        killed=$((killed + 1))
        has_rows "$all" && fail "all was done after $killed kills; the load was too short"
        start_worker "$backend"
    done
    wait_for 120 "all jobs to end" sql_is 0 "SELECT count(*) FROM jobs WHERE kind NOT LIKE '%.later'"

    equal "bills in the ledger" "$(ledger_rows)" "$all"
    equal "different bills" "$(sql "SELECT count(DISTINCT job_id) FROM $ledger WHERE note = 'bill'")" "$all"
    equal "bills completed" "$(sql "SELECT count(*) FROM all_jobs WHERE kind LIKE '%.bill' AND state = 'completed'")" "$all"
    echo "$backend: $all jobs of three languages, $killed workers killed, each in the ledger once; claims that did not" \
        "complete: $(sql "SELECT count(*) FROM attempts a JOIN all_jobs j ON j.id = a.job_id WHERE j.kind LIKE '%.bill'")"
}

told_by_the_ledger() {
    local language kind=
    for language in "${languages[@]}"; do
        kind="IN (SELECT id FROM all_jobs WHERE kind = '$language"
        contains "$language: the result" "$(sql "SELECT result FROM all_jobs WHERE kind = '$language.bill' LIMIT 1")" billed
        # Killed between its two transactions, it has written the first alone.
        equal "$language: written beside a stale token" \
            "$(sql "SELECT count(*) FROM $ledger WHERE note = 'second' AND job_id $kind.stale')")" 0
        equal "$language: written before it was stale" \
            "$(sql "SELECT count(*) FROM $ledger WHERE note = 'first' AND job_id $kind.stale')")" 1
        equal "$language: what was forgotten" "$(sql "SELECT count(*) FROM $ledger WHERE job_id $kind.forgets')")" 1
        equal "$language: what was not, is done" "$(sql "SELECT state FROM all_jobs WHERE kind = '$language.forgets'")" completed
    done
}

settled_in_peace() {
    # Nobody kills the worker now, so what happens is known to the last row.
    local language
    for language in "${languages[@]}"; do
        for kind in stale forgets fails; do
            "$jobrunner" enqueue "$language.$kind" > "$place/$language.$kind"
        done
    done
    wait_for 30 "them to end" sql_is 0 "SELECT count(*) FROM jobs WHERE kind NOT LIKE '%.later'"
    for language in "${languages[@]}"; do
        equal "$language: beside a stale token" \
            "$(sql "SELECT note FROM $ledger WHERE job_id = $(cat "$place/$language.stale") ORDER BY note" | tr '\n' ' ')" \
            "first refused "
        id=$(cat "$place/$language.forgets")
        equal "$language: after a rollback" "$(sql "SELECT note FROM $ledger WHERE job_id = $id")" "attempt 2"
        contains "$language: why it ran again" "$("$jobrunner" show "$id")" "was not committed"
        id=$(cat "$place/$language.fails")
        equal "$language: the failure's write" "$(sql "SELECT note FROM $ledger WHERE job_id = $id")" failed
        equal "$language: the failure" "$(sql "SELECT outcome, error_class, error FROM attempts WHERE job_id = $id")" \
            "failed|Poor|no money"
        equal "$language: its end" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" dead
    done
}

own_tests
packages
shown_services
transcripts
for backend in sqlite postgres; do
    use "$backend"
    if [[ $backend == sqlite ]]; then
        # Writers of a file take turns, in no order: many would keep the heartbeat from its own.
        slots=6 lease=4s instances=1 jobs=50 ledger=ledger
        sqlite3 "$place/jobs.db" "CREATE TABLE ledger (job_id INTEGER, note TEXT)"
    else
        slots=24 lease=2s instances=2 jobs=120 ledger=public.ledger
        psql_at "$database_name" -qc "CREATE TABLE ledger (job_id bigint, note text)"
    fi
    write_config
    each_once
    told_by_the_ledger
    settled_in_peace
    stop_worker "$worker_pid"
    rm "$JOBRUNNER_CONFIG"
    unset JOBRUNNER_CONFIG
done
shown_with_database
echo "the clients do what they promise on both backends"
