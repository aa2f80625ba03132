/** @file parcours/slot.h
 *  A slot: whose rows these are. A person, an unresolved pair, or nobody.
 */
#ifndef PC_SLOT_H
#define PC_SLOT_H
#include <stdbool.h>
#include <stdint.h>
#include "parcours/text.h"

enum { PC_SLOT_KEY_BYTES = 24, PC_SLOT_TEXT_BYTES = PC_SLOT_KEY_BYTES - 1 };

/** What a slot is; the text of `patient_status`. */
typedef enum pc_slot_kind {
    PC_SLOT_RESOLVED = 'P',   ///< a person of the identity tables, keyed by the person key
    PC_SLOT_UNRESOLVED = 'U', ///< a pair (pseudonym + rank) that they do not know
    PC_SLOT_AMBIGUOUS = 'A',  ///< nobody: several persons fit; keyed by stay or claim
    PC_SLOT_DUMMY = 'D',      ///< nobody: a dummy pseudonym; keyed by stay or claim
    PC_SLOT_ORPHAN = 'O'      ///< nobody: no parent row; keyed by stay or claim
} pc_slot_kind;

/** Kind, then the key's text, padded with NUL: the person key; or pseudonym '/' rank; or,
 *  for nobody, 22 hexadecimal digits of the BLAKE2b of the claim's or stay's key. */
typedef struct pc_slot_key {
    char byte[PC_SLOT_KEY_BYTES];
} pc_slot_key;

/** "resolved", "unresolved", "ambiguous", "dummy", "orphan". */
const char *pc_slot_kind_name(pc_slot_kind kind);
/** True for persons and unresolved pairs: the slot is a patient. */
static inline bool pc_slot_is_patient(pc_slot_kind kind)
{
    return kind == PC_SLOT_RESOLVED || kind == PC_SLOT_UNRESOLVED;
}
/** The place of a slot: slots stand in order of this hash, then of the key's bytes. */
uint64_t pc_slot_hash(const pc_slot_key *key);
/** The shard of a hash among `shard_count` (a power of two): its top bits. */
uint32_t pc_slot_shard(uint64_t hash, uint32_t shard_count);

#endif
