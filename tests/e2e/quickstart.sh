#!/bin/bash
# scripts/quickstart, with the program that is built already and a small folder: its summary is read back and true.
# ctest: timeout=120
source "$(dirname "$0")/support/harness.sh"
mkdir "$place/files"
for i in {1..40}; do
    head -c "$((i * 100))" /dev/zero > "$place/files/file $i.txt"
done
printf 'quotes' > "$place/files/it's \"odd\".txt"
"$JOBRUNNER_SOURCE_DIR/scripts/quickstart" "$place/files" > "$place/quickstart.log" 2>&1 \
    || fail "quickstart: $(tail -n 20 "$place/quickstart.log")"
summary=$(cat "$place/quickstart.log")
contains "completed jobs" "$summary" "completed │ 41"
contains "dead letters" "$summary" "dead      │ 3"
contains "the largest file" "$summary" "$place/files/file 40.txt"

# The two programs of the kind say the same.
for file in "$place/files/it's \"odd\".txt" "$place/files/file 40.txt"; do
    script=$("$JOBRUNNER_SOURCE_DIR/examples/bin/file-digest" "$file" 3>&1)
    program=$("$JOBRUNNER_SOURCE_DIR/build/quickstart/bin/file-digest" "$file" 3>&1)
    equal "the compiled digest of $file" "$program" "$script"
done
if "$JOBRUNNER_SOURCE_DIR/build/quickstart/bin/file-digest" "$place/none" 2> "$place/none.log"; then
    fail "a missing file was digested"
fi
contains "a missing file" "$(cat "$place/none.log")" "none: No such file"
contains "retries" "$summary" "│ 2       │ failed  │ 1"
echo "the quickstart says what is so"
