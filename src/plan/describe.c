/* A plan as text: a line a step, with its operations, operands, bytes and flops. */
#include <stdarg.h>
#include <stdio.h>

#include "plan/plan.h"

struct text {
  char *buf;
  size_t size, length;
};

static void say(struct text *t, const char *format, ...) MX_PRINTF(2, 3);
static void say(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t left = t->length < t->size ? t->size - t->length : 0;
  int n = vsnprintf(left ? t->buf + t->length : NULL, left, format, args);
  va_end(args);
  if (n > 0) t->length += (size_t)n;
}

static const char *slot_word(const struct mxi_slot *s) {
  static const char *const words[] = {"leaf", "scalar", "temp", "result"};
  return words[s->kind];
}

static void say_operands(struct text *t, const struct mxi_sizing *z, uint32_t at, uint32_t count) {
  for (uint32_t k = 0; k < count; k++) {
    const struct mxi_operand *o = &z->operands[at + k];
    say(t, "%s%s %u", k ? ", " : "", slot_word(&z->slots[o->slot]), o->slot);
    if (o->offset) say(t, "+%lld", (long long)o->offset);
  }
}

static const char *op_name(const struct mx_instr *x) { return x->op == MX_INSTR_CAST ? "astype" : mxi_prims[x->op]->name; }

static void say_cluster(struct text *t, const struct mx_cluster *ew) {
  say(t, "%lld elements:", (long long)ew->size);
  for (int32_t i = 0; i < ew->instr_count; i++)
    say(t, " %s%s", op_name(&ew->instrs[i]), ew->instrs[i].scalar ? "(once)" : "");
}

static size_t step_nbytes(const struct mxi_sizing *z, const struct mxi_step *s) {
  size_t n = 0;
  for (uint32_t k = 0; k < s->in_count; k++) n += z->slots[z->operands[s->in_at + k].slot].nbytes;
  for (uint32_t k = 0; k < s->out_count; k++) n += z->slots[z->operands[s->out_at + k].slot].nbytes;
  return n;
}

static double step_flops(const struct mxi_step *s) {
  if (s->kind == MXI_STEP_LINEAR) return 4.0 * (double)s->linear->rows * (double)s->linear->columns;
  if (s->kind == MXI_STEP_REDUCE) return (double)s->ew->size * (s->ew->instr_count + 1);
  if (s->kind == MXI_STEP_ELEMENTWISE) return (double)s->ew->size * s->ew->instr_count;
  double size = 0;
  for (uint32_t k = 0; k < s->in_count; k++) size = size > (double)s->views[k].size ? size : (double)s->views[k].size;
  return size;
}

size_t mxi_plan_describe(const struct mxi_skeleton *s, const struct mxi_sizing *z, char *buf, size_t size) {
  struct text t = {buf, size, 0};
  say(&t, "plan of %u nodes, %u leaves: %u steps, %u results, %zu bytes of scratch\n", s->node_count, s->leaf_count,
      z->step_count, z->result_count, z->arena_nbytes);
  for (uint32_t i = 0; i < z->step_count; i++) {
    const struct mxi_step *step = &z->steps[i];
    say(&t, "  %2u  ", i);
    if (step->kind == MXI_STEP_KERNEL) say(&t, "%s", mxi_prims[s->nodes[step->node].op]->name);
    if (step->kind == MXI_STEP_REDUCE) say(&t, "%s over ", mxi_prims[s->nodes[step->node].op]->name);
    if (step->kind == MXI_STEP_LINEAR)
      say(&t, "linear step, one pass over %lld x %lld%s, chain over ", (long long)step->linear->rows,
          (long long)step->linear->columns, step->linear->affine ? ", affine" : "");
    if (step->kind != MXI_STEP_KERNEL) say_cluster(&t, step->ew);
    say(&t, "  [");
    say_operands(&t, z, step->in_at, step->in_count);
    say(&t, "] -> [");
    say_operands(&t, z, step->out_at, step->out_count);
    say(&t, "]  %zu bytes, %.3g flops\n", step_nbytes(z, step), step_flops(step));
  }
  return t.length;
}
