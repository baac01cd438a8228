/* From the structure of a tape to a skeleton: which elementwise operations run together, and which products are part of
 * a linear step. It reads only the key's structure words, so that one skeleton serves every size. Passes, all linear:
 * decode, share what is computed twice, look through broadcasts, form clusters (consumers first), list members, find linear steps and reductions. */
#include <string.h>

#include "base/memory.h"
#include "plan/key.h"
#include "plan/share.h"

struct builder {
  struct mxi_skeleton *s;
  const uint32_t **classes; /* per node: its dimension classes, in the key or in few_classes */
  uint32_t *few_classes;
  struct mxi_words *params; /* per node, in the key */
  uint32_t *consumers;      /* per node: cluster of all its readers so far, or NONE, or MANY */
  uint32_t *cluster_inputs; /* per cluster: upper bound of its operands */
};
enum { NONE = UINT32_MAX, MANY = UINT32_MAX - 1 };

static int class_of(const struct builder *b, uint32_t node, int axis) {
  return (int)(b->classes[node][axis / 16] >> (axis % 16 * 2) & 3);
}

/* Equal iteration spaces, as far as structure implies it for a producer and its elementwise consumer: the same classes
 * once leading ones are dropped. */
static bool same_space(const struct builder *b, uint32_t producer, uint32_t consumer) {
  int p = b->s->nodes[producer].ndim, c = b->s->nodes[consumer].ndim, i = 0, j = 0;
  while (i < p && class_of(b, producer, i) == 1) i++;
  while (j < c && class_of(b, consumer, j) == 1) j++;
  if (p - i != c - j) return false;
  for (; i < p; i++, j++)
    if (class_of(b, producer, i) != class_of(b, consumer, j)) return false;
  return true;
}

static bool one_element(const struct builder *b, uint32_t node) {
  for (int i = 0; i < b->s->nodes[node].ndim; i++)
    if (class_of(b, node, i) != 1) return false;
  return true;
}

static uint8_t kind_of(uint32_t op, uint32_t layout) {
  if (layout) return layout == MXI_KEY_SCALAR ? MXI_P_SCALAR : MXI_P_ARRAY;
  if (mxi_is_elementwise((int)op) || op == MXI_OP_astype) return MXI_P_ELEMENTWISE;
  if (op == MXI_OP_output) return MXI_P_OUTPUT;
  return mxi_prims[op]->flags & MX_PRIM_VIEW ? MXI_P_VIEW : MXI_P_KERNEL;
}

/* Words that an operation's STRUCTURE parameters take in the key; mirrors add_params of key.c. */
static size_t param_words(uint32_t op, int ndim) {
  const struct mx_prim *prim = mxi_prims[op];
  if (!prim->params_size) return 0;
  if (!prim->fields) return (prim->params_size + 3) / 4;
  size_t words = 0;
  for (const struct mx_field *f = prim->fields; f->role != MX_FIELD_END; f++) {
    bool wide = f->type == MX_FIELD_I64 || f->type == MX_FIELD_INTS64;
    size_t n = f->type == MX_FIELD_INTS64 || f->type == MX_FIELD_INTS32 ? (size_t)ndim : 1;
    if (f->role != MX_FIELD_IDENTITY && (f->role == MX_FIELD_STRUCTURE || !wide)) words += wide ? 2 * n : n;
  }
  return words;
}

static void decode(struct builder *b, const struct mxi_tape *t) {
  struct mxi_skeleton *s = b->s;
  const uint32_t *w = s->structure;
  uint32_t used = 0;
  for (uint32_t i = 0; i < s->node_count; i++) {
    struct mxi_pnode *p = &s->nodes[i];
    uint32_t layout = w[0] >> MXI_KEY_LAYOUT;
    *p = (struct mxi_pnode){.op = (uint16_t)w[0], .dtype = (uint8_t)(w[0] >> MXI_KEY_DTYPE), .ndim = (uint8_t)w[1],
                            .cluster = -1, .output_count = 1, .input_at = used};
    b->few_classes[i] = w[1] >> MXI_KEY_CLASSES;
    b->classes[i] = &b->few_classes[i];
    w += MXI_KEY_HEAD;
    if (p->ndim > MXI_CLASS_NDIM) {
      b->classes[i] = w;
      w += (p->ndim + 15) / 16;
    }
    p->kind = kind_of(p->op, layout);
    if (!layout) {
      p->input_count = *w++;
      for (uint32_t k = 0; k < p->input_count; k++) s->inputs[used++] = *w++;
    }
    int ndim = p->input_count && s->nodes[s->inputs[p->input_at]].ndim > p->ndim ? s->nodes[s->inputs[p->input_at]].ndim : p->ndim;
    b->params[i] = (struct mxi_words){w, layout ? 0 : param_words(p->op, ndim)};
    w += b->params[i].count;
    p->scalar_space = one_element(b, i);
    p->vector = p->ndim == 1 || (p->ndim == 2 && class_of(b, i, 1) == 1 && class_of(b, i, 0) != 1);
    if (t->nodes[i]->extra && t->nodes[i]->extra->output_count && !layout)
      p->output_count = (uint16_t)t->nodes[i]->extra->output_count;
  }
  while (w < s->structure + s->structure_count) s->nodes[*w++].member = 1;
}

/* An elementwise operation broadcasts its operands itself, so a broadcast between is looked through; and so is a view
 * that gives one element another rank. */
static bool is_transparent(const struct mxi_skeleton *s, const struct mxi_pnode *p) {
  if (p->op == MXI_OP_broadcast) return true;
  bool reshapes = p->op == MXI_OP_reshape || p->op == MXI_OP_transpose || p->op == MXI_OP_argument;
  return reshapes && p->scalar_space && s->nodes[s->inputs[p->input_at]].scalar_space;
}

static void look_through_broadcasts(struct mxi_skeleton *s) {
  for (uint32_t i = 0; i < s->node_count; i++) {
    struct mxi_pnode *p = &s->nodes[i];
    for (uint32_t k = 0; p->kind == MXI_P_ELEMENTWISE && k < p->input_count; k++) {
      uint32_t *in = &s->inputs[p->input_at + k];
      while (is_transparent(s, &s->nodes[*in])) *in = s->inputs[s->nodes[*in].input_at];
    }
  }
  for (uint32_t i = 0; i < s->node_count; i++)
    for (uint32_t k = 0; k < s->nodes[i].input_count; k++) s->nodes[s->inputs[s->nodes[i].input_at + k]].uses++;
  for (uint32_t i = s->node_count; i-- > 0;) {
    struct mxi_pnode *p = &s->nodes[i];
    if (p->uses || p->member || p->kind == MXI_P_ARRAY || p->kind == MXI_P_SCALAR) continue;
    p->dead = 1;
    for (uint32_t k = 0; k < p->input_count; k++) s->nodes[s->inputs[p->input_at + k]].uses--;
  }
}

static bool may_join(const struct builder *b, uint32_t node, uint32_t cluster) {
  const struct mxi_cluster *c = &b->s->clusters[cluster];
  const struct mxi_pnode *p = &b->s->nodes[node];
  if (c->member_count >= MX_CLUSTER_MAX_INSTRS) return false;
  if (b->cluster_inputs[cluster] + p->input_count - 1 > MX_CLUSTER_MAX_INPUTS) return false;
  return p->scalar_space ? !p->member : same_space(b, node, c->root);
}

/* Consumers first: an operation joins the cluster that all its readers are in. So no path leaves a cluster and comes
 * back, and the cluster can run where its last member stands. */
static void form_clusters(struct builder *b, bool fuse) {
  struct mxi_skeleton *s = b->s;
  for (uint32_t i = s->node_count; i-- > 0;) {
    struct mxi_pnode *p = &s->nodes[i];
    uint32_t target = b->consumers[i];
    if (p->dead) continue;
    if (p->kind == MXI_P_ELEMENTWISE) {
      if (!fuse || target == NONE || target == MANY || !may_join(b, i, target)) {
        target = s->cluster_count++;
        s->clusters[target] = (struct mxi_cluster){.root = i, .linear = -1, .reduction = -1};
        b->cluster_inputs[target] = 1;
      }
      p->cluster = (int32_t)target;
      s->clusters[target].member_count++;
      b->cluster_inputs[target] += p->input_count - 1;
    } else {
      target = MANY;
    }
    for (uint32_t k = 0; k < p->input_count; k++) {
      uint32_t *c = &b->consumers[s->inputs[p->input_at + k]];
      *c = *c == NONE || *c == target ? target : MANY;
    }
  }
}

static void list_members(struct mxi_skeleton *s) {
  uint32_t at = 0;
  for (uint32_t c = 0; c < s->cluster_count; c++) {
    s->clusters[c].member_at = at;
    at += s->clusters[c].member_count;
    s->clusters[c].member_count = 0;
  }
  for (uint32_t i = 0; i < s->node_count; i++) {
    if (s->nodes[i].cluster < 0) continue;
    struct mxi_cluster *c = &s->clusters[s->nodes[i].cluster];
    s->members[c->member_at + c->member_count++] = i;
  }
}

/* True when every reader of `node` is in cluster c. */
static bool read_only_by(const struct mxi_skeleton *s, uint32_t node, int32_t c) {
  uint32_t inside = 0;
  const struct mxi_cluster *cl = &s->clusters[c];
  for (uint32_t m = 0; m < cl->member_count; m++) {
    const struct mxi_pnode *p = &s->nodes[s->members[cl->member_at + m]];
    for (uint32_t k = 0; k < p->input_count; k++) inside += s->inputs[p->input_at + k] == node;
  }
  return inside == s->nodes[node].uses;
}

/* The product that feeds cluster c and nothing else, over the matrix at position x; NONE if there is none. */
static uint32_t forward_product(const struct mxi_skeleton *s, int32_t c, uint32_t x) {
  const struct mxi_cluster *cl = &s->clusters[c];
  for (uint32_t m = 0; m < cl->member_count; m++) {
    const struct mxi_pnode *p = &s->nodes[s->members[cl->member_at + m]];
    for (uint32_t k = 0; k < p->input_count; k++) {
      uint32_t z = s->inputs[p->input_at + k];
      const struct mxi_pnode *q = &s->nodes[z];
      if (q->op != MXI_OP_matmul || q->member || s->inputs[q->input_at] != x) continue;
      if (s->nodes[s->inputs[q->input_at + 1]].vector && s->nodes[x].ndim == 2 && read_only_by(s, z, c)) return z;
    }
  }
  return NONE;
}

/* g = transpose(x) @ t with t from a cluster over z = x @ w. */
static void find_linears(struct mxi_skeleton *s) {
  for (uint32_t i = 0; i < s->node_count; i++) {
    const struct mxi_pnode *g = &s->nodes[i];
    if (g->op != MXI_OP_matmul || g->kind != MXI_P_KERNEL || g->dead) continue;
    uint32_t xt = s->inputs[g->input_at], t = s->inputs[g->input_at + 1];
    const struct mxi_pnode *chain = &s->nodes[t];
    if (s->nodes[xt].op != MXI_OP_transpose || s->nodes[xt].ndim != 2 || chain->kind != MXI_P_ELEMENTWISE) continue;
    if (!chain->vector || chain->member || chain->uses != 1 || chain->cluster < 0 || s->clusters[chain->cluster].root != t) continue;
    if (s->clusters[chain->cluster].linear >= 0) continue;
    uint32_t x = s->inputs[s->nodes[xt].input_at], z = forward_product(s, chain->cluster, x);
    if (z == NONE) continue;
    s->clusters[chain->cluster].linear = (int32_t)s->linear_count;
    s->linears[s->linear_count++] = (struct mxi_linear_pattern){
        .forward = z, .backward = i, .x = x, .w = s->inputs[s->nodes[z].input_at + 1], .z = z, .cluster = chain->cluster};
  }
}

static size_t count_inputs(const struct mxi_tape *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->count; i++) n += t->kinds[i] == MXI_TAPE_LEAF ? 0 : t->nodes[i]->input_count;
  return n;
}

static bool allocate(struct mxi_skeleton *s, const struct mxi_tape *t) {
  size_t n = t->count, inputs = count_inputs(t);
  s->structure = mxi_arena_alloc(&s->arena, t->structure_count * sizeof *s->structure);
  s->nodes = mxi_arena_alloc(&s->arena, n * sizeof *s->nodes);
  s->inputs = mxi_arena_alloc(&s->arena, inputs * sizeof *s->inputs);
  s->members = mxi_arena_alloc(&s->arena, n * sizeof *s->members);
  s->clusters = mxi_arena_alloc(&s->arena, n * sizeof *s->clusters);
  s->linears = mxi_arena_alloc(&s->arena, n * sizeof *s->linears);
  if (!s->structure || !s->nodes || !s->inputs || !s->members || !s->clusters || !s->linears) return false;
  memcpy(s->structure, t->structure, t->structure_count * sizeof *s->structure);
  s->structure_count = t->structure_count;
  s->node_count = (uint32_t)n;
  s->leaf_count = t->leaf_count;
  return true;
}

struct mxi_skeleton *mxi_skeleton_build(const struct mxi_tape *t, bool fuse) {
  struct mxi_skeleton *s = mxi_calloc(sizeof *s);
  struct mxi_arena scratch = {0};
  struct builder b = {.s = s};
  if (!s) return NULL;
  b.classes = mxi_arena_alloc(&scratch, t->count * sizeof *b.classes);
  b.few_classes = mxi_arena_alloc(&scratch, t->count * sizeof *b.few_classes);
  b.params = mxi_arena_alloc(&scratch, t->count * sizeof *b.params);
  b.consumers = mxi_arena_alloc(&scratch, t->count * sizeof *b.consumers);
  b.cluster_inputs = mxi_arena_alloc(&scratch, t->count * sizeof *b.cluster_inputs);
  bool ok = b.classes && b.few_classes && b.params && b.consumers && b.cluster_inputs && allocate(s, t);
  if (ok) {
    memset(b.consumers, 0xff, t->count * sizeof *b.consumers);
    decode(&b, t);
    ok = !fuse || mxi_skeleton_share(s, b.params, &scratch);
  }
  if (ok) {
    look_through_broadcasts(s);
    form_clusters(&b, fuse);
    list_members(s);
    if (fuse) find_linears(s);
    if (fuse) mxi_skeleton_find_reductions(s);
  }
  mxi_arena_free(&scratch);
  if (ok) return s;
  mxi_skeleton_free(s);
  return NULL;
}

void mxi_skeleton_free(struct mxi_skeleton *s) {
  if (!s) return;
  mxi_arena_free(&s->arena);
  mxi_free(s);
}
