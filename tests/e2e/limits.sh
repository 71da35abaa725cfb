#!/bin/bash
# Limits hold whatever happens: eight workers, of which one is killed again and again, never run more than three jobs of a
# kind, or one of a key, at once, as the records say and as somebody sees who counts the live processes; and a rate
# holds within any of its periods. Then everything has run, and jobs of other kinds were not held up.
# JOBRUNNER_E2E_LIMITED_JOBS, JOBRUNNER_E2E_KILLS: how many jobs of the kind that may run three at once, and how many kills.
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

few=${JOBRUNNER_E2E_LIMITED_JOBS:-250}
kills=${JOBRUNNER_E2E_KILLS:-6}
jobs=250 # of each other kind
rate=100

use_config << CONF
[worker]
slots = 10
lease = "2s"

[kinds.few]
command = ["$place/few"]
[kinds.keyed]
command = ["true"]
[kinds.paced]
command = ["true"]
[kinds.free]
command = ["true"]
[defaults]
max_attempts = 50
backoff = { base = "10ms", factor = 1.0, jitter = 0.0 }
CONF
cat > "$place/few" << 'SH'
#!/bin/bash
exec -a limited-few sleep 0.003
SH
chmod +x "$place/few"

"$jobrunner" limits set kind few --at-most 3 > /dev/null
"$jobrunner" limits set key 'customer:*' --at-most 1 > /dev/null
"$jobrunner" limits set kind paced --rate "$rate/1s" > /dev/null

# bulk KIND COUNT [KEYS]
bulk() {
    for ((i = 0; i < $2; ++i)); do
        echo "{\"kind\": \"$1\"${3:+, \"concurrency_key\": \"customer:$((i % $3))\"}}"
    done > "$place/$1.jsonl"
    "$jobrunner" enqueue --file "$place/$1.jsonl" > /dev/null 2>&1
}
bulk few "$few"
bulk keyed "$jobs" 7
bulk paced "$jobs"
bulk free "$jobs"

# The most processes of the kind that were alive at once, looked at as often as can be.
watch_children() {
    local most=0 count
    while [[ ! -e $place/enough ]]; do
        count=$(pgrep -c -f '^limited-few ' || true)
        ((count > most)) && most=$count
    done
    echo "$most" > "$place/most"
}
watch_children &
watcher=$!

for n in {1..8}; do
    start_worker "worker$n"
done
for ((k = 0; k < kills; ++k)); do
    sleep 0.7
    victim=${worker_pids[k]}
    kill -KILL "$victim"
    wait "$victim" 2> /dev/null || true
    start_worker "again$k"
done

unfinished="SELECT count(*) FROM jobs"
wait_for $((120 + few / 20)) "all jobs to be done" sql_is 0 "$unfinished"
touch "$place/enough"
wait "$watcher"

equal "completed" "$(sql "SELECT count(*) FROM all_jobs WHERE state = 'completed'")" $((few + 3 * jobs))
(($(cat "$place/most") <= 3)) || fail "$(cat "$place/most") processes of a kind with a limit of 3 were alive at once"
(($(cat "$place/most") >= 1)) || fail "the watcher saw no process of the kind"

# Every attempt as it was recorded, completing ones included.
attempts="SELECT a.job_id, a.started_at, a.finished_at FROM attempts a WHERE a.started_at IS NOT NULL AND a.outcome <> 'completed'
    UNION ALL SELECT j.id, j.claimed_at, j.finished_at FROM all_jobs j WHERE j.state = 'completed'"
# overlap GROUP CONDITION: the most attempts that ran at the same time, of jobs alike in GROUP.
overlap() {
    sql "WITH a AS ($attempts),
        e AS (
            SELECT $1 AS of, a.started_at AS at, 1 AS step FROM a JOIN all_jobs j ON j.id = a.job_id WHERE $2
            UNION ALL
            SELECT $1, a.finished_at, -1 FROM a JOIN all_jobs j ON j.id = a.job_id WHERE $2),
        s AS (SELECT sum(step) OVER (PARTITION BY of ORDER BY at, step ROWS UNBOUNDED PRECEDING) AS running FROM e)
        SELECT max(running) FROM s"
}
equal "attempts of one kind at the same time" "$(overlap 1 "j.kind = 'few'")" 3
equal "attempts of one key at the same time" "$(overlap "j.concurrency_key" "j.kind = 'keyed'")" 1

# The n-th start after another comes at least a period later, but for a moment between the count and the claim.
if [[ $backend == postgres ]]; then
    soonest="extract(epoch FROM at - lag(at, $rate) OVER (ORDER BY at))"
else
    soonest="(julianday(at) - julianday(lag(at, $rate) OVER (ORDER BY at))) * 86400"
fi
soonest=$(sql "WITH a AS ($attempts), s AS (SELECT a.started_at AS at FROM a JOIN all_jobs j ON j.id = a.job_id WHERE j.kind = 'paced')
    SELECT min(gap) FROM (SELECT $soonest AS gap FROM s) g")
awk -v gap="$soonest" 'BEGIN { exit !(gap >= 0.99) }' || fail "start $rate came $soonest s after the one $rate before it; 1 s was expected"

[[ $("$jobrunner" limits --json | jq -s 'map(.waiting + .running) | add') == 0 ]] || fail "limits still show jobs: $("$jobrunner" limits --json)"
promises_kept
