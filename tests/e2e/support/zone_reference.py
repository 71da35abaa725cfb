"""Compares `jobrunner schedules preview` with Python's zoneinfo: when a daily schedule is due in a time zone.

Usage: zone_reference.py JOBRUNNER FIRST_YEAR LAST_YEAR ZONE...   ("all": every zone of the host)

The rules, written anew here: a local time that clocks show twice counts the first time, one that they skip counts at
the change. Prints what differs and exits 1, or how much was compared.
"""

import datetime
import json
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc
TIMES = ((0, 0), (0, 30), (1, 30), (2, 0), (2, 30), (3, 0), (12, 0), (23, 30))
SECOND = datetime.timedelta(seconds=1)


def change_between(zone, low, high):
    """The instant in (low, high] from which the zone's offset is that of `high`."""
    offset = high.astimezone(zone).utcoffset()
    while high - low > SECOND:
        middle = low + SECOND * ((high - low) // SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def due_at(zone, day, hour, minute):
    local = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Skipped: the offset from before the change puts it behind the change, that from after it before.
    before = local.replace(fold=1).astimezone(UTC)
    return change_between(zone, before, instant)


def expected(zone, first, last, hour, minute):
    days = (datetime.date(first, 1, 1) + datetime.timedelta(days=n) for n in range((datetime.date(last + 1, 1, 1) - datetime.date(first, 1, 1)).days))
    return [due_at(zone, day, hour, minute) for day in days]


def previewed(jobrunner, name, hour, minute, after, count):
    command = [jobrunner, "--json", "schedules", "preview", "--cron", f"{minute} {hour} * * *", "--time-zone", name,
               "--from", after.strftime("%Y-%m-%dT%H:%M:%SZ"), "--count", str(count)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [datetime.datetime.fromisoformat(json.loads(line)["due_at"].replace("Z", "+00:00")) for line in lines]


def main():
    jobrunner, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    names = sys.argv[4:]
    if names == ["all"]:
        names = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
    compared = different = 0
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        for hour, minute in TIMES:
            reference = expected(zone, first, last, hour, minute)
            found = previewed(jobrunner, name, hour, minute, reference[0] - SECOND, len(reference))
            compared += len(reference)
            for want, got in zip(reference, found):
                if want != got:
                    print(f"{name} {hour:02}:{minute:02}: expected {want}, got {got}")
                    different += 1
                    break
            if len(found) != len(reference):
                print(f"{name} {hour:02}:{minute:02}: expected {len(reference)} due times, got {len(found)}")
                different += 1
    print(f"{compared} due times in {len(names)} zones compared, {different} differences")
    sys.exit(1 if different or not compared else 0)


main()
