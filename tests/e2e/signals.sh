#!/bin/bash
# What operators may expect of signals, and what systemd is told.
# ctest: timeout=150
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

# write_config EXTRA-KINDS
write_config() {
    use_config << END
[worker]
slots = 2
shutdown_timeout = "1s"
[kinds."short"]
command = ["sh", "-c", 'touch $place/short.begun; sleep 0.5; touch $place/short.ended']
[kinds."endless"]
command = ["sh", "-c", 'echo \$\$ > $place/endless.pid; exec sleep 600']
$1
END
}
write_config ""

# SIGTERM drains: what runs may end.
id=$("$jobrunner" enqueue short)
start_worker drained
wait_for 20 "the job to begin" test -e "$place/short.begun"
stop_worker "$worker_pid"
equal "a job that ran when SIGTERM came" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" completed
equal "the worker's row" "$(sql "SELECT state FROM workers")" stopped

# What does not end in shutdown_timeout goes back at once, and costs no attempt; SIGQUIT does not even wait.
id=$("$jobrunner" enqueue endless)
for signal in TERM QUIT; do
    rm -f "$place/endless.pid"
    start_worker "given_back_$signal"
    wait_for 20 "the endless job" test -s "$place/endless.pid"
    child=$(cat "$place/endless.pid")
    kill "-$signal" "$worker_pid"
    wait "$worker_pid" || fail "the worker failed after SIG$signal"
    equal "a job given back after SIG$signal" "$(sql "SELECT state || ' ' || attempt FROM jobs WHERE id = $id")" "available 0"
    is_gone "$child" || fail "the child outlived its worker after SIG$signal"
done
equal "give-backs" "$(sql "SELECT give_backs FROM jobs WHERE id = $id")" 2
equal "their closing events" "$(sql "SELECT count(*) FROM attempts WHERE job_id = $id AND outcome = 'released'")" 2
"$jobrunner" delete "$id" > /dev/null

# A listener in systemd's stead.
cat > "$place/listen.pl" << 'END'
use Socket;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($socket, sockaddr_un($ARGV[0])) or die;
$| = 1;
while (defined recv($socket, my $text, 4096, 0)) { print "$text\n"; }
END
perl "$place/listen.pl" "$place/notify" > "$place/told" 2> "$place/listen.log" &
worker_pids+=("$!")
wait_for 10 "the listener" test -S "$place/notify"
export NOTIFY_SOCKET=$place/notify

# SIGHUP reads the configuration again: a new kind is run, a bad file changes nothing.
start_worker reloaded
reloaded=$worker_pid
told() { grep -q "$1" "$place/told"; }
wait_for 20 "READY" told READY=1
id=$("$jobrunner" enqueue later 2> /dev/null)
write_config $'[kinds."later"]\ncommand = ["true"]'
kill -HUP "$reloaded"
wait_for 20 "the new kind's job" sql_is completed "SELECT state FROM all_jobs WHERE id = $id"
told RELOADING=1 || fail "systemd was not told of the reload"
write_config 'nonsense = 1'
kill -HUP "$reloaded"
refused() { grep -q config_refused "$place/reloaded.log"; }
wait_for 20 "the bad file to be refused" refused
write_config $'[kinds."later"]\ncommand = ["true"]'
id=$("$jobrunner" enqueue later)
wait_for 20 "the kind to be still known" sql_is completed "SELECT state FROM all_jobs WHERE id = $id"

# SIGUSR1 makes it quiet, SIGUSR2 takes that back.
kill -USR1 "$reloaded"
wait_for 20 "the quiet worker" sql_is quiet "SELECT state FROM workers WHERE state <> 'stopped'"
id=$("$jobrunner" enqueue later)
kill -USR2 "$reloaded"
wait_for 20 "the worker's return" sql_is completed "SELECT state FROM all_jobs WHERE id = $id"
told WATCHDOG=1 || fail "systemd's watchdog was not fed"
stop_worker "$reloaded"
told STOPPING=1 || fail "systemd was not told of the stop"
echo "$backend: signals do what operators expect"
