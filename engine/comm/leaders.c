/** Exchanges in two levels: ranks hand what goes to other nodes to the first rank of theirs, the
 *  leader, leaders talk to leaders, and each hands on what came for its node. N nodes then need
 *  N (N - 1) messages over the network, not one for each pair of ranks. Only for small pieces: what
 *  passes a leader is copied four times more. */
#include <string.h>
#include "comm_internal.h"

enum { TAG_HAND_IN = 11, TAG_HAND_OUT };

/** What an exchange needs on its way; the leader's parts are NULL on the others. */
typedef struct passage {
    pc_comm *comm;
    const pc_span *out;
    const pc_buffer *in_place;
    int64_t *sizes;                ///< [2 x ranks] sent to and come from each rank
    int64_t *of_node;              ///< leader: [ranks of the node][2 x ranks] those of each of them
    int64_t *out_start, *in_start; ///< leader: [nodes + 1] in `by_node` and `came`
    int64_t *next;                 ///< leader: [nodes, or its ranks] where the next piece goes
    char *mine;                    ///< of this rank, in order of nodes; leader: of all its ranks
    char *by_node;                 ///< leader: the same, by node it goes to
    char *came;                    ///< leader: from other nodes
    char *handed;                  ///< what came for this rank; leader: for each of its ranks
} passage;

static size_t far_bytes(const pc_comm *comm, const pc_span *out, const pc_buffer *in_place)
{
    size_t sent = 0, got = 0;
    for (int rank = 0; rank < comm->size; rank++) {
        if (!pc_comm_is_far(comm, rank)) continue;
        sent += out[rank].bytes;
        got += in_place[rank].bytes;
    }
    return sent > got ? sent : got;
}

// The most bytes of a rank to or from other nodes; -1: leaders are not to be used.
static int64_t find_most(pc_comm *comm, const pc_span *out, const pc_buffer *in_place)
{
    const pc_comm_nodes *n = &comm->nodes;
    if (n->count < 2 || n->most_ranks < 2 || comm->way == PC_COMM_DIRECT) return -1;
    int64_t most = (int64_t)far_bytes(comm, out, in_place);
    pc_comm_max_int64(comm, &most, 1);
    if (most > PC_COMM_LEADER_BYTES / n->most_ranks) return -1;
    const int64_t far_ranks = comm->size - n->most_ranks;
    const bool is_small = most < far_ranks * PC_COMM_SMALL_BYTES;
    return is_small || comm->way == PC_COMM_LEADERS ? most : -1;
}

// On all ranks or on none: the direct way needs nothing.
static bool make_room(passage *p, pc_arena *arena, size_t most)
{
    pc_comm *comm = p->comm;
    const bool leads = pc_comm_is_node_first(comm);
    const size_t ranks = (size_t)comm->size, here = leads ? (size_t)comm->node_size : 1;
    const size_t bytes = most * here + 1; // no piece of memory is empty
    p->sizes = pc_arena_array(arena, 2 * ranks, sizeof *p->sizes, NULL);
    p->mine = pc_arena_raw(arena, bytes, NULL);
    p->handed = pc_arena_raw(arena, bytes, NULL);
    bool has = p->sizes != NULL && p->mine != NULL && p->handed != NULL;
    if (leads && has) {
        const size_t nodes = (size_t)comm->nodes.count + 1;
        p->of_node = pc_arena_array(arena, 2 * ranks * here, sizeof *p->of_node, NULL);
        p->out_start = pc_arena_array(arena, nodes, sizeof *p->out_start, NULL);
        p->in_start = pc_arena_array(arena, nodes, sizeof *p->in_start, NULL);
        p->next = pc_arena_array(arena, nodes > here ? nodes : here, sizeof *p->next, NULL);
        p->by_node = pc_arena_raw(arena, bytes, NULL);
        p->came = pc_arena_raw(arena, bytes, NULL);
        has = p->of_node != NULL && p->out_start != NULL && p->in_start != NULL &&
              p->next != NULL && p->by_node != NULL && p->came != NULL;
    }
    int64_t all = has ? 1 : 0;
    pc_comm_min_int64(comm, &all, 1);
    return all == 1;
}

static void tell_sizes(passage *p)
{
    pc_comm *comm = p->comm;
    for (int rank = 0; rank < comm->size; rank++) {
        p->sizes[rank] = (int64_t)p->out[rank].bytes;
        p->sizes[comm->size + rank] = (int64_t)p->in_place[rank].bytes;
    }
    comm->counts.collectives++;
    pc_comm_must(MPI_Gather(p->sizes, 2 * comm->size, MPI_INT64_T, p->of_node, 2 * comm->size,
                            MPI_INT64_T, 0, comm->node),
                 "telling sizes to a leader");
}

// What `member` of this node sends to `rank`, and gets from it. Of the leader.
static int64_t sent_by(const passage *p, int member, int rank)
{
    return p->of_node[(int64_t)member * 2 * p->comm->size + rank];
}

static int64_t got_by(const passage *p, int member, int rank)
{
    return p->of_node[((int64_t)member * 2 + 1) * p->comm->size + rank];
}

// What `member` sends to other nodes, or gets from them, in all.
static int64_t far_of_member(const passage *p, int member,
                             int64_t (*bytes)(const passage *, int, int))
{
    int64_t sum = 0;
    for (int rank = 0; rank < p->comm->size; rank++) {
        if (pc_comm_is_far(p->comm, rank)) sum += bytes(p, member, rank);
    }
    return sum;
}

static void hand_in(passage *p)
{
    pc_comm *comm = p->comm;
    const pc_comm_nodes *n = &comm->nodes;
    char *at = p->mine;
    for (int i = 0; i < comm->size; i++) {
        const pc_span piece = p->out[n->rank[i]];
        if (!pc_comm_is_far(comm, n->rank[i]) || piece.bytes == 0) continue;
        memcpy(at, piece.data, piece.bytes);
        at += piece.bytes;
    }
    if (p->of_node == NULL) {
        pc_comm_must(MPI_Send(p->mine, (int)(at - p->mine), MPI_BYTE, 0, TAG_HAND_IN, comm->node),
                     "handing in to a leader");
        pc_comm_count(comm, (size_t)(at - p->mine), n->rank[n->start[n->mine]]);
        return;
    }
    for (int member = 1; member < comm->node_size; member++) {
        const int64_t bytes = far_of_member(p, member, sent_by);
        pc_comm_must(
            MPI_Recv(at, (int)bytes, MPI_BYTE, member, TAG_HAND_IN, comm->node, MPI_STATUS_IGNORE),
            "taking in from a rank of a node");
        at += bytes;
    }
}

// Where in `by_node` and `came` each other node has its place.
static void place_nodes(passage *p)
{
    const pc_comm_nodes *n = &p->comm->nodes;
    for (int node = 0; node < n->count; node++) {
        int64_t out = 0, in = 0;
        for (int i = n->start[node]; node != n->mine && i < n->start[node + 1]; i++) {
            for (int member = 0; member < p->comm->node_size; member++) {
                out += sent_by(p, member, n->rank[i]);
                in += got_by(p, member, n->rank[i]);
            }
        }
        p->out_start[node + 1] = p->out_start[node] + out;
        p->in_start[node + 1] = p->in_start[node] + in;
    }
}

// From [member][node][rank] to [node][member][rank].
static void sort_by_node(passage *p)
{
    const pc_comm_nodes *n = &p->comm->nodes;
    const char *from = p->mine;
    memcpy(p->next, p->out_start, (size_t)n->count * sizeof *p->next);
    for (int member = 0; member < p->comm->node_size; member++) {
        for (int node = 0; node < n->count; node++) {
            int64_t bytes = 0;
            for (int i = n->start[node]; node != n->mine && i < n->start[node + 1]; i++)
                bytes += sent_by(p, member, n->rank[i]);
            memcpy(p->by_node + p->next[node], from, (size_t)bytes);
            p->next[node] += bytes;
            from += bytes;
        }
    }
}

static void talk(passage *p)
{
    pc_comm *comm = p->comm;
    const pc_comm_nodes *n = &comm->nodes;
    for (int step = 1; step < n->count; step++) {
        const int to = (n->mine + step) % n->count;
        const int from = (n->mine - step + n->count) % n->count;
        const int64_t *out = p->out_start + to, *in = p->in_start + from;
        const pc_span message = {p->by_node + out[0], (size_t)(out[1] - out[0])};
        const pc_buffer place = {.data = p->came + in[0], .bytes = (size_t)(in[1] - in[0])};
        pc_comm_exchange_pair(comm, message, n->rank[n->start[to]], place, n->rank[n->start[from]]);
    }
}

// From [node][its rank][member], as it came, to [member][node][its rank].
static void sort_by_member(passage *p)
{
    pc_comm *comm = p->comm;
    const pc_comm_nodes *n = &comm->nodes;
    const char *from = p->came;
    int64_t start = 0;
    for (int member = 0; member < comm->node_size; member++) {
        p->next[member] = start;
        start += far_of_member(p, member, got_by);
    }
    for (int i = 0; i < comm->size; i++) {
        if (!pc_comm_is_far(comm, n->rank[i])) continue;
        for (int member = 0; member < comm->node_size; member++) {
            const int64_t bytes = got_by(p, member, n->rank[i]);
            memcpy(p->handed + p->next[member], from, (size_t)bytes);
            p->next[member] += bytes;
            from += bytes;
        }
    }
}

// After sort_by_member `next` is where each member's part ends. The leader's own stays.
static void hand_out(passage *p)
{
    pc_comm *comm = p->comm;
    const pc_comm_nodes *n = &comm->nodes;
    for (int member = 1; member < comm->node_size; member++) {
        const int64_t begin = p->next[member - 1], bytes = p->next[member] - begin;
        pc_comm_must(
            MPI_Send(p->handed + begin, (int)bytes, MPI_BYTE, member, TAG_HAND_OUT, comm->node),
            "handing out to a rank of a node");
        pc_comm_count(comm, (size_t)bytes, n->rank[n->start[n->mine] + member]);
    }
}

static void put_in_place(const passage *p)
{
    const pc_comm_nodes *n = &p->comm->nodes;
    const char *at = p->handed;
    for (int i = 0; i < p->comm->size; i++) {
        const pc_buffer place = p->in_place[n->rank[i]];
        if (!pc_comm_is_far(p->comm, n->rank[i]) || place.bytes == 0) continue;
        memcpy(place.data, at, place.bytes);
        at += place.bytes;
    }
}

bool pc_comm_by_leaders(pc_comm *comm, const pc_span *out, const pc_buffer *in_place,
                        pc_budget *budget)
{
    const int64_t most = find_most(comm, out, in_place);
    if (most < 0) return false;
    pc_arena arena = {.budget = budget};
    passage p = {.comm = comm, .out = out, .in_place = in_place};
    const bool has = make_room(&p, &arena, (size_t)most);
    if (has) {
        tell_sizes(&p);
        hand_in(&p);
        if (p.of_node != NULL) {
            place_nodes(&p);
            sort_by_node(&p);
            talk(&p);
            sort_by_member(&p);
            hand_out(&p);
        } else {
            pc_comm_must(MPI_Recv(p.handed, (int)most, MPI_BYTE, 0, TAG_HAND_OUT, comm->node,
                                  MPI_STATUS_IGNORE),
                         "receiving from a leader");
        }
        put_in_place(&p);
    }
    pc_arena_reset(&arena);
    return has;
}
