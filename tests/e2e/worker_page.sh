#!/bin/bash
# A worker serves /metrics, /healthz and /readyz of its own: while it works, while it is quiet, while it drains, and while the
# database is away; its port is its own.
# ctest: serial
# ctest: timeout=180
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
hash=$(printf s3cr3t | sha256sum | cut -d' ' -f1)
configure() {
    use_config << END
[worker]
slots = 3
lease = "5s"
shutdown_timeout = "60s"
metrics = "127.0.0.1:${1:-0}"
[kinds."quick"]
command = ["true"]
[kinds."broken"]
command = ["false"]
max_attempts = 1
[kinds."gated"]
command = ["sh", "-c", "until [ -e $place/gate ]; do sleep 0.05; done"]
${2:-}
END
}
configure

# where LOG: sets url once the worker that writes the log serves.
where() {
    wait_for 20 "the worker's page" grep -qs metrics_served "$place/$1.log"
    port=$(sed -n 's/.*metrics_served .*port=\([0-9]*\).*/\1/p' "$place/$1.log")
    url=http://127.0.0.1:$port
}
status() {
    curl -s -m 10 -o "$place/answer" -w '%{http_code}' "${@:2}" "$url$1" || true
}
# answers STATUS TEXT PATH: whether it does; the text is a part of the body.
answers() {
    [[ $(status "$3") == "$1" && $(cat "$place/answer") == *"$2"* ]]
}
# figure NAME VALUE: whether the metric has it.
figure() {
    [[ $(status /metrics) == 200 ]] && grep -qxF "$1 $2" "$place/answer"
}

start_worker one
where one
wait_for 20 "readiness" answers 200 ready /readyz
for _ in {1..20}; do
    echo '{"kind": "quick"}'
done | "$jobrunner" enqueue --file - > /dev/null
"$jobrunner" enqueue broken > /dev/null
wait_for 30 "completed jobs" figure 'jobrunner_worker_attempts_settled_total{outcome="completed"}' 20
wait_for 30 "a dead job" figure 'jobrunner_worker_attempts_settled_total{outcome="dead"}' 1
wait_for 10 "nothing held" figure jobrunner_worker_jobs_held 0
for line in "jobrunner_worker_ready 1" "jobrunner_worker_slots 3" "jobrunner_worker_jobs_claimed_total 21" \
    'jobrunner_worker_phase{phase="running"} 1' "jobrunner_worker_leases_lost_total 0" \
    'jobrunner_worker_connected{thread="claim"} 1' 'jobrunner_worker_connected{thread="settle"} 1' \
    'jobrunner_worker_connected{thread="lease"} 1' 'jobrunner_worker_connected{thread="maintain"} 1'; do
    wait_for 10 "$line" figure "${line% *}" "${line##* }"
done
for name in claim settle; do
    count=$(sed -n "s/^jobrunner_worker_${name}_seconds_count \(.*\)$/\1/p" "$place/answer")
    ((count > 0)) || fail "no $name was timed"
done

# A second worker cannot have the same port, and says so.
configure "$port"
code=0
"$jobrunner" work --until-idle > "$place/second.log" 2>&1 || code=$?
equal "a second worker on the port" "$code" 2
contains "its reason" "$(cat "$place/second.log")" "worker.metrics: cannot listen on 127.0.0.1:$port"
configure

# Nothing else is there, and not for pages of elsewhere.
equal "another path" "$(status /api/v1/jobs)" 404
equal "a foreign name" "$(status /metrics -H 'Host: evil.example')" 421

kill -USR1 "$worker_pid"
wait_for 10 "quiet" answers 503 quiet /readyz
equal "health while quiet" "$(status /healthz)" 200
kill -USR2 "$worker_pid"
wait_for 10 "readiness again" answers 200 ready /readyz

if [[ $backend == postgres ]]; then
    "$(dirname "$0")/support/pg_ctl.sh" stop-immediate
    wait_for 20 "it noticing that the database is away" answers 503 "the database is away" /readyz
    equal "health without a database" "$(status /healthz)" 200
    wait_for 10 "the connection's figure" figure 'jobrunner_worker_connected{thread="claim"}' 0
    wait_for 30 "a lost lease" figure jobrunner_worker_leases_lost_total 1
    "$(dirname "$0")/support/pg_ctl.sh" start
    wait_for 30 "readiness after it is back" answers 200 ready /readyz
    wait_for 10 "the count of reconnections" figure 'jobrunner_worker_reconnections_total{thread="claim"}' 1
fi

# While it drains it answers, and is not ready.
"$jobrunner" enqueue gated > /dev/null
wait_for 20 "the job to run" figure jobrunner_worker_slots_used 1
kill -TERM "$worker_pid"
wait_for 10 "stopping" answers 503 stopping /readyz
equal "health while it drains" "$(status /healthz)" 200
figure jobrunner_worker_slots_used 1 || fail "its job is not shown while it drains"
touch "$place/gate"
code=0
wait "$worker_pid" || code=$?
equal "its exit status" "$code" 0
equal "its page when it has left" "$(status /healthz)" 000

# With tokens the metrics need one; what a probe asks does not.
configure 0 "[web]
tokens = [{ name = \"prometheus\", sha256 = \"$hash\", scope = \"read\" }]"
start_worker guarded
where guarded
equal "metrics without a token" "$(status /metrics)" 401
equal "metrics with it" "$(status /metrics -H 'Authorization: Bearer s3cr3t')" 200
wait_for 20 "readiness without a token" answers 200 ready /readyz
stop_worker "$worker_pid"

# A worker that has nothing to do leaves at once, page or not.
"$jobrunner" work --until-idle > "$place/brief.log" 2>&1
contains "its page" "$(cat "$place/brief.log")" metrics_served
