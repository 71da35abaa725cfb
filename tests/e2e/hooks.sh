#!/bin/bash
# Hooks: a command and a request for starts and ends of jobs, of some kinds or all; what goes wrong with a hook is said and
# harms no job; a hook cannot settle the job that it is about.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

start_http_server
cat > "$place/note" << 'END'
#!/bin/sh
echo "$1 $(cat)" >> "$2"
END
chmod +x "$place/note"
printf '#!/bin/sh\ncase "$1" in well) exit 0;; badly) echo wrong >&2; exit 3;; snooze) [ "$JOBRUNNER_ATTEMPT" = 1 ] && exit 75;; slow) sleep 60;; esac\n' > "$place/do"
printf '#!/bin/sh\n[ "$JOBRUNNER_TOKEN" = "${JOBRUNNER_TOKEN#*.0.}" ] && echo "a real token" >> "%s"\nexit 9\n' "$place/tokens" > "$place/break"
chmod +x "$place/do" "$place/break"
use_config << END
[defaults]
max_attempts = 2
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
[kinds."do"]
command = ["$place/do", "{args.how}"]
[kinds."other"]
command = ["$place/do", "{args.how}"]
[hooks."note"]
on = ["started", "completed", "failed", "dead", "cancelled", "snoozed", "released"]
kinds = ["do"]
command = ["$place/note", "{args.event}", "$place/noted"]
[hooks."tell"]
http = { url = "$http_server/seen/{args.event}-{args.kind}-{args.job_id}", allow_private = true }
[hooks."broken"]
on = ["dead"]
command = ["$place/break"]
END
"$jobrunner" config check > "$place/check.log"
well=$("$jobrunner" enqueue "do" '{"how": "well"}')
badly=$("$jobrunner" enqueue "do" '{"how": "badly"}')
snooze=$("$jobrunner" enqueue "do" '{"how": "snooze"}')
other=$("$jobrunner" enqueue other '{"how": "badly"}')
slow=$("$jobrunner" enqueue "do" '{"how": "slow"}')
start_worker one
wait_for 20 "the slow one" sql_is running "SELECT state FROM jobs WHERE id = $slow"
"$jobrunner" cancel "$slow" > "$place/cancel.log"
ended() { sql_is 1 "SELECT count(*) FROM jobs"; } # the one that snoozes
wait_for 20 "the others" ended
stop_worker "$worker_pid"

noted() { # EVENT ID: how often
    grep "^$1 " "$place/noted" | cut -d' ' -f2- | jq -s --arg id "$2" 'map(select(.job_id == $id)) | length'
}
equal "starts of a job that completes" "$(noted started "$well") $(noted completed "$well")" "1 1"
equal "of one that dies" "$(noted started "$badly") $(noted failed "$badly") $(noted dead "$badly")" "2 1 1"
equal "of one that snoozes" "$(noted started "$snooze") $(noted snoozed "$snooze")" "1 1"
equal "of one that is cancelled" "$(noted started "$slow") $(noted cancelled "$slow")" "1 1"
equal "of another kind" "$(grep -c "\"$other\"" "$place/noted")" 0
failed=$(grep '^failed ' "$place/noted" | cut -d' ' -f2-)
equal "what a failure says" "$(jq -c '[.event, .kind, .attempt, .outcome, .error, .error_class, .delay_ms]' <<< "$failed")" \
    '["failed","do",1,"failed","exit code 3: wrong","ExitCode3",50]'
seen=$(sort "$place/port.log" | tr '\n' ' ')
for event in "completed-do-$well" "dead-do-$badly" "dead-other-$other" "cancelled-do-$slow"; do
    contains "requests" "$seen" "/seen/$event "
done
[[ $seen != *failed* && $seen != *started* ]] || fail "requests that nobody asked for: $seen"
equal "the broken hook is said" "$(grep -c 'hook_failed.*exit code 9' "$place/one.log")" 2
[[ ! -e $place/tokens ]] || fail "a hook had a token with which it could settle the job"
equal "states" "$(sql "SELECT state, count(*) FROM all_jobs GROUP BY state ORDER BY state" | tr '\n' ' ')" \
    "$([[ $backend == sqlite ]] && echo 'cancelled|1 completed|1 dead|2 scheduled|1 ' || echo 'scheduled|1 completed|1 cancelled|1 dead|2 ')"
promises_kept

# Many calls, of which one sort is slow and one fails at once, for its event has no outcome: each is made, and none twice.
use_config << END
[worker]
slots = 20
[kinds."do"]
command = ["true"]
[hooks."slow"]
command = ["$place/note", "{args.event}", "$place/slowly"]
[hooks."missing"]
on = ["started"]
command = ["true", "{args.outcome}"]
END
for _ in {1..200}; do
    echo '{"kind": "do"}'
done > "$place/many.jsonl"
"$jobrunner" enqueue --file "$place/many.jsonl" > /dev/null
start_worker many
touch "$place/slowly"
many_ended() { [[ $(wc -l < "$place/slowly") == 200 ]]; }
wait_for 60 "many jobs and their hooks" many_ended
stop_worker "$worker_pid"
equal "hooks of ends" "$(wc -l < "$place/slowly")" 200
equal "hooks that failed at once" "$(grep -c 'hook_failed.*args.outcome' "$place/many.log")" 200

status=0
printf '[kinds.a]\ncommand = ["true"]\n[hooks.b]\non = ["sometimes"]\nkinds = ["c"]\n' > "$place/wrong.toml"
"$jobrunner" --config "$place/wrong.toml" config check 2> "$place/wrong.log" || status=$?
equal "a wrong hook" "$status" 2
contains "its event" "$(< "$place/wrong.log")" 'hooks.b.on[0]: is "sometimes"'
contains "its kind" "$(< "$place/wrong.log")" 'hooks.b.kinds[0]: is "c"; a kind of [kinds] was expected'
contains "nothing to call" "$(< "$place/wrong.log")" "none or both of command and http"
echo "$backend: hooks were called for each event, and harmed nothing"
