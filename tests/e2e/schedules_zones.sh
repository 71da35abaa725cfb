#!/bin/bash
# Daily schedules from 2024 to 2030 against Python's zoneinfo: none is missing, none doubled, in zones whose clocks change
# by an hour, by half an hour, by two, at midnight, around Ramadan, or never again. $JOBRUNNER_TEST_ZONES names others:
# "all" compares every zone of the host, which takes minutes.
# ctest: timeout=900
source "$(dirname "$0")/support/harness.sh"
zones=${JOBRUNNER_TEST_ZONES:-UTC Europe/Berlin Australia/Lord_Howe Antarctica/Troll Africa/Casablanca Africa/Cairo
    America/Santiago America/Scoresbysund America/Asuncion Asia/Beirut Asia/Gaza Asia/Almaty Europe/Dublin Pacific/Chatham}
# shellcheck disable=SC2086 # a word for each zone
PYTHONTZPATH=/usr/share/zoneinfo python3 "$(dirname "$0")/support/zone_reference.py" "$jobrunner" 2024 2030 $zones
