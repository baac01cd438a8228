/* Rows of core/elementwise.def as data, for their builders and rules. */
#ifndef MXI_OPS_ELEMENTWISE_H
#define MXI_OPS_ELEMENTWISE_H

#include "core/prim.h"

/* How a row treats dtypes; the words are explained in core/elementwise.def. */
enum mxi_ew_rule {
  MXI_RULE_SAME,
  MXI_RULE_FLOAT,
  MXI_RULE_REAL,
  MXI_RULE_COMPARE,
  MXI_RULE_LOGIC,
  MXI_RULE_BITS,
  MXI_RULE_SHIFT,
  MXI_RULE_PRED,
  MXI_RULE_SELECT,
  MXI_RULE_ENCODE,
  MXI_RULE_DECODE
};

struct mxi_ew_row {
  const char *name;
  uint8_t arity, rule;
};
extern const struct mxi_ew_row mxi_ew_rows[MXI_OP_ELEMENTWISE_END];
/* For operands of a dtype, that of the result, plus 1; 0: there is no formula. */
#define MXI_EW_RESULTS 16
extern const uint8_t mxi_ew_results[MXI_OP_ELEMENTWISE_END][MXI_EW_RESULTS];

/* The dtype that operands which promote to `t` are converted to. */
mx_dtype mxi_ew_operand_dtype(enum mxi_ew_rule rule, mx_dtype t);

/* What `a` and `b` promote to: a weak operand counts by its kind only. */
mx_dtype mxi_ew_promote(mx_array a, mx_array b);
/* `a` in dtype `t`: a weak literal is remade (and checked), another array converted. */
mx_array mxi_ew_operand(struct mxi_ctx *c, const char *who, mx_array a, mx_dtype t);
/* `g` summed over the axes along which an array of that shape was broadcast to g's. */
mx_array mxi_unbroadcast(struct mxi_ctx *c, mx_array g, int ndim, const int64_t *shape);
/* A row applied to any operands. */
mx_array mxi_ew_unary(struct mxi_ctx *c, int op, mx_array a);
mx_array mxi_ew_binary(struct mxi_ctx *c, int op, mx_array a, mx_array b);

#endif
