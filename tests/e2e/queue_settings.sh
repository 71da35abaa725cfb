#!/bin/bash
# What operators set for a queue holds for workers that run already: its slots, and its share beside others.
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

use_config << CONF
[worker]
slots = 6
[queues]
narrow = { slots = 4 }
[kinds.slow]
command = ["$place/slow", "$place"]
[kinds.quick]
command = ["true"]
CONF

# Says in the queue's file when it begins and when it ends.
cat > "$place/slow" << 'SH'
#!/bin/bash
echo + >> "$1/$JOBRUNNER_QUEUE.runs"
sleep 0.3
echo - >> "$1/$JOBRUNNER_QUEUE.runs"
SH
chmod +x "$place/slow"

# The most jobs of a queue that ran at the same time.
overlap() {
    awk '{ running += $1 == "+" ? 1 : -1; if (running > most) most = running } END { print most }' "$place/$1.runs"
}

start_worker settings
is_there() {
    [[ $("$jobrunner" workers --json | jq -s 'length') == 1 ]]
}
wait_for 20 "the worker" is_there

# Settings are read with the look that finds a queue resumed: waits until a job of one has run.
looks=0
after_a_look() {
    "$jobrunner" queues resume gate > /dev/null
    looks=$((looks + 1))
    wait_for 20 "a look of the worker" sql_is "$looks" "SELECT count(*) FROM all_jobs WHERE queue = 'gate' AND state = 'completed'"
}
before_a_look() {
    "$jobrunner" queues pause gate > /dev/null
    "$jobrunner" enqueue quick --queue gate > /dev/null
}

before_a_look
# Slots: the configuration's, until an operator says otherwise.
"$jobrunner" queues set wide --slots 2 > /dev/null
"$jobrunner" queues set narrow --slots 1 > /dev/null
equal "what is set" "$("$jobrunner" queues --json | jq -sc 'map(select(.slots) | [.queue, .slots]) | sort')" '[["narrow",1],["wide",2]]'
after_a_look
for _ in {1..6}; do
    echo '{"kind": "slow", "queue": "wide"}'
    echo '{"kind": "slow", "queue": "narrow"}'
done > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null 2>&1
wait_for 30 "the slow jobs" sql_is 0 "SELECT count(*) FROM jobs"
equal "jobs of the queue with two slots at the same time" "$(overlap wide)" 2
equal "jobs of the queue with one slot at the same time" "$(overlap narrow)" 1

before_a_look
# Shares: three of four jobs are the heavy queue's, as long as both have some.
"$jobrunner" queues set heavy --weight 3 > /dev/null
"$jobrunner" queues pause heavy > /dev/null
"$jobrunner" queues pause light > /dev/null
after_a_look
for _ in {1..400}; do
    echo '{"kind": "quick", "queue": "light"}'
    echo '{"kind": "quick", "queue": "heavy"}'
done > "$place/jobs.jsonl"
"$jobrunner" enqueue --file "$place/jobs.jsonl" > /dev/null 2>&1
sql "UPDATE queues SET paused_at = NULL WHERE queue IN ('light', 'heavy')"
wait_for 60 "the quick jobs" sql_is 0 "SELECT count(*) FROM jobs"
heavy=$(sql "SELECT count(*) FROM (
    SELECT queue FROM all_jobs WHERE kind = 'quick' AND queue <> 'gate' ORDER BY claimed_at, finished_at LIMIT 400) f WHERE queue = 'heavy'")
((heavy >= 260 && heavy <= 340)) || fail "$heavy of the first 400 jobs were the heavy queue's; 300 were expected"
promises_kept
