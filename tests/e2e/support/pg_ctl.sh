#!/bin/bash
# Stops, starts or restarts the cluster that scripts/with_postgres runs the tests beside.
#
#   pg_ctl.sh restart-immediate   as after a crash of the server: no checkpoint, no goodbye
#   pg_ctl.sh restart-fast        connections are told, then closed
#   pg_ctl.sh stop-immediate | stop-fast | start | status
#
# Returns when the server accepts connections again, or has stopped.
set -euo pipefail

: "${JOBRUNNER_TEST_PGDATA:?is not set; run under scripts/with_postgres}"
: "${JOBRUNNER_TEST_PGBIN:?is not set; run under scripts/with_postgres}"

pg_ctl() {
    local command=("$JOBRUNNER_TEST_PGBIN/pg_ctl" -D "$JOBRUNNER_TEST_PGDATA" -w -t 60 "$@")
    if ((EUID == 0)); then
        command=(runuser -u postgres -- "${command[@]}")
    fi
    # The server inherits the descriptors it is started with; a pipe would never see its end.
    (cd / && "${command[@]}" > /dev/null 2>&1 < /dev/null)
}

log=$(dirname "$JOBRUNNER_TEST_PGDATA")/server.log
case ${1:-} in
    restart-immediate) pg_ctl restart -m immediate -l "$log" ;;
    restart-fast) pg_ctl restart -m fast -l "$log" ;;
    stop-immediate) pg_ctl stop -m immediate ;;
    stop-fast) pg_ctl stop -m fast ;;
    start) pg_ctl start -l "$log" ;;
    status) pg_ctl status ;;
    *)
        echo "usage: pg_ctl.sh restart-immediate|restart-fast|stop-immediate|stop-fast|start|status" >&2
        exit 2
        ;;
esac
