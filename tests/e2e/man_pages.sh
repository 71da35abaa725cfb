#!/bin/bash
# The manual pages name every command, every option and every key, and groff finds nothing wrong with them.
source "$(dirname "$0")/support/harness.sh"
"$JOBRUNNER_SOURCE_DIR/scripts/man_pages" "$jobrunner" "$place/man"
for page in jobrunner.1 jobrunner.toml.5; do
    groff -man -Kutf8 -Tutf8 -ww -rLL=100n -P-c -P-bou "$place/man/$page" > "$place/$page.txt" 2> "$place/warnings" \
        || fail "$page: $(cat "$place/warnings")"
    [[ ! -s $place/warnings ]] || fail "$page: $(head -n 5 "$place/warnings")"
    if grep -n '`\|](' "$place/$page.txt"; then
        fail "$page: marks of another format are left in it"
    fi
done

# described COMMAND...: the page has the command's heading, and below it each of its options.
described() {
    local section option
    section=$(awk -v heading="   jobrunner $*" '$0 == heading { on = 1; next } /^ ? ? ?[^ ]/ { on = 0 } on' "$place/jobrunner.1.txt")
    [[ -n $section ]] || fail "jobrunner $* is not in the page"
    while read -r option; do
        grep -qE -- "^ +$option( |,|\$)" <<< "$section" || fail "jobrunner $* has $option, which is not in the page"
        options=$((options + 1))
    done < <("$jobrunner" "$@" --help | grep -oE '^  --[a-z-]+')
}
options=0
commands=0
for command in $("$jobrunner" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    described "$command"
    commands=$((commands + 1))
done
described schedules add
described queues pause
((commands >= 25 && options >= 100)) || fail "only $commands commands and $options options were looked at"

keys=0
# shellcheck disable=SC2016
while read -r key; do
    grep -qF -- "$key" "$place/jobrunner.toml.5.txt" || fail "the key $key is not in the page"
    keys=$((keys + 1))
done < <(sed -n 's/^| `\([a-z_.]*\)`.*/\1/p' "$JOBRUNNER_SOURCE_DIR/docs/configuration.md")
((keys >= 60)) || fail "only $keys keys were looked at"
echo "$options options and $keys keys are in the manual pages"
