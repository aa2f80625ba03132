#!/usr/bin/env bash
# `parcours check`: the shipped jobs are valid, bad studies give the path, the id, the nearest name and exit code 2.
# usage: test_check.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

for job in "$top"/jobs/*.json "$top/jobs/cartographie/carte.json"; do
    [ "$(basename "$job")" = tnf_in_colitis.json ] && continue # of another model
    expect 0 "is valid, level" "$parcours" check "$job"
done
expect 0 "is valid, level" "$parcours" check "$top/jobs/tnf_in_colitis.json" --model omop

# Every event of the shipped library binds to the model.
cat >library.json <<'END'
{"study": "all", "use": {"snds": "snds.json"},
 "cohorts": {"c": {"entry": {"from": ["snds.line", "snds.delivery", "snds.act", "snds.test", "snds.stay", "snds.diagnosis", "snds.ald", "snds.care"]}}}}
END
expect 0 "is valid, level 2" "$parcours" check library.json

# A library by itself.
for library in acts drugs hospital snds; do
    expect 0 "is valid" "$parcours" check "$top/jobs/library/$library.json"
done
echo '{"statistics": {"n": {"count": "x"}}}' >alone.json
expect 2 "unknown key 'statistics'" "$parcours" check alone.json
echo '{"codes": {"a": {"ACT": ["A10*"]}}}' >alone.json
expect 2 "has no code system 'ACT', did you mean 'ATC'?" "$parcours" check alone.json

# The disease map is found by its name from any study: the example of docs/cartographie.md.
awk '/<!-- example -->/ {take = 1; next} take && /^```$/ {take = 0} take && !/^```/' "$top/docs/cartographie.md" >one.json
expect 0 "is valid, level 2" "$parcours" check one.json

# The worked examples of docs/study.md.
awk '/<!-- example -->/ {n++; take = 1; next} take && /^```$/ {take = 0} take && !/^```/ {print > ("example" n ".json")}' "$top/docs/study.md"
expect 0 "is valid, level 2" "$parcours" check example1.json
expect 0 "is valid, level 3" "$parcours" check example2.json

bad() {
    sed "$1" "$top/jobs/new_metformin.json" >bad.json
    expect 2 "$2" "$parcours" check bad.json
}
bad 's/"where"/"wehre"/' "events.delivery.wehre: key: unknown key 'wehre', did you mean 'where'?"
bad 's/ER_PHA_F/ER_PHA_G/' "events.delivery.from: name: no table or timeline 'ER_PHA_G', did you mean 'ER_PHA_F'?"
bad 's/PHA_ACT_QSN/PHA_ACT_QSM/' "events.delivery.where: sql: "
bad 's/"ATC"/"ACT"/' "codes.metformin.ACT: codes: model snds has no code system 'ACT', did you mean 'ATC'?"
bad 's/"none": "delivery"/"none": "deliverys"/' "cohorts.new_users.require\[0\].none: name: no timeline 'deliverys', did you mean 'delivery'?"
bad 's/"attrition": "new_users"/"attrition": "delivery"/' "statistics.flow.attrition: name: 'delivery' is not a cohort"
bad 's/"by": \["sex", /"by": ["BEN_NIR_PSA", /' "statistics.table.by\[0\]: "
bad 's/"count": "new_users"/"sql": "new_users"/' "statistics.table.sql: sql: query: character 1: syntax error"
bad 's/^{/{{/' "json: "
expect 2 "parameter: no parameter 'yeer'" "$parcours" check "$top/jobs/new_metformin.json" --set yeer=2019
expect 1 "cannot be opened" "$parcours" check nowhere.json

finish
