#!/bin/bash
# A real Prometheus scrapes `jobrunner serve` and a worker under load: the metrics pass promtool, the alert rules pass their
# unit test, and each metric that a rule or the dashboard names is there and gives the dashboard's queries something to show.
# ctest: timeout=180
source "$(dirname "$0")/support/harness.sh"
packaging=$JOBRUNNER_SOURCE_DIR/packaging
rules=$packaging/prometheus/jobrunner.rules.yml
dashboard=$packaging/grafana/jobrunner.json
promtool check rules "$rules" > "$place/rules.log" || fail "$(cat "$place/rules.log")"
promtool test rules "$packaging/prometheus/jobrunner.rules.test.yml" > "$place/rules.log" 2>&1 || fail "$(cat "$place/rules.log")"

# Every alert has a test, and a line in the page that says what to do.
while read -r alert; do
    grep -q "alertname: $alert" "$packaging/prometheus/jobrunner.rules.test.yml" || fail "$alert is not tested"
    grep -q "^| \`$alert\`" "$JOBRUNNER_SOURCE_DIR/docs/alerts.md" || fail "docs/alerts.md has no word on $alert"
done < <(sed -n 's/^ *- alert: //p' "$rules")

use_sqlite
use_config << 'END'
[worker]
slots = 4
metrics = "127.0.0.1:0"
[kinds."quick"]
command = ["true"]
[kinds."broken"]
command = ["false"]
max_attempts = 1
END
start_worker one
wait_for 20 "the worker's page" grep -qs metrics_served "$place/one.log"
worker_port=$(sed -n 's/.*metrics_served .*port=\([0-9]*\).*/\1/p' "$place/one.log")
"$jobrunner" serve --listen 127.0.0.1:0 2> "$place/serve.log" &
worker_pids+=($!)
wait_for 20 "the server" grep -qs "serving http" "$place/serve.log"
server_port=$(sed -n 's/^.*serving http.*:\([0-9]*\)\/$/\1/p' "$place/serve.log")

# Prometheus takes no port that is free: one that was free a moment ago.
cat > "$place/prometheus.yml" << END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [$rules]
scrape_configs:
  - job_name: jobrunner
    static_configs: [{ targets: ["127.0.0.1:$server_port", "127.0.0.1:$worker_port"] }]
END
promtool check config "$place/prometheus.yml" > "$place/rules.log" 2>&1 || fail "$(cat "$place/rules.log")"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$place/prometheus.yml" --storage.tsdb.path="$place/tsdb" --web.listen-address="127.0.0.1:$port" \
    > "$place/prometheus.log" 2>&1 &
worker_pids+=($!)
api=http://127.0.0.1:$port/api/v1

load() {
    while [[ ! -e $place/enough ]]; do
        printf '{"kind": "quick"}\n%.0s' {1..20} > "$place/load"
        echo '{"kind": "broken"}' >> "$place/load"
        "$jobrunner" enqueue --file "$place/load" > /dev/null || return
        sleep 0.2
    done
}
load &
loader=$!
worker_pids+=("$loader")

# names EXPRESSION-FILE: the metrics that stand in it.
names() {
    grep -oE 'jobrunner_[a-z_]+[a-z]' "$1" | sort -u
}
jq -r '.. | .expr? // empty' "$dashboard" > "$place/dashboard.expr"
sed -n 's/^ *expr: //p; /expr: >-/,/^ *\(for\|labels\):/p' "$rules" > "$place/rules.expr"
sort -u <(names "$place/dashboard.expr") <(names "$place/rules.expr") > "$place/named"
(($(wc -l < "$place/named") >= 20)) || fail "only these metrics are named: $(cat "$place/named")"

scraped() {
    curl -s -m 10 "$api/label/__name__/values" | jq -r '.data[]?' | sort > "$place/scraped"
    [[ -z $(comm -23 "$place/named" "$place/scraped") ]]
}
if ! (wait_for 40 "series" scraped); then
    fail "named but not scraped: $(comm -23 "$place/named" "$place/scraped" | tr '\n' ' ')"
fi

# gives QUERY: whether it is understood and finds something.
gives() {
    [[ $(curl -s -m 10 --data-urlencode "query=$1" "$api/query" | jq -r '.status, (.data.result | length > 0)' | tr '\n' ' ') == "success true " ]]
}
queries=0
while read -r query; do
    [[ $query == ALERTS* ]] && continue
    # shellcheck disable=SC2016
    query=${query//'$__rate_interval'/30s}
    # shellcheck disable=SC2016
    wait_for 30 "an answer to $query" gives "${query//'$queue'/.*}"
    queries=$((queries + 1))
done < "$place/dashboard.expr"
wait_for 30 "throughput" gives 'sum(rate(jobrunner_jobs_completed_total{kind="quick"}[30s])) > 0'
wait_for 30 "the worker's throughput" gives 'sum(rate(jobrunner_worker_jobs_claimed_total[30s])) > 0'
wait_for 60 "the alert of jobs that die" gives 'ALERTS{alertname="JobrunnerJobsDied", kind="broken", alertstate="firing"}'
touch "$place/enough"
wait "$loader" || fail "the load ended early"
[[ $(curl -s "$api/rules" | jq '[.data.groups[].rules[] | select(.health == "err")] | length') == 0 ]] || fail "a rule cannot be evaluated"

# What promtool says of the metrics themselves.
for page in "$server_port" "$worker_port"; do
    curl -s "http://127.0.0.1:$page/metrics" > "$place/metrics"
    promtool check metrics < "$place/metrics" > "$place/lint" 2>&1 || fail "port $page: $(cat "$place/lint")"
done
echo "$(wc -l < "$place/named") metrics and $queries queries of the dashboard were found"
