#!/bin/sh
# Runs tests and counts each result as progress. `tempest run` reports a failed test in its exit status, which is no
# failure of this script: only a run that does not come to its totals is one.

# shellcheck disable=SC1091 # a placeholder
. @RC@
cd @FOLDER@ || exit 1
trap 'rm -f @RC@' EXIT
rm -rf .stestr/[0-9]* tempest.log output.txt results.* junit.xml
total=$(tempest run --list-tests --regex @PATTERN@ 2>/dev/null | grep -c '^[a-z_]*tempest[a-z_]*\.' || true)
echo "stackwright: progress 0 $total $total tests, @WORKERS@ at a time"
[ "$total" -gt 0 ] || { echo "no test fits; Tempest says:"; tempest run --list-tests 2>&1 | tail -n 5; exit 1; }
timeout @LIMIT@ tempest run --concurrency @WORKERS@ --regex @PATTERN@ 2>&1 | tee output.txt | {
  set -f
  n=0 ok=0 bad=0
  # Not awk: Debian's waits for 4 KiB before it looks at them.
  while IFS= read -r line; do
    case $line in
      *' ... ok'*) ok=$((ok + 1)) ;;
      *' ... FAILED'*) bad=$((bad + 1)); printf '%s\n' "$line" ;;
      *' ... SKIPPED'*) ;;
      *) continue ;;
    esac
    n=$((n + 1))
    [ $n -le "$total" ] || total=$n
    # shellcheck disable=SC2086 # its words
    set -- $line
    echo "stackwright: progress $n $total $ok passed, $bad failed, $((n - ok - bad)) skipped: ${2-}"
  done
}
stestr last --subunit > results.subunit 2>/dev/null
subunit2junitxml < results.subunit > junit.xml 2>/dev/null
subunit2html results.subunit results.html > /dev/null 2>&1
grep -q '^ - Passed:' output.txt && exit 0
echo "it did not finish within @LIMIT@ s"
tail -n 20 output.txt
exit 1
