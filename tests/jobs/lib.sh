# What the shell tests share: source it first. A test has a folder $work for what it makes; what a
# command said last is in $work/said. fail counts and goes on (end with finish), die ends the test.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} # Open MPI leaks at exit; the budget check stands in
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

die() {
    echo "FAILED: $*"
    exit 1
}

# must command...: it ends well, or the test ends with what it said.
must() {
    "$@" >"$work/said" 2>&1 || {
        head -n 40 "$work/said"
        die "$*"
    }
}

# expect CODE PATTERN command...: the exit code, and a pattern in what it says.
expect() {
    local code=$1 pattern=$2 got=0
    shift 2
    "$@" >"$work/said" 2>&1 || got=$?
    [ "$got" = "$code" ] && grep -q -- "$pattern" "$work/said" && return
    fail "$*: exit code $got, expected $code and '$pattern' in:"
    head -n 5 "$work/said"
}

# says PATTERN: the last command said it.
says() { grep -q -- "$1" "$work/said" || { cat "$work/said"; die "expected the sentence to say '$1'"; }; }

# step TEXT: where a long test is.
step() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

# finish: the last line of a test that counts its failures.
finish() {
    [ "$failures" = 0 ] && echo "all passed" || echo "$failures FAILED"
    exit $((failures > 0))
}
