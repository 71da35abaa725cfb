#!/bin/bash
# Workers are stopped, all threads at once, past their leases: their children are gone when the lease ends, the jobs run elsewhere,
# and never does a job have two live children. An observer reads the processes of the machine all the while.
# ctest: serial
# ctest: timeout=300
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"
jobs=8
lease_ms=2000

# One process for each child, which says by its name whose test it belongs to.
cat > "$place/child.pl" << END
select(undef, undef, undef, 0.05) until -e '$place/go';
END
cat > "$place/observe.pl" << 'END'
# Prints each pair of live children that one job has, and at the end how often it looked and how many children it saw.
my ($place, %seen) = @ARGV;
my ($looks, $doubles) = (0, 0);
sub job_of {
    my ($pid) = @_;
    open(my $in, '<', "/proc/$pid/cmdline") or return;
    local $/;
    return unless index(<$in> // '', "$place/child.pl") >= 0;
    open(my $environment, '<', "/proc/$pid/environ") or return;
    return (<$environment> // '') =~ /(?:^|\0)JOBRUNNER_JOB_ID=(\d+)/ ? $1 : undef;
}
until (-e "$place/observed") {
    my %children;
    for my $pid (map { m{(\d+)$} } glob '/proc/[0-9]*') {
        my $job = job_of($pid) // next;
        $seen{$pid} = 1;
        # One that was seen a moment ago may have died since.
        my @live = grep { (job_of($_) // 0) == $job } @{$children{$job} // []};
        if (@live) {
            $doubles++;
            print "job $job: @live $pid\n";
        }
        $children{$job} = [@live, $pid];
    }
    $looks++;
    select(undef, undef, undef, 0.01);
}
print scalar(keys %seen), " children, $looks looks, $doubles doubles\n";
END
use_config << END
[worker]
slots = $jobs
lease = "${lease_ms}ms"
[kinds."long"]
command = ["perl", "$place/child.pl"]
pass_environment = ["PATH"]
max_attempts = 50
backoff = { base = "50ms", factor = 1.0, cap = "50ms", jitter = 0 }
END
perl "$place/observe.pl" "$place" > "$place/observed.txt" 2> "$place/observe.log" &
observer=$!
worker_pids+=("$observer")

for ((i = 0; i < jobs; i++)); do
    "$jobrunner" enqueue long > /dev/null
done
for name in one two three; do
    start_worker "$name"
done

children_of_worker() {
    sql "SELECT count(*) FROM jobs j JOIN workers w ON w.id = j.worker WHERE j.state = 'running' AND w.pid = $1"
}
all_run() {
    sql_is "$jobs" "SELECT count(*) FROM jobs WHERE state = 'running'" && (($(pgrep -cf "perl $place/child.pl" || true) == jobs))
}
all_run_elsewhere() {
    [[ $(children_of_worker "$1") == 0 ]] && all_run
}
milliseconds() {
    local now=${EPOCHREALTIME/./}
    echo $((now / 1000))
}
any_left() {
    local pid
    for pid in $1; do
        kill -0 "$pid" 2> /dev/null && return
    done
    return 1
}
none_left() { ! any_left "$1"; }

for round in 1 2 3; do
    wait_for 30 "all jobs to run" all_run
    victim=$(sql "SELECT w.pid FROM jobs j JOIN workers w ON w.id = j.worker GROUP BY w.pid ORDER BY count(*) DESC LIMIT 1")
    held=$(children_of_worker "$victim")
    ids=$(sql "SELECT j.id FROM jobs j JOIN workers w ON w.id = j.worker WHERE w.pid = $victim")
    children=
    for pid in $(pgrep -f "perl $place/child.pl"); do
        id=$(tr '\0' '\n' < "/proc/$pid/environ" | sed -n 's/^JOBRUNNER_JOB_ID=//p')
        grep -qx "$id" <<< "$ids" && children+=" $pid"
    done
    equal "children of the worker to be stopped" "$(wc -w <<< "$children")" "$held"
    kill -STOP "$victim"
    since=$(milliseconds)
    wait_for 20 "the end of the stopped worker's children" none_left "$children"
    took=$(($(milliseconds) - since))
    # The lease counts from the last heartbeat, which came before the stop; a second is for the machine.
    ((took <= lease_ms + 1000)) || fail "children of a stopped worker lived for $took ms; its lease is $lease_ms ms"
    wait_for 30 "its jobs to run elsewhere" all_run_elsewhere "$victim"
    kill -CONT "$victim"
    echo "$backend: round $round: $held children of a stopped worker gone after $took ms, and their jobs run elsewhere"
done
says_lost() { grep -q lease_lost "$place"/{one,two,three}.log; }
wait_for 20 "a stopped worker to notice" says_lost
touch "$place/go"
wait_for 30 "all jobs" sql_is "$jobs" "SELECT count(*) FROM all_jobs WHERE state = 'completed'"
touch "$place/observed"
wait "$observer"
contains "what the observer saw" "$(< "$place/observed.txt")" " 0 doubles"
echo "$backend: $(< "$place/observed.txt")"
promises_kept
