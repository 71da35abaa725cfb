#!/bin/bash
# A job that settles itself is reported as such, neither lost nor failed, however its process ends and whether or not
# anything of it is kept.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
if [[ $backend == sqlite ]]; then
    complete="sqlite3 -cmd '.timeout 20000' $place/jobs.db \"INSERT INTO complete (token) VALUES ('\$JOBRUNNER_TOKEN')\""
else
    complete="psql -Xqc \"SELECT jobrunner.complete('\$JOBRUNNER_TOKEN')\" $JOBRUNNER_DATABASE"
fi
cat > "$place/settle" << END
#!/bin/sh
$complete > /dev/null && exit \$1
END
chmod +x "$place/settle"
use_config << END
[defaults]
max_attempts = 1
[kinds."well"]
command = ["$place/settle", "0"]
[kinds."badly"]
command = ["$place/settle", "3"]
[kinds."kept.not"]
command = ["$place/settle", "3"]
keep_completed = "0s"
[kinds."for_good"]
command = ["$place/settle", "65"]
END
sed -i 's/^command/pass_environment = ["PATH"]\n&/' "$JOBRUNNER_CONFIG"
for kind in well badly kept.not for_good; do
    "$jobrunner" enqueue "$kind" > "$place/$kind.id"
done
"$jobrunner" --log-level debug work --until-idle 2> "$place/worker.log"
for kind in well badly for_good; do
    equal "$kind" "$(sql "SELECT state FROM all_jobs WHERE id = $(cat "$place/$kind.id")")" completed
done
equal "what is not kept" "$(sql "SELECT count(*) FROM all_jobs WHERE kind = 'kept.not'")" 0
equal "jobs reported as completed by themselves" "$(grep -c 'job_settled.*by=job outcome=completed' "$place/worker.log")" 4
equal "of these, with a run that ended otherwise" "$(grep -c 'job_settled.*outcome=completed run=failed' "$place/worker.log")" 3
if grep -E 'claim_lost|job_failed|job_dead' "$place/worker.log"; then
    fail "a job that settled itself was called lost or failed"
fi
equal "marks left behind" "$(sql "SELECT count(*) FROM attempt_log")" 0
echo "$backend: jobs that settle themselves are reported as such"
