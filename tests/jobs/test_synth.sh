#!/bin/bash
# parcours synth: the same bytes for any number of ranks and any memory, the truth found again by an
# independent reader, refusals and clean failures.
# usage: test_synth.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sum_of() { (cd "$1" && cat -- * | sha256sum); }

people=(--patients 400 --years 2019:2020 --seed 5)
for kind in core all messy; do
    case $kind in
        core) options=(--columns core) ;;
        all) options=(--columns all) ;;
        messy) options=(--columns core --messy) ;;
    esac
    for ranks in 1 2 3; do
        mpirun --oversubscribe -n $ranks "$bin" synth "${people[@]}" "${options[@]}" \
            --out "$work/$kind$ranks" --quiet || die "$kind on $ranks ranks"
    done
    [ "$(sum_of "$work/${kind}1")" = "$(sum_of "$work/${kind}2")" ] || die "$kind: 1 and 2 ranks differ"
    [ "$(sum_of "$work/${kind}1")" = "$(sum_of "$work/${kind}3")" ] || die "$kind: 1 and 3 ranks differ"
done
"$bin" synth "${people[@]}" --out "$work/small" --memory 64M --quiet
[ "$(sum_of "$work/core1")" = "$(sum_of "$work/small")" ] || die "memory changes the bytes"
# slices: each file's rows, sorted, are those of the whole; cohorts add up
for k in 1 2 3; do "$bin" synth "${people[@]}" --slice $k/3 --out "$work/slice$k" --quiet; done
for file in "$work"/core1/*.CSV; do
    name=$(basename "$file")
    case $name in IR_BEN* | IR_IMB* | ER_* | T_MCO* | KI_CCI*) parts=("$work"/slice?/"$name") ;; *) parts=("$work/slice2/$name") ;; esac
    cmp -s <(sort "$file") <({ head -n 1 "$file"; for part in "${parts[@]}"; do tail -n +2 "$part"; done; } | sort) ||
        die "slices: rows of $name differ"
done
python3 - "$work" <<'END' || die "slices: the truths do not add up"
import json, sys
truth = [json.load(open(f"{sys.argv[1]}/{name}/truth.json")) for name in ("core1", "slice1", "slice2", "slice3")]
total = lambda pick: sum(pick(t) for t in truth[1:]) == pick(truth[0])
assert total(lambda t: t["patients"]) and all(total(lambda t: t["cohorts"]["diabete"][y]) for y in ("2019", "2020"))
END
for bad in 0/3 4/3 1/500 2 x/y; do
    code=0; "$bin" synth "${people[@]}" --slice $bad --out "$work/x" 2>"$work/err" || code=$?
    [ $code = 2 ] && grep -q "option '--slice'" "$work/err" || die "--slice $bad: exit $code"
done
"$bin" synth --patients 400 --years 2019:2020 --seed 6 --out "$work/other" --quiet
[ "$(sum_of "$work/core1")" != "$(sum_of "$work/other")" ] || die "another seed gives the same people"

# the example of docs/synth.md
grep -qF "$(cat "$work/core1/truth.json")" "$here/../../docs/synth.md" || die "docs/synth.md shows another truth"

# enough people that each kind of near miss occurs
"$bin" synth --patients 3000 --years 2019:2020 --seed 1 --out "$work/clean" --quiet
"$bin" synth --patients 1500 --years 2015:2016 --seed 2 --messy --out "$work/mess" --quiet
python3 "$here/synth_truth.py" "$work/clean"
python3 "$here/synth_truth.py" "$work/core1"
python3 "$here/synth_truth.py" "$work/all1"
"$bin" synth --patients 900 --years 2021:2022 --seed 4 --columns all --out "$work/tables" --quiet
python3 "$here/synth_tables.py" "$work/tables" "$here/../../partition/models/snds.json"
python3 "$here/synth_truth.py" "$work/messy1" --messy
python3 "$here/synth_truth.py" "$work/mess" --messy
# refusals: exit 2 and a sentence
code=0; "$bin" synth "${people[@]}" --out "$work/core1" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'not empty' "$work/err" || die "a folder in use: exit $code"
code=0; "$bin" synth --patients 10 --years 2021:2019 --out "$work/x" 2>"$work/err" || code=$?
[ $code = 2 ] || die "years backwards: exit $code"

# a full disk (here: a limit on file sizes): exit 1, a sentence, and nothing half-made stays
code=0
(trap '' XFSZ; ulimit -f 300; exec "$bin" synth "${people[@]}" --out "$work/full") \
    >"$work/err" 2>&1 || code=$?
[ $code = 1 ] || die "full disk: exit $code"
grep -q 'cannot write' "$work/err" || die "full disk: no sentence"
[ ! -e "$work/full" ] || die "full disk: files stay"
echo "synth: done"
