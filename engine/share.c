/** One copy of a store's dictionaries for the ranks of a node: its first rank reads them. */
#include "parcours/share.h"

static void fill(void *context, void *memory)
{
    pc_store_texts_pack(context, memory);
}

pc_store_texts pc_share_texts(pc_comm *comm, const char *path, pc_budget *budget)
{
    pc_store *store = NULL;
    pc_error err = {0};
    size_t bytes = 0;
    if (pc_comm_node_size(comm) > 1 && pc_comm_is_node_first(comm) &&
        pc_store_open(path, budget, &store, &err) == PC_OK) {
        bytes = pc_store_texts_size(store);
    }
    pc_store_texts texts = {.readers = pc_comm_node_size(comm)};
    texts.memory = pc_comm_node_share(comm, bytes, fill, store, &texts.bytes);
    pc_store_close(store);
    return texts;
}
