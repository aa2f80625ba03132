#!/usr/bin/env bash
# The quick ones of the faults (tests/faults/faults.py); scripts/test --faults tries all.
# Uses $PARCOURS_RELEASE/bin when set. usage: test_faults.sh BIN_DIR
command -v cc >/dev/null || { echo "no cc: the shim cannot be made"; exit 77; }
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
folder=${folder:-$1}
exec python3 "$(dirname "${BASH_SOURCE[0]}")/../faults/faults.py" "$folder" --quick
