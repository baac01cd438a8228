/* Differentiation over the tape of a trace. Results are on the context's stack. */
#ifndef MXI_TRANSFORM_VJP_H
#define MXI_TRANSFORM_VJP_H

#include "transform/trace.h"

/* vjps[i] = the cotangent of argument i; zeros where nothing reaches it. NULL cotangents are zero. */
mx_status mxi_vjp_run(struct mxi_trace *t, const mx_array *cotangents, size_t count, mx_array *vjps);
/* jvps[j] = the tangent of result j. */
mx_status mxi_jvp_run(struct mxi_trace *t, const mx_array *tangents, const mx_array *results, size_t count, mx_array *jvps);

/* A function of the user's run on tracers; its results are checked. Frames are the caller's. */
mx_status mxi_vjp_call(struct mxi_ctx *c, const char *who, mx_fn_many f, void *user, const mx_array *primals, size_t count,
                       const mx_array *cotangents, size_t result_count, mx_array *results, mx_array *vjps);

#endif
