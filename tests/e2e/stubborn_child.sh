#!/bin/bash
# A cancelled or timed-out job whose child does not heed SIGTERM, with a grandchild in another session that holds its output: SIGTERM
# comes first, and both are gone within the grace and two seconds.
# ctest: serial
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

cat > "$place/child" << END
#!/bin/bash
rm -f $place/termed
trap 'touch $place/termed' TERM
(setsid bash -c 'trap "" TERM; echo \$\$ > $place/grandchild; while :; do sleep 0.1; done' &)
while [[ ! -s $place/grandchild ]]; do sleep 0.05; done
echo \$\$ > $place/child.pid
while :; do sleep 0.1; done
END
chmod +x "$place/child"
use_config << END
[worker]
slots = 2
[kinds."stubborn"]
command = ["$place/child"]
pass_environment = ["PATH"]
grace = "1s"
max_attempts = 1
[kinds."late"]
command = ["$place/child"]
pass_environment = ["PATH"]
grace = "1s"
timeout = "2s"
max_attempts = 1
END
start_worker work

milliseconds() {
    local now=${EPOCHREALTIME/./}
    echo $((now / 1000))
}

# both_gone_after MILLISECONDS SINCE WHAT: neither process lives longer than promised, and SIGTERM came before.
both_gone_after() {
    local child grandchild
    child=$(< "$place/child.pid") grandchild=$(< "$place/grandchild")
    wait_for 20 "the child's end" is_gone "$child"
    wait_for 20 "the grandchild's end" is_gone "$grandchild"
    local took=$(($(milliseconds) - $2))
    ((took <= $1)) || fail "$3: its processes were gone after $took ms; $1 ms were promised"
    [[ -e $place/termed ]] || fail "$3: no SIGTERM came before SIGKILL"
    echo "$backend: $3: both processes gone after $took ms"
}

id=$("$jobrunner" enqueue stubborn)
wait_for 20 "the child" test -s "$place/child.pid"
"$jobrunner" cancel "$id" > /dev/null
since=$(milliseconds) # of the request
both_gone_after 3000 "$since" "a cancel with a grace of 1 s"
wait_for 10 "the job to be cancelled" sql_is cancelled "SELECT state FROM all_jobs WHERE id = $id"

rm "$place/child.pid" "$place/grandchild"
id=$("$jobrunner" enqueue late)
wait_for 20 "the child" test -s "$place/child.pid"
since=$(milliseconds)
both_gone_after 5000 "$since" "a timeout of 2 s with a grace of 1 s"
wait_for 10 "the job to be dead" sql_is dead "SELECT state FROM all_jobs WHERE id = $id"
equal "its attempt" "$(sql "SELECT outcome FROM attempts WHERE job_id = $id")" timed_out
stop_worker "$worker_pid"
promises_kept
