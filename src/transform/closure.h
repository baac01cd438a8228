/* A user's function, in either form: that of mica.h, whose results are in the calling thread's scope, or that of
 * mica/bind.h, which is given the context and gives owned results. Here both leave their results on the stack of the
 * context that runs them. */
#ifndef MXI_TRANSFORM_CLOSURE_H
#define MXI_TRANSFORM_CLOSURE_H

#include <mica/bind.h>

#include "core/ctx.h"

/* A growing list. A binding's holds references; in transforms they are borrowed from the stack. */
struct mxb_list {
  mx_array *at;
  size_t count, capacity;
};
bool mxi_list_add(struct mxi_ctx *c, const char *who, struct mxb_list *list, mx_array a); /* borrowed */
void mxi_list_free(struct mxb_list *list);                                               /* of borrowed ones */

struct mxi_closure {
  mx_fn one;
  mx_fn_many many;
  mx_vjp_fn vjp;
  mx_jvp_fn jvp;
  mxb_fn own_one;
  mxb_fn_many own_many;
  mxb_vjp_fn own_vjp;
  mxb_jvp_fn own_jvp;
  void *user;
};

#define MXI_ANY_COUNT SIZE_MAX

/* One result; NULL with the error in c. */
mx_array mxi_closure_one(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count);
/* `expected` results, or any number for a binding's; none of them NULL or weak. */
mx_status mxi_closure_many(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                           size_t expected, struct mxb_list *results);
/* Gradients for `count` primals; NULL where none flows. */
mx_status mxi_closure_vjp(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, size_t count,
                          const mx_array *cotangents, const mx_array *results, size_t result_count, mx_array *vjps);
/* Tangents for `result_count` results; NULL where there is none, as among those given. */
mx_status mxi_closure_jvp(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, const mx_array *tangents, size_t count,
                          size_t result_count, mx_array *jvps);

#endif
