# What the batch scripts share. They source it beside the binary: <build>/share/parcours/slurm/slurm.sh.
# Launches the engine, passes Slurm's warning on, and requeues the job when the engine asks for it.

# A host that is lost ends the job within seconds, not when TCP gives up (docs/faults.md).
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-3}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-1}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}

# The launcher: srun (PMIx) unless the site prefers mpirun. Ranks are those of the allocation, one a core.
launcher() {
    case ${PARCOURS_LAUNCHER:-srun} in
        srun) echo "srun --mpi=${PARCOURS_MPI:-pmix} --kill-on-bad-exit=1 ${PARCOURS_BIND:---cpu-bind=cores --mem-bind=local}" ;;
        mpirun) echo "mpirun --quiet ${PARCOURS_BIND:---map-by core --bind-to core}" ;;
        *)
            echo "PARCOURS_LAUNCHER is '${PARCOURS_LAUNCHER}': expected srun or mpirun" >&2
            return 2
            ;;
    esac
}

launch() {
    local words
    words=$(launcher) || exit 2
    exec $words "$@" # words of several options
}

# What a log should tell of where it was made.
tell_job() {
    echo "job ${SLURM_JOB_ID:-none} start ${SLURM_RESTART_COUNT:-0} on ${SLURM_JOB_NODELIST:-$(hostname)}:" \
        "${SLURM_NTASKS:-1} ranks; $("$PARCOURS" --version)"
}

# run_to_end COMMAND...: launches it. USR1, which Slurm sends to this script before the time limit (--signal=B:USR1@...),
# and TERM, before a preemption, go to the engine, which keeps what is done and ends with 75: then the job goes back
# to the queue, under the same number, and the next start resumes. Ends the script with the engine's exit code.
run_to_end() {
    tell_job
    launch "$@" &
    local pid=$! code=0
    trap 'kill -USR1 "$pid" 2>/dev/null' USR1
    trap 'kill -TERM "$pid" 2>/dev/null' TERM
    wait "$pid" || code=$?
    # A trap ends the first wait; the engine still works.
    while kill -0 "$pid" 2>/dev/null; do
        code=0
        wait "$pid" || code=$?
    done
    if [ "$code" = 75 ]; then
        echo "stopped with its work kept; back to the queue"
        scontrol requeue "$SLURM_JOB_ID" && sleep 60 # Slurm ends this script
    fi
    exit "$code"
}
