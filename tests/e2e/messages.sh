#!/bin/bash
# What goes wrong is said in words and by the exit status: unknown kinds, bad JSON, bad configuration, no database.
source "$(dirname "$0")/support/harness.sh"

# complains STATUS PART COMMAND...: exits so, and says so on standard error, not on standard output.
complains() {
    local status=0 expected=$1 part=$2
    shift 2
    "$@" > "$place/out" 2> "$place/err" || status=$?
    equal "exit status of: $*" "$status" "$expected"
    contains "message of: $*" "$(cat "$place/err")" "$part"
    if grep -qF "$part" "$place/out"; then
        fail "the complaint of $* is on standard output"
    fi
}

for backend in sqlite postgres; do
    use "$backend"
    use_config << 'END'
[kinds."known"]
command = ["true"]
END
    id=$("$jobrunner" enqueue unknown.kind)
    known=$("$jobrunner" enqueue known)
    "$jobrunner" work --until-idle 2> "$place/work.log"
    equal "an unknown kind's job" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" available
    equal "a known kind's job" "$(sql "SELECT state FROM all_jobs WHERE id = $known")" completed

    complains 2 "JSON" "$jobrunner" enqueue known '{"half": '
    complains 2 "object" "$jobrunner" enqueue known '[1, 2]'
    complains 2 "not-a-state" "$jobrunner" list --state not-a-state
    complains 3 "999999" "$jobrunner" show 999999
    complains 3 "999999" "$jobrunner" cancel 999999
    complains 4 "completed" "$jobrunner" cancel "$known"
    for _ in {1..200}; do
        echo '{"kind": "known", "args": {"text": "x"}}'
    done > "$place/many.jsonl"
    "$jobrunner" enqueue --file "$place/many.jsonl" > /dev/null
    status=0
    "$jobrunner" list --limit 200 2> "$place/err" | head -1 > "$place/out" || status=$?
    equal "status of list | head -1" "$status" 0
    equal "message of list | head -1" "$(cat "$place/err")" ""

    use_config << 'END'
[worker]
slotz = 3
END
    complains 2 "jobrunner.toml:2" "$jobrunner" config check
    contains "suggestion" "$(cat "$place/err")" "slots"
    complains 2 "slotz" "$jobrunner" work --until-idle
    rm "$JOBRUNNER_CONFIG"
    unset JOBRUNNER_CONFIG
done
use sqlite
use_config << 'END'
[kinds."echo"]
command = ["echo", "{args.text}"]
END
if ((EUID == 0)); then
    JOBRUNNER_ALLOW_ROOT='' complains 2 'kind "echo" would run as root' "$jobrunner" work --until-idle
fi
id=$("$jobrunner" enqueue echo '{"text": "-e"}')
"$jobrunner" work --until-idle 2> "$place/work.log"
equal "a job whose value is an option" "$(sql "SELECT state FROM all_jobs WHERE id = $id")" dead
contains "its error" "$("$jobrunner" show "$id")" "{args.text} begins with a dash"

# A kind that is profiled: the program goes on as it would, and its attempt says where the profile is.
cat > "$place/profiler" << 'END'
#!/bin/sh
echo "of $2" > "$1"
shift
exec "$@"
END
chmod +x "$place/profiler"
mkdir "$place/profiles"
use_config << END
[kinds."echo"]
command = ["echo", "{args.text}"]
profile = { command = ["$place/profiler", "{file}"], directory = "$place/profiles" }
END
id=$("$jobrunner" enqueue echo '{"text": "profiled"}')
"$jobrunner" work --until-idle 2> "$place/work.log"
contains "the job's output" "$("$jobrunner" logs "$id")" "profiled"
contains "where its profile is" "$("$jobrunner" logs "$id")" "profile: $place/profiles/$id-1.profile"
equal "its profile" "$(cat "$place/profiles/$id-1.profile")" "of echo"
rm "$JOBRUNNER_CONFIG"
unset JOBRUNNER_CONFIG
complains 5 "127.0.0.1" "$jobrunner" --database postgresql://nobody:secret@127.0.0.1:1/none list
if grep -q secret "$place/err"; then
    fail "the password was shown"
fi
complains 2 "migrate" "$jobrunner" --database "sqlite://$place/empty.db" list
complains 2 "database" "$jobrunner" --database mysql://x/y list
echo "each mistake has its message and its exit status"
