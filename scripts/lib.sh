# What the scripts share: where the tree is, how to say what is done, MPI started as root. Sourced.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_root=${PARCOURS_BUILD:-$top/build}

say() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Open MPI refuses root and more ranks than cores unless told; only then is it told.
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# ranks N command...: the command on N ranks.
ranks() {
    local count=$1 over=()
    shift
    [ "$count" -le "$(nproc)" ] || over=(--oversubscribe)
    mpirun "${over[@]}" --quiet -n "$count" "$@"
}

# build_preset NAME: configures once and builds what has changed.
build_preset() {
    local folder=$build_root/$1
    if [ ! -e "$folder/build.ninja" ]; then
        (cd "$top" && cmake --preset "$1" -B "$folder" >"$folder.configure.log" 2>&1) || {
            tail -n 30 "$folder.configure.log" >&2
            die "cmake failed for preset $1 ($folder.configure.log)"
        }
    fi
    cmake --build "$folder" 2>&1 | tail -n 30
    [ "${PIPESTATUS[0]}" = 0 ] || die "the build of preset $1 failed"
}
