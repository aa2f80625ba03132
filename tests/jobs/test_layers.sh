#!/usr/bin/env bash
# Usage: test_layers.sh BIN
# MPI is called in engine/comm and nowhere else; malloc and free of ours in engine/base/arena.c and nowhere else.
set -euo pipefail
build=$(dirname "$1")
failed=0
for layer in pc_base pc_ops pc_partition pc_engine; do
    if nm --undefined-only "$build/lib$layer.a" 2>/dev/null | grep -E ' U P?MPI_'; then
        echo "FAILED: $layer calls MPI"
        failed=1
    fi
done
users=$(nm --print-file-name --undefined-only "$build"/libpc_*.a 2>/dev/null |
    grep -E ' U (malloc|calloc|realloc|free|aligned_alloc|posix_memalign)$' | sed -E 's/.*:([^:]+\.o):.*/\1/' | sort -u)
if [ "$users" != arena.c.o ]; then
    echo "FAILED: the C library's allocator is called by: $users"
    failed=1
fi
[ "$(nm --undefined-only "$build/libpc_comm.a" 2>/dev/null | grep -c ' U MPI_Init')" -gt 0 ] || { echo "FAILED: the check sees no MPI at all"; failed=1; }
[ "$failed" = 0 ] && echo "layers keep to their rows"
exit "$failed"
