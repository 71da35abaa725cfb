#!/bin/bash
# A worker that is stopped past its lease and then continued changes nothing, and its child is dead before that.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
use_config << END
[worker]
slots = 2
lease = "2s"
[kinds."long"]
command = ["sh", "-c", 'echo \$\$ >> $place/children; while [ ! -e $place/go ]; do sleep 0.1; done; echo \$JOBRUNNER_ATTEMPT >> $place/ran']
END

id=$("$jobrunner" enqueue long)
start_worker stale
stale=$worker_pid
wait_for 20 "the first child" test -s "$place/children"
first=$(sed -n 1p "$place/children")
kill -STOP "$stale"
start_worker fresh
fresh=$worker_pid
second_child_runs() { [[ $(wc -l < "$place/children") == 2 ]]; }
wait_for 20 "the second attempt" second_child_runs
# The supervisor ends the first child at the lease's end, though its worker is stopped.
wait_for 5 "the first child's end" is_gone "$first"
equal "fence" "$(sql "SELECT fence FROM jobs WHERE id = $id")" 2

kill -CONT "$stale"
says_lost() { grep -q lease_lost "$place/stale.log"; }
wait_for 20 "the stale worker to notice" says_lost
equal "fence after the stale worker came back" "$(sql "SELECT fence FROM jobs WHERE id = $id")" 2
equal "children after the stale worker came back" "$(wc -l < "$place/children")" 2
touch "$place/go"
wait_for 20 "the job" sql_is completed "SELECT state FROM all_jobs WHERE id = $id"
equal "attempts that ran to their end" "$(cat "$place/ran")" 2
equal "closing events of the first claim" "$(sql "SELECT outcome FROM attempts WHERE job_id = $id AND fence = 1")" crashed
stop_worker "$fresh"
stop_worker "$stale"
echo "$backend: a stale worker changed nothing"
promises_kept
