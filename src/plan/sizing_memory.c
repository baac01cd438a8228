/* Lifetimes and addresses of slots. Temporaries and scratch share one arena, first fit by address; a result may take
 * over the memory of a leaf that its step reads last. */
#include <string.h>

#include "base/memory.h"
#include "plan/sizing.h"

#define ALIGN 64

struct gap {
  size_t offset, nbytes;
};

struct arena_map {
  struct gap *gaps; /* by address, none adjacent */
  size_t count, capacity, end;
};

static size_t round_up(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static bool arena_take(struct arena_map *m, size_t nbytes, size_t *offset) {
  nbytes = round_up(nbytes ? nbytes : 1);
  for (size_t i = 0; i < m->count; i++) {
    struct gap *g = &m->gaps[i];
    if (g->nbytes < nbytes) continue;
    *offset = g->offset;
    g->offset += nbytes;
    g->nbytes -= nbytes;
    if (!g->nbytes) memmove(g, g + 1, (--m->count - i) * sizeof *g);
    return true;
  }
  *offset = m->end;
  m->end += nbytes;
  return true;
}

static bool arena_give(struct arena_map *m, size_t offset, size_t nbytes) {
  nbytes = round_up(nbytes ? nbytes : 1);
  if (!mxi_reserve(&m->gaps, &m->capacity, m->count + 1, sizeof *m->gaps)) return false;
  size_t i = 0;
  while (i < m->count && m->gaps[i].offset < offset) i++;
  bool joins_left = i > 0 && m->gaps[i - 1].offset + m->gaps[i - 1].nbytes == offset;
  bool joins_right = i < m->count && offset + nbytes == m->gaps[i].offset;
  if (joins_left && joins_right) {
    m->gaps[i - 1].nbytes += nbytes + m->gaps[i].nbytes;
    memmove(&m->gaps[i], &m->gaps[i + 1], (--m->count - i) * sizeof *m->gaps);
  } else if (joins_left) {
    m->gaps[i - 1].nbytes += nbytes;
  } else if (joins_right) {
    m->gaps[i].offset = offset;
    m->gaps[i].nbytes += nbytes;
  } else {
    memmove(&m->gaps[i + 1], &m->gaps[i], (m->count++ - i) * sizeof *m->gaps);
    m->gaps[i] = (struct gap){offset, nbytes};
  }
  return true;
}


/* Whether the step reads operand k's memory once more, at other places than those it writes at the time. */
static bool read_otherwise(const struct mxi_sizing *z, const struct mxi_step *step, uint32_t k) {
  const struct mxi_operand *in = &z->operands[step->in_at];
  for (uint32_t i = 0; i < step->in_count; i++) {
    if (i == k || in[i].slot != in[k].slot) continue;
    if (step->kind != MXI_STEP_ELEMENTWISE || step->ew->in_kinds[i] != MX_INPUT_DENSE || in[i].offset) return true;
  }
  return false;
}

/* Which input's memory a result may take: a dense operand of the same size, in an elementwise step; input 0 of an
 * in-place kernel. */
static int32_t find_donor(const struct mxi_sizer *b, const struct mxi_step *step, uint32_t out, const uint32_t *last, uint32_t now) {
  const struct mxi_sizing *z = b->z;
  size_t need = z->slots[out].nbytes;
  bool inplace = step->kind == MXI_STEP_KERNEL && mxi_prims[b->s->nodes[step->node].op]->flags & MX_PRIM_INPLACE;
  if (step->kind != MXI_STEP_ELEMENTWISE && !inplace) return -1;
  uint32_t tries = inplace ? 1 : step->in_count;
  for (uint32_t k = 0; k < tries; k++) {
    const struct mxi_operand *in = &z->operands[step->in_at + k];
    const struct mxi_slot *slot = &z->slots[in->slot];
    if (read_otherwise(z, step, k)) continue;
    if (slot->kind != MXI_SLOT_LEAF || slot->nbytes != need || last[in->slot] != now || in->offset || need == 0) continue;
    if (!b->places[slot->node].whole) continue;
    if (step->kind == MXI_STEP_ELEMENTWISE && step->ew->in_kinds[k] != MX_INPUT_DENSE) continue;
    if (inplace && !step->views[0].contiguous) continue;
    return (int32_t)in->slot;
  }
  return -1;
}

/* No leaf may be overwritten before a kernel that can still fail. */
static uint32_t last_fallible(const struct mxi_sizer *b) {
  uint32_t last = 0;
  for (uint32_t i = 0; i < b->z->step_count; i++)
    if (b->z->steps[i].kind == MXI_STEP_KERNEL && mxi_prims[b->s->nodes[b->z->steps[i].node].op]->flags & MX_PRIM_FALLIBLE) last = i;
  return last;
}

static bool already_given(const struct mxi_sizing *z, uint32_t slots, int32_t donor) {
  for (uint32_t i = 0; i < slots; i++)
    if (z->slots[i].donor == donor) return true;
  return false;
}

static void choose_donors(struct mxi_sizer *b, const uint32_t *last) {
  struct mxi_sizing *z = b->z;
  uint32_t safe = last_fallible(b);
  for (uint32_t i = safe; i < z->step_count; i++) {
    const struct mxi_step *step = &z->steps[i];
    for (uint32_t k = 0; k < step->out_count; k++) {
      uint32_t out = z->operands[step->out_at + k].slot;
      if (z->slots[out].kind != MXI_SLOT_OWN || z->slots[out].donor >= 0) continue;
      int32_t donor = find_donor(b, step, out, last, i);
      if (donor < 0 || already_given(z, z->slot_count, donor)) continue;
      z->slots[out].donor = donor;
      z->slots[out].donor_uses = b->t->uses[z->slots[donor].node];
    }
  }
}

/* last[s]: the step that reads or writes slot s last; a slot with a member in it outlives the run. */
static void lifetimes(const struct mxi_sizing *z, uint32_t *first, uint32_t *last) {
  for (uint32_t i = 0; i < z->step_count; i++) {
    const struct mxi_step *step = &z->steps[i];
    for (uint32_t k = 0; k < step->in_count; k++) last[z->operands[step->in_at + k].slot] = i;
    for (uint32_t k = 0; k < step->out_count; k++) {
      uint32_t s = z->operands[step->out_at + k].slot;
      if (first[s] == UINT32_MAX) first[s] = i;
      last[s] = i;
    }
  }
  for (uint32_t i = 0; i < z->result_count; i++) last[z->results[i].slot] = UINT32_MAX;
}

static bool free_after(struct mxi_sizing *z, struct arena_map *m, const struct mxi_operand *o, uint32_t count, uint32_t step,
                       uint32_t *last) {
  for (uint32_t k = 0; k < count; k++) {
    struct mxi_slot *s = &z->slots[o[k].slot];
    if (s->kind != MXI_SLOT_ARENA || last[o[k].slot] != step) continue;
    last[o[k].slot] = UINT32_MAX; /* an operand may be named twice */
    if (!arena_give(m, s->offset, s->nbytes)) return false;
  }
  return true;
}

static bool assign(struct mxi_sizing *z, struct arena_map *m, const uint32_t *first, uint32_t *last) {
  for (uint32_t i = 0; i < z->step_count; i++) {
    struct mxi_step *step = &z->steps[i];
    for (uint32_t k = 0; k < step->out_count; k++) {
      uint32_t o = z->operands[step->out_at + k].slot;
      if (z->slots[o].kind == MXI_SLOT_ARENA && first[o] == i && !arena_take(m, z->slots[o].nbytes, &z->slots[o].offset)) return false;
    }
    if (step->scratch) {
      size_t nbytes = step->scratch;
      arena_take(m, nbytes, &step->scratch_at);
      if (!arena_give(m, step->scratch_at, nbytes)) return false;
    }
    if (!free_after(z, m, z->operands + step->in_at, step->in_count, i, last)) return false;
    if (!free_after(z, m, z->operands + step->out_at, step->out_count, i, last)) return false;
  }
  z->arena_nbytes = m->end;
  return true;
}

bool mxi_sizing_memory(struct mxi_sizer *b) {
  struct mxi_sizing *z = b->z;
  uint32_t *first = mxi_malloc(z->slot_count * sizeof *first), *last = mxi_malloc(z->slot_count * sizeof *last);
  struct arena_map map = {0};
  bool ok = first && last;
  if (ok) {
    memset(first, 0xff, z->slot_count * sizeof *first);
    memset(last, 0xff, z->slot_count * sizeof *last);
    lifetimes(z, first, last);
    choose_donors(b, last);
    ok = assign(z, &map, first, last);
  }
  mxi_free(map.gaps);
  mxi_free(first);
  mxi_free(last);
  return ok;
}
