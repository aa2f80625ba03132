#!/usr/bin/env bash
# The command line as a person meets it: help, versions, exit codes, one sentence for all ranks.
# usage: test_cli.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$1/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect 0 'exit codes' "$parcours" --help
expect 0 'exit codes' "$parcours" help
expect 0 'commit' "$parcours" --version
expect 0 '^{"version":"[0-9.]*","commit":"' "$parcours" --version --json
commands=$("$parcours" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in synth ingest info query run explain check verify report; do
    grep -qx "$command" <<<"$commands" || fail "no command $command"
done
for command in $commands; do
    expect 0 "^usage: parcours $command" "$parcours" help "$command"
    expect 0 "^usage: parcours $command" "$parcours" "$command" --help
    expect 2 'unknown option' "$parcours" "$command" --frobnicate
done

expect 2 'no command' "$parcours"
expect 2 "did you mean 'query'" "$parcours" qurey
expect 2 "did you mean '--format'" "$parcours" query x y --fromat csv
expect 2 'too few operands' "$parcours" info
expect 2 'one operand too many' "$parcours" info a b
expect 2 'twice' "$parcours" query x y --format csv --format csv
expect 2 'one of csv, table, json' "$parcours" query x y --format xml
expect 2 'not a size' "$parcours" query x y --memory lots
expect 2 'needs a value' "$parcours" query x y --memory
expect 2 "'--years': '2021:2019'" "$parcours" synth --patients 5 --years 2021:2019 --out "$work/d"
expect 2 "'--out' is missing" "$parcours" synth --patients 5 --years 2019
expect 1 "$work/nowhere" "$parcours" info "$work/nowhere"
expect 1 "$work/nowhere" "$parcours" verify "$work/nowhere"
expect 1 "$work/nowhere" "$parcours" query "$work/nowhere" 'SELECT 1'
expect 2 'one SQL text' "$parcours" query "$work/nowhere"
expect 1 'standard output' bash -c "'$parcours' --help >/dev/full"

# All ranks fail with one sentence.
mpirun -n 3 "$parcours" qurey >"$work/said" 2>&1
if [ "$(grep -c "^parcours: unknown command 'qurey'" "$work/said")" != 1 ]; then
    cat "$work/said"
    fail "three ranks, one sentence"
fi
if [ "$(mpirun -n 3 "$parcours" --version | wc -l)" != 1 ]; then
    fail "three ranks, one version"
fi

finish
