/** One copy of a store's dictionaries and reference tables for the ranks of a node. */
#include "parcours/share.h"

typedef struct packing {
    const pc_store *store;
    bool has_references;
} packing;

static void fill(void *context, void *memory)
{
    const packing *p = context;
    pc_store_shared_pack(p->store, p->has_references, memory);
}

pc_store_shared pc_share_store(pc_comm *comm, const char *path, pc_budget *budget)
{
    pc_store *store = NULL;
    pc_error err = {0};
    if (pc_comm_node_size(comm) > 1 && pc_comm_is_node_first(comm) &&
        pc_store_open(path, budget, &store, &err) != PC_OK) {
        store = NULL; // the ranks open it again, and say so
    }
    pc_store_shared shared = {.readers = pc_comm_node_size(comm)};
    // Where a node has no room for all references that might be asked for, the dictionaries.
    for (int without = 0; without < 2 && shared.memory == NULL; without++) {
        packing p = {.store = store, .has_references = without == 0};
        const size_t bytes = store == NULL ? 0 : pc_store_shared_size(store, p.has_references);
        shared.memory = pc_comm_node_share(comm, bytes, fill, &p, &shared.bytes);
    }
    pc_store_close(store);
    return shared;
}
