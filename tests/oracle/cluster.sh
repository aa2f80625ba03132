# A throw-away PostgreSQL 15 cluster for the tests: nothing is installed or changed, and it is gone
# when the script that sources this ends. Sourced; the caller's EXIT trap calls oracle_stop.
#
#   oracle_start    makes and starts it; sets PGHOST, PGUSER, PGDATABASE for psql
#   oracle_stop     stops it and removes its folder
# oracle_start returns 77 (skip) when PostgreSQL 15 is not there.

oracle_bin=/usr/lib/postgresql/15/bin
oracle_root=

# PostgreSQL refuses to run as root: then it runs as Debian's user postgres.
oracle_as_server() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

oracle_start() {
    local program
    for program in initdb pg_ctl psql; do
        if [ ! -x "$oracle_bin/$program" ]; then
            echo "skipped: $oracle_bin/$program is missing (Debian package postgresql-15)"
            return 77
        fi
    done
    oracle_root=$(mktemp -d /tmp/parcours-oracle.XXXXXX)
    [ "$(id -u)" != 0 ] || chown postgres "$oracle_root"
    cd "$oracle_root" || return 1 # a folder that the server may enter
    if ! oracle_as_server "$oracle_bin/initdb" --pgdata="$oracle_root/data" --locale=C --encoding=UTF8 \
        --username=postgres --auth=trust --no-sync >"$oracle_root.log" 2>&1; then
        cat "$oracle_root.log" >&2
        return 1
    fi
    local option options="-c listen_addresses= -c unix_socket_directories=$oracle_root"
    for option in fsync=off full_page_writes=off synchronous_commit=off autovacuum=off jit=off \
        wal_level=minimal max_wal_senders=0 max_wal_size=4GB shared_buffers=256MB work_mem=64MB \
        max_parallel_workers_per_gather=0 default_statistics_target=5; do
        options="$options -c $option"
    done
    if ! oracle_as_server "$oracle_bin/pg_ctl" --pgdata="$oracle_root/data" --log="$oracle_root/data/server.log" \
        --options="$options" --wait --silent start; then
        cat "$oracle_root/data/server.log" >&2
        return 1
    fi
    export PGHOST=$oracle_root PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
    export PGOPTIONS='--client-min-messages=warning'
}

oracle_stop() {
    [ -n "$oracle_root" ] || return 0
    cd / || true
    if [ -e "$oracle_root/data/postmaster.pid" ]; then
        oracle_as_server "$oracle_bin/pg_ctl" --pgdata="$oracle_root/data" --mode=immediate --wait --silent stop || true
    fi
    rm -rf "$oracle_root" "$oracle_root.log"
    oracle_root=
}

oracle_psql() {
    "$oracle_bin/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"
}
