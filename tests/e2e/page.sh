#!/bin/bash
# The page in a browser: every view and action, hostile text in every field, access, keys, languages, accessibility.
# ctest: timeout=170
source "$(dirname "$0")/support/harness.sh"

cp "$JOBRUNNER_SOURCE_DIR"/tests/page/{package.json,package-lock.json,page_test.mjs} "$place"
mkdir "$place/assets"
for language in en de es; do
    cp "$JOBRUNNER_SOURCE_DIR/src/web/assets/$language.js" "$place/assets/$language.mjs"
done
cat > "$place/assets/languages.mjs" << 'END'
import {de} from "./de.mjs";
import {en} from "./en.mjs";
import {es} from "./es.mjs";
export const languages = {en, de, es};
END
if ! (cd "$place" && npm ci --silent --no-audit --no-fund --ignore-scripts > npm.log 2>&1); then
    # The packages are not the project's own; a machine that cannot reach them cannot run this test.
    tail -n 3 "$place/npm.log" >&2
    echo "skipped: npm cannot install the browser's driver" >&2
    exit 77
fi

use_sqlite
configure() {
    use_config << END
[worker]
slots = 4
[kinds."mail.send"]
command = ["sh", "-c", "echo sent"]
[kinds."billing.charge"]
command = ["sh", "-c", "echo '<img src=x onerror=hacked()>' >&2; exit 1"]
max_attempts = 1
[kinds."mended"]
command = ["$1"]
max_attempts = 1
[web]
$2
END
}
configure false 'local_scope = "admin"'

{
    for i in {1..120}; do
        echo "{\"kind\": \"mail.send\", \"args\": {\"to\": \"customer$i@example.com\"}, \"queue\": \"mail\"}"
    done
    for _ in 1 2 3; do
        echo '{"kind": "mended"}'
    done
    echo '{"kind": "billing.charge", "args": {"card": "<script>hacked()</script>"}, "tags": ["hostile"]}'
    echo '{"kind": "<img src=x onerror=hacked()>", "queue": "<svg onload=hacked()>", "tags": ["hostile"]}'
    echo '{"kind": "\"><script>hacked()</script>", "meta": {"</script>": "<script>hacked()</script>"}, "tags": ["hostile"]}'
    echo '{"kind": "javascript:hacked()", "args": {"href": "javascript:hacked()", "__proto__": 1}, "tags": ["hostile"]}'
    echo '{"kind": "{{constructor}}${hacked()}", "tags": ["hostile", "<b onmouseover=hacked()>b</b>"], "run_in": "1h"}'
    echo '{"kind": "later", "run_in": "1h", "queue": "paused-one"}'
} > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null 2>&1
batch=$("$jobrunner" batches create --name "<i onclick=hacked()>May</i>")
"$jobrunner" enqueue mail.send --batch "$batch" > /dev/null
"$jobrunner" enqueue mail.send --after 1 > /dev/null
"$jobrunner" batches seal "$batch"
"$jobrunner" schedules add nightly --cron "0 2 * * *" --time-zone Europe/Berlin --kind mail.send > /dev/null 2>&1
"$jobrunner" queues pause paused-one > /dev/null
"$jobrunner" limits set key "<img src=x onerror=hacked()>*" --at-most 2 --rate 5/1m > /dev/null
start_worker page
wait_for 60 "the failing jobs to die" sql_is 4 "SELECT count(*) FROM dead_jobs"
wait_for 60 "the others to complete" sql_is 122 "SELECT count(*) FROM history WHERE kind = 'mail.send'"
configure true 'local_scope = "admin"'
kill -HUP "$worker_pid"

# serve NAME: sets url.
serve() {
    "$jobrunner" serve --listen 127.0.0.1:0 > "$place/$1.out" 2> "$place/$1.log" &
    worker_pids+=("$!")
    wait_for 20 "the server" grep -qs "serving http" "$place/$1.log"
    url=$(sed -n 's/^.*serving \(http.*\)\/$/\1/p' "$place/$1.log")
}
serve open
open_url=$url
configure true "tokens = [{ name = \"reader\", sha256 = \"$(printf %s secret-token | sha256sum | cut -d' ' -f1)\", scope = \"read\" }]"
serve secured
node "$place/page_test.mjs" "$open_url" "$url" secret-token
