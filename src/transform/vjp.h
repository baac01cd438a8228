/* Differentiation over the tape of a trace. Results are on the context's stack. */
#ifndef MXI_TRANSFORM_VJP_H
#define MXI_TRANSFORM_VJP_H

#include "transform/closure.h"
#include "transform/trace.h"

/* vjps[i] = the cotangent of argument i; zeros where nothing reaches it. NULL cotangents are zero. */
mx_status mxi_vjp_run(struct mxi_trace *t, const mx_array *cotangents, size_t count, mx_array *vjps);
/* jvps[j] = the tangent of result j. */
mx_status mxi_jvp_run(struct mxi_trace *t, const mx_array *tangents, const mx_array *results, size_t count, mx_array *jvps);

/* A function of the user's run on tracers; its results are checked. Frames are the caller's; lists come empty. Cotangents
 * and tangents may be NULL: zeros.
 * grad: out[0] is the value, out[1 + i] the gradient of argument i. */
mx_status mxi_grad_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                        mx_array *out);
mx_status mxi_vjp_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *primals, size_t count,
                       const mx_array *cotangents, size_t cotangent_count, struct mxb_list *results, mx_array *vjps);
mx_status mxi_jvp_call(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, const mx_array *tangents, size_t count,
                       size_t expected, struct mxb_list *results, struct mxb_list *jvps);
/* Whether derivatives have the shapes of what they belong to; those that are NULL are zeros. */
mx_status mxi_check_shapes(struct mxi_ctx *c, const char *who, const char *what, const mx_array *given, const char *of,
                           const mx_array *arrays, size_t count);
/* The results of f(args), wrapped in a node with f's own derivatives (none: a checkpoint) where an argument is traced; the
 * payload goes onto that node. */
struct mxi_payload;
mx_status mxi_custom_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, struct mxi_payload *payload,
                          const mx_array *args, size_t count, size_t expected, struct mxb_list *results);

#endif
