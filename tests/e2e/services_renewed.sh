#!/bin/bash
# The children of a service come and go: idle ones leave, one that has grown too large is replaced, SIGHUP brings new code
# while the old child finishes what it has, and a service that is repaired takes up what waited for it.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

write_service() {
    cat > "$place/service.py" << END
import json, os, sys, threading
ballast = []
def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
say(type="ready", concurrency=2)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "job":
        do = message["args"].get("do")
        if do == "grow":
            ballast.append(b"x" * (64 << 20))
        if do == "slow":
            path = message["args"]["until"]
            def later(id=message["id"]):
                while not os.path.exists(path):
                    threading.Event().wait(0.02)
                say(type="done", id=id, result={"version": $1, "pid": os.getpid()})
            threading.Thread(target=later).start()
        else:
            say(type="done", id=message["id"], result={"version": $1, "pid": os.getpid()})
    elif message["type"] == "shutdown":
        break
END
}
configure() {
    use_config << END
[worker]
slots = 4
[defaults]
max_attempts = 1
[services.py]
command = ["python3", "$place/service.py"]
pass_environment = ["PATH"]
instances = { min = 0, max = 1 }
idle_timeout = "${idle}"
recycle_over_memory = "40MiB"
[kinds.one]
service = "py"
[kinds.broken]
service = ["sh", "$place/broken.sh"]
END
}
run_job() {
    local id
    id=$("$jobrunner" enqueue one "$1")
    "$jobrunner" wait "$id" --timeout 20s > /dev/null || fail "job $id did not finish"
    sql "SELECT result FROM all_jobs WHERE id = $id"
}
children() {
    pgrep -cf "$place/service.py" || true
}
children_are() {
    (($(children) == $1))
}

idle=1s
write_service 1
configure
echo 'echo no such gem >&2; exit 7' > "$place/broken.sh"
start_worker "$backend"
first=$(run_job '{}')
contains "the version" "$first" '"version": 1'
wait_for 10 "the idle child to leave" children_are 0
equal "failures in the log" "$(grep -c service_failed "$place/$backend.log" || true)" 0

# From here on they stay.
idle=1h
configure
kill -HUP "$worker_pid"
wait_for 10 "the new configuration" grep -q config_reloaded "$place/$backend.log"
second=$(run_job '{}')
equal "the same child again" "$(run_job '{}')" "$second"
grown=$(run_job '{"do": "grow"}')
equal "the child that grows" "$grown" "$second"
wait_for 10 "it to be replaced" grep -q "service_recycled service=py .*reason=memory" "$place/$backend.log"
third=$(run_job '{}')
[[ $third != "$second" ]] || fail "a child that has grown too large went on"

# New code beside a job of the old.
slow=$("$jobrunner" enqueue one "{\"do\": \"slow\", \"until\": \"$place/go\"}")
wait_for 10 "it to run" sql_is running "SELECT state FROM all_jobs WHERE id = $slow"
write_service 2
kill -HUP "$worker_pid"
new_code() {
    [[ $(run_job '{}') == *'"version": 2'* ]]
}
wait_for 20 "the new code" new_code
children_are 2 || fail "$(children) children, where the old one has a job and the new one stands beside it"
touch "$place/go"
wait_for 10 "the old child to finish" sql_is completed "SELECT state FROM all_jobs WHERE id = $slow"
contains "its version" "$(sql "SELECT result FROM all_jobs WHERE id = $slow")" '"version": 1'
wait_for 10 "it to leave" children_are 1

# What waits for a broken service is run when it is repaired, and workers no longer complain.
broken=$("$jobrunner" enqueue broken)
says_trouble() {
    [[ $("$jobrunner" workers) == *"service broken does not start"*"no such gem"* ]]
}
wait_for 20 "workers to say that it does not start" says_trouble
[[ $("$jobrunner" workers --json) == *'"held_back"'* ]] || fail "workers --json does not say so"
cat > "$place/broken.sh" << 'END'
echo '{"type":"ready"}'
while read -r line; do
    case $line in
        *'"type":"job"'*)
            id=${line#*\"id\":\"}
            echo "{\"type\":\"done\",\"id\":\"${id%%\"*}\"}"
            ;;
    esac
done
END
wait_for 30 "the job that waited" sql_is completed "SELECT state FROM all_jobs WHERE id = $broken"
equal "its attempts" "$(sql "SELECT attempt FROM all_jobs WHERE id = $broken")" 1
is_well() {
    ! says_trouble
}
wait_for 20 "workers to be content again" is_well
stop_worker "$worker_pid"
echo "children leave, are replaced and renewed on $backend"
