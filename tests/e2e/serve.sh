#!/bin/bash
# `jobrunner serve` on both backends: tokens and scopes, foreign names and origins, every path of its own description,
# hostile text in every field, requests that no honest program sends, a stop by SIGTERM.
# ctest: timeout=240
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

token_line=$("$jobrunner" serve --new-token 2> "$place/hint")
contains "what to configure" "$(cat "$place/hint")" "sha256 = \"$(printf %s "$token_line" | sha256sum | cut -d' ' -f1)\""
hash_of() {
    printf %s "$1" | sha256sum | cut -d' ' -f1
}
write_config() {
    use_config << END
[kinds."mail.send"]
command = ["sh", "-c", "echo printed; exit 1"]
max_attempts = 1
[kinds."report"]
command = ["true"]
[web]
listen = "127.0.0.1:0"
host_names = ["jobs.example.com"]
$1
END
}
tokens="tokens = [{ name = \"reader\", sha256 = \"$(hash_of r)\", scope = \"read\" },
  { name = \"operator\", sha256 = \"$(hash_of o)\", scope = \"operate\" },
  { name = \"admin\", sha256 = \"$(hash_of a)\", scope = \"admin\" }]"
write_config "$tokens"

start_server() {
    rm -f "$place/serve.log" # The address of a server before it must not be taken for this one's.
    "$jobrunner" serve > "$place/serve.out" 2> "$place/serve.log" &
    server_pid=$!
    worker_pids+=("$server_pid")
    wait_for 20 "the server" grep -qs "serving http" "$place/serve.log"
    url=$(sed -n 's/^.*serving \(http.*\)\/$/\1/p' "$place/serve.log")
}
start_server

# status TOKEN METHOD PATH [BODY] [CURL-OPTION...]: prints the status; the answer is in $place/answer.
status() {
    local token=$1 method=$2 path=$3 body=${4-}
    shift $(($# < 4 ? 3 : 4))
    local options=(-g -s -o "$place/answer" -w '%{http_code}' -X "$method" -m 20)
    [[ -n $token ]] && options+=(-H "Authorization: Bearer $token")
    [[ $method == POST ]] && options+=(-H "Content-Type: application/json" --data-binary "$body")
    curl "${options[@]}" "$@" "$url$path" || true
}
answers() {
    local expected=$1
    shift
    local got
    got=$(status "$@")
    [[ $got == "$expected" ]] || fail "$*: got $got, expected $expected: $(head -c 300 "$place/answer")"
}

# Tokens and scopes.
answers 401 "" GET /api/v1/jobs
answers 401 wrong GET /api/v1/jobs
answers 401 "$(hash_of a)" GET /api/v1/jobs
answers 200 r GET /api/v1/jobs
answers 403 r POST /api/v1/jobs '{"kind": "report"}'
answers 200 o POST /api/v1/jobs '{"kind": "report", "args": {"password": "t0p", "n": 1.10}}'
id=$(jq -r '.items[0].id' "$place/answer")
answers 200 r GET "/api/v1/jobs/$id"
contains "args" "$(cat "$place/answer")" '"n":1.10'
contains "redacted args" "$(cat "$place/answer")" '"password":"***"'
answers 403 o POST "/api/v1/jobs/$id/delete" '{}'
answers 403 o POST /api/v1/jobs/actions '{"action": "delete", "filter": {}}'
answers 200 a POST "/api/v1/jobs/$id/delete" '{}'
answers 404 a POST "/api/v1/jobs/$id/retry" '{}'
answers 200 o POST /api/v1/queues/pause '{"queue": "bulk"}'
equal "who paused" "$(sql "SELECT actor FROM operator_audit WHERE queue = 'bulk'")" "web:operator"

# A browser's session.
answers 200 "" POST /api/v1/login '{"token": "o"}' -c "$place/cookies" -H "Origin: $url"
answers 200 "" GET /api/v1/jobs "" -b "$place/cookies"
answers 401 "" POST /api/v1/queues/resume '{"queue": "bulk"}' -b "$place/cookies"
answers 200 "" POST /api/v1/queues/resume '{"queue": "bulk"}' -b "$place/cookies" -H "Origin: $url"
answers 403 "" POST /api/v1/queues/resume '{"queue": "bulk"}' -b "$place/cookies" -H "Origin: http://evil.example"

# Names and origins that are not its own.
answers 421 a GET /api/v1/jobs "" -H "Host: evil.example"
answers 421 a GET / "" -H "Host: evil.example"
answers 200 a GET /api/v1/jobs "" -H "Host: jobs.example.com"
answers 403 a POST /api/v1/jobs '{"kind": "report"}' -H "Origin: null"
answers 403 a GET /api/v1/events "" -H "Sec-Fetch-Site: cross-site"
equal "a form" "$(curl -s -o "$place/answer" -w '%{http_code}' -H "Authorization: Bearer a" -d 'kind=report' "$url/api/v1/jobs")" 415

# What every answer carries.
curl -s -D "$place/headers" -o /dev/null "$url/"
for header in "Content-Security-Policy: default-src 'none'" "X-Content-Type-Options: nosniff" "X-Frame-Options: DENY"; do
    contains "headers of the page" "$(cat "$place/headers")" "$header"
done
curl -s -D "$place/headers" -o /dev/null -H "Authorization: Bearer r" "$url/api/v1/jobs"
contains "headers of the API" "$(cat "$place/headers")" "Cache-Control: no-store"

# Hostile text in every field comes back as it was, as JSON, and breaks nothing.
# shellcheck disable=SC2016
hostile='"><script>alert(1)</script><img src=x onerror=alert(1)>'\''; DROP TABLE jobs; -- ${{7*7}} ‮'
jq -n --arg h "$hostile" '{kind: ("x" + $h), queue: ("q" + $h), args: {($h): $h}, tags: [$h], meta: {($h): $h},
    unique_key: $h, requires: ["l" + $h]}' > "$place/hostile"
answers 200 o POST /api/v1/jobs "$(cat "$place/hostile")"
id=$(jq -r '.items[0].id' "$place/answer")
answers 200 r GET "/api/v1/jobs/$id"
equal "its kind" "$(jq -r .kind "$place/answer")" "x$hostile"
equal "its tag" "$(jq -r '.tags[0]' "$place/answer")" "$hostile"
answers 200 r GET "/api/v1/jobs?kind=$(jq -rn --arg k "x$hostile" '$k | @uri')"
equal "jobs of that kind" "$(jq '.items | length' "$place/answer")" 1
answers 200 o POST /api/v1/queues/pause "$(jq -n --arg q "q$hostile" '{queue: $q}')"
answers 200 r GET /metrics
contains "metrics" "$(cat "$place/answer")" "jobrunner_up 1"
equal "jobs that are left" "$(sql "SELECT count(*) FROM jobs")" 1

# A worker fails jobs; the page's data says so, and a bulk retry brings them back.
for _ in {1..7}; do
    echo '{"kind": "mail.send"}'
done | "$jobrunner" enqueue --file - > /dev/null
"$jobrunner" work --until-idle > "$place/work.log" 2>&1
answers 200 r GET "/api/v1/jobs?state=dead&limit=2"
equal "the next page" "$(jq -r '.items[-1].id == .next' "$place/answer")" true
dead=$(jq -r '.items[0].id' "$place/answer")
answers 200 r GET "/api/v1/jobs/$dead/log"
contains "the log" "$(cat "$place/answer")" printed
answers 200 r GET "/api/v1/jobs/$dead/attempts"
answers 200 r GET /api/v1/dead
equal "dead letters" "$(jq -r '.items[0].jobs' "$place/answer")" 7
answers 200 r GET "/api/v1/stats/minutes?since=1h"
equal "dead by the minute" "$(jq '[.items[].dead] | add' "$place/answer")" 7
retry='{"action": "retry", "filter": {"state": ["dead"]}, "limit": 5'
answers 200 r GET "/api/v1/jobs?state=dead"
answers 403 r POST /api/v1/jobs/actions "$retry, \"dry_run\": true}"
answers 200 o POST /api/v1/jobs/actions "$retry, \"dry_run\": true}"
equal "a dry run" "$(jq .done "$place/answer")" 5
answers 200 o POST /api/v1/jobs/actions "$retry}"
next=$(jq -r .next "$place/answer")
answers 200 o POST /api/v1/jobs/actions "$retry, \"below\": \"$next\"}"
equal "the last step" "$(jq -c '[.done, .next]' "$place/answer")" "[2,null]"
equal "jobs brought back" "$(sql "SELECT count(*) FROM jobs WHERE kind = 'mail.send'")" 7

# Live events.
curl -s -N -m 20 -H "Authorization: Bearer r" "$url/api/v1/events" > "$place/events" &
events_pid=$!
wait_for 10 "an event" grep -qs '^data: {"version"' "$place/events"
kill "$events_pid"
wait "$events_pid" 2> /dev/null || true

# Every operation of the description answers, and never with a failure of its own.
answers 200 "" GET /api/v1/openapi.json
cp "$place/answer" "$place/openapi.json"
# One curl for all of them: a process for each took most of this test's time.
# shellcheck disable=SC2016
jq -c --arg id "$dead" '
    ["", "{}", "[]", "[[[", "{\"a\":", "null", "{\"name\": \"no such\"}", "{\"queue\": \"a\"}", "{\"run_in\": \"1h\"}",
     "{\"run_in\": \"-1h\"}", "{\"name\": \"\"}", "{\"queue\": 5}", "{\"priority\": 99999}",
     "{\"ids\": [\"9223372036854775807\"], \"action\": \"cancel\"}", "{\"ids\": [99999999999999999999], \"action\": \"cancel\"}",
     "{\"kind\": \"\\ud800\"}", "{\"kind\": \"a\\u0000b\"}"] as $bodies
    | ["", "?limit=-1", "?below=x", "?since=-5m", "?since=999999999999999999d", "?step=0", "?state=,,", "?kind=%00", "?kind=%ff",
       "?a=b", "?limit=1&limit=2", "?%", "?&&==", "?name=" + "x" * 200] as $queries
    | [.paths | to_entries[] | (.key | sub("\\{id\\}"; $id)) as $path | select($path != "/api/v1/events")
        | .value | keys[] | ascii_upcase as $method
        | if $method == "GET" then $queries[] | {method: $method, $path, query: ., body: null}
          else $bodies[] | {method: $method, $path, query: "", body: .} end]
    | to_entries[] | {line: (.key + 1)} + .value' "$place/openapi.json" > "$place/requests"
# shellcheck disable=SC2016
jq -r --arg url "$url" --arg place "$place" '
    "url = \($url + .path + .query | @json)", "request = \(.method)", "header = \"Authorization: Bearer a\"",
    (select(.body) | "header = \"Content-Type: application/json\"", "data-binary = \(.body | @json)"),
    "globoff", "silent", "max-time = 20", "output = \($place + "/answer.\(.line)" | @json)",
    "write-out = \"%{http_code} \(.line)\\n\"", "next"' "$place/requests" | sed '$d' > "$place/curl"
curl --config "$place/curl" > "$place/statuses" || true
equal "answers" "$(wc -l < "$place/statuses")" "$(wc -l < "$place/requests")"
while read -r got line; do
    [[ $got =~ ^[234] ]] || fail "$(sed -n "${line}p" "$place/requests") answered $got: $(cat "$place/answer.$line")"
done < "$place/statuses"
operations=$(jq -r '.method + .path' "$place/requests" | sort -u | wc -l)
((operations >= 30)) || fail "only $operations operations are described"

# Requests that no honest program sends: an answer of its own or a closed connection, and the server goes on.
port=${url##*:}
trap "" PIPE
raw_pids=()
raw() { # beside the others: of some of them the server waits for more, as long as it waits for anybody
    (
        exec 5<> "/dev/tcp/127.0.0.1/$port"
        printf "$@" >&5 2> /dev/null || true
        answer=$(timeout 15 head -c 300 <&5 | tr -d '\0' || true)
        [[ ${answer%%$'\n'*} != "HTTP/1.1 5"* ]] || fail "a 5xx for: $1"
    ) &
    raw_pids+=($!)
}
head='Host: localhost\r\nAuthorization: Bearer a\r\nContent-Type: application/json\r\n'
raw 'GARBAGE\r\n\r\n'
raw 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n'
raw 'GET / HTTP/1.1\r\n\r\n'
raw 'DELETE /api/v1/jobs HTTP/1.1\r\n%b\r\n' "$head"
raw 'OPTIONS * HTTP/1.1\r\n%b\r\n' "$head"
raw "GET /%s HTTP/1.1\r\n%b\r\n" "$(printf 'a%.0s' {1..9000})" "$head"
raw "GET /%s HTTP/1.1\r\n%b\r\n" "$(printf 'a/%.0s' {1..1500})" "$head"
raw "GET / HTTP/1.1\r\nX: %s\r\n%b\r\n" "$(printf 'a%.0s' {1..9000})" "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%bContent-Length: 99999999999\r\n\r\n' "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%bContent-Length: -1\r\n\r\n' "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n' "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%bContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}' "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%b\r\n{}' "$head"
raw 'POST /api/v1/jobs HTTP/1.1\r\n%bContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}' "$head"
raw 'GET /index.html HTTP/1.1\r\nHost: localhost\r\nRange: bytes=999999-9999999\r\n\r\n'
raw 'GET /index.html HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-2,0-0,0-0,0-0\r\n\r\n'
raw 'GET /..%%2f..%%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n'
raw 'GET /%%00 HTTP/1.1\r\nHost: localhost\r\n\r\n'
for pid in "${raw_pids[@]}"; do
    wait "$pid" || fail "an odd request"
done
head -c 3000000 /dev/zero | tr '\0' ' ' > "$place/large"
answers 413 a POST /api/v1/jobs "@$place/large"
head -c 1000000 /dev/zero | tr '\0' '[' > "$place/deep"
answers 400 a POST /api/v1/jobs "@$place/deep"
answers 200 "" GET /healthz
answers 200 "" GET /readyz

# Its address is its own: a second server would get some of the requests.
code=0
"$jobrunner" serve --listen "127.0.0.1:$port" 2> "$place/err" || code=$?
equal "a second server on the port" "$code" 2
contains "its reason" "$(cat "$place/err")" "cannot listen on 127.0.0.1:$port"

# It stops at once, with a page still open.
curl -s -N -m 20 -H "Authorization: Bearer r" "$url/api/v1/events" > "$place/events" &
wait_for 10 "an event" grep -qs '^data: {"version"' "$place/events"
stop_worker "$server_pid"
[[ ! -s $place/serve.out ]] || fail "standard output was used"

# Nobody comes in from elsewhere without saying who they are.
write_config ""
code=0
"$jobrunner" serve --listen 0.0.0.0:0 2> "$place/err" || code=$?
equal "an open address" "$code" 2
contains "its refusal" "$(cat "$place/err")" "--listen: is an address that other hosts reach"
start_server
answers 200 "" POST /api/v1/queues/pause '{"queue": "bulk"}'
answers 403 "" POST /api/v1/jobs/actions '{"action": "delete", "filter": {}}'
stop_worker "$server_pid"
echo "$operations operations, hostile fields and nasty requests"
