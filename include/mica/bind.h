/* For language bindings: owned results, an error object, no scopes. The operations are in <mica/bind_ops.h>.
 *
 *   mxb_ctx *c = mxb_ctx_new();
 *   mx_array y = mxb_add(c, a, b);                    owned: the caller releases it
 *   if (!y) { raise(mxb_error_code(c), mxb_error_message(c)); mxb_error_clear(c); }
 *   mxb_release(y);
 *
 * A ctx serves any number of calls, by one thread at a time. It has its own error, its own stream, and its own
 * temporaries, which are gone when a call returns. The calling thread's scopes and its error (mica.h) are not touched.
 * Arrays and streams are those of mica.h; any thread may use any array.
 *
 * Rules for every function: inputs are borrowed. A result is an owned reference, released by mxb_release, or NULL with
 * the error in ctx. The first error is kept until it is cleared; while one is pending, actions ([action]) return its
 * code and do nothing. An action that fails leaves its outputs untouched. The ctx itself is never NULL. */
#ifndef MICA_BIND_H
#define MICA_BIND_H

#include <mica.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mxi_ctx mxb_ctx; /* opaque */

/* ---- The ctx ----------------------------------------------------------------------------------------------------- */
/** NULL without memory. */
MX_API mxb_ctx *mxb_ctx_new(void);
/** Not while a call on it runs; NULL is fine. */
MX_API void mxb_ctx_free(mxb_ctx *ctx);
/** The pending error: MX_OK and "" if there is none. The text is valid until the next call on ctx. */
MX_API mx_status mxb_error_code(const mxb_ctx *ctx);
MX_API const char *mxb_error_message(const mxb_ctx *ctx);
/** Whether the pending MX_ERR_VALUE is about an axis that is out of range: languages have an exception for that. */
MX_API bool mxb_error_is_axis(const mxb_ctx *ctx);
MX_API void mxb_error_clear(mxb_ctx *ctx);
/** For closures and rules: records an error, if none is pending; returns `code`. */
MX_API mx_status mxb_raise(mxb_ctx *ctx, mx_status code, const char *format, ...) MX_PRINTF(3, 4);
/** Evaluates on `s` from now on (NULL: the default stream, as at first) and returns the stream before. */
MX_API mx_stream mxb_use(mxb_ctx *ctx, mx_stream s);

/** Calls on ctx that evaluate or wait ask `interrupted(user)` about every 20 ms whether to stop, on the calling thread and
 *  with no lock held; it may use mica and ctx, but leaves no error pending. On true they fail with MX_ERR_INTERRUPTED. That is to stop waiting: runs
 *  that were started go on, and their results are there when they come. NULL: never, as at first. */
MX_API void mxb_interrupted_by(mxb_ctx *ctx, bool (*interrupted)(void *user), void *user);

/* ---- References -------------------------------------------------------------------------------------------------- */
MX_API mx_array mxb_retain(mx_array a); /* +1; returns a; NULL is fine */
MX_API void mxb_release(mx_array a);    /* -1; NULL is fine */
/** For closures and rules: gives an owned reference to ctx, which releases it when the call that runs the closure is
 *  over, and returns it as a borrowed one. NULL gives NULL; without memory `a` is released.  [fails: memory] */
MX_API mx_array mxb_lend(mxb_ctx *ctx, mx_array a);
/** References to `a`, those of other nodes included; -1 where other threads hold some, so that nobody knows. */
MX_API int64_t mxb_reference_count(mx_array a);

/* ---- Numbers and memory ------------------------------------------------------------------------------------------ */
/** Literals: weak scalars, as mx_scalar_*.  [fails: memory] */
MX_API mx_array mxb_scalar_b(mxb_ctx *ctx, bool v);
MX_API mx_array mxb_scalar_i(mxb_ctx *ctx, int64_t v);
MX_API mx_array mxb_scalar_f(mxb_ctx *ctx, double v);
MX_API mx_array mxb_scalar_c(mxb_ctx *ctx, double re, double im);
/** 0-d arrays of a dtype; the value is converted as astype does.  [fails: dtype memory] */
MX_API mx_array mxb_constant_i(mxb_ctx *ctx, int64_t v, mx_dtype dtype);
MX_API mx_array mxb_constant_f(mxb_ctx *ctx, double v, mx_dtype dtype);
MX_API mx_array mxb_constant_c(mxb_ctx *ctx, double re, double im, mx_dtype dtype);
/** An array holding a copy of row-major `data`.  [fails: shape dtype value memory] */
MX_API mx_array mxb_from_data(mxb_ctx *ctx, const void *data, mx_ints shape, mx_dtype dtype);
/** An array over `data` itself, which `free_fn(user)` releases when the last user is gone: on any thread, never under a
 *  lock. On failure `free_fn` is not called. `data` must be aligned to the item size.  [fails: shape dtype value memory] */
MX_API mx_array mxb_from_data_managed(mxb_ctx *ctx, void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *user),
                                      void *user);
/** An evaluated array whose elements the caller writes to *data, row-major, before anyone else sees it; until then they
 *  are undefined.  [fails: shape dtype memory] */
MX_API mx_array mxb_allocate(mxb_ctx *ctx, mx_ints shape, mx_dtype dtype, void **data);

/* ---- Asking: mx_dtype_of, mx_ndim, mx_shape, mx_size, mx_nbytes, mx_itemsize and mx_is_evaluated of mica.h do no more
 *      than look at a handle that is not NULL, and serve bindings as they are */
/** The elements, row-major and contiguous, valid while `a` lives; the same pointer at each call. Evaluates.  [action] */
MX_API const void *mxb_data(mxb_ctx *ctx, mx_array a);
/** The one element of `a`, in its dtype.  [action; fails: value] */
MX_API mx_status mxb_item(mxb_ctx *ctx, mx_array a, void *out);
/** The text MLX prints for `a`, cut to `size`. *needed: the length it needs, without the terminator; may be NULL.  [action] */
MX_API mx_status mxb_format(mxb_ctx *ctx, mx_array a, char *buf, size_t size, size_t *needed);
MX_API mx_status mxb_format_with(mxb_ctx *ctx, mx_array a, const mx_format_options *options, char *buf, size_t size, size_t *needed);
/** Elements from one index to the next along each of a's axes, as its memory lies. Evaluates.  [action] */
MX_API mx_status mxb_strides(mxb_ctx *ctx, mx_array a, int64_t *strides);
/** mx_einsum_path.  [action; fails: value shape memory] */
MX_API mx_status mxb_einsum_path(mxb_ctx *ctx, const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2],
                                 mx_einsum_cost *cost);

/* ---- Lending memory out: buffer protocol, DLPack ----------------------------------------------------------------- */
/* An array's memory as it lies, a view's strides included. Who writes into it, where that is allowed, changes every array
 * that shares it. */
typedef struct {
  void *data;           /* the element at index 0, 0, ... */
  const int64_t *shape; /* valid until mxb_export_end */
  mx_dtype dtype;
  int ndim;
  mx_array owner; /* a reference of its own */
  bool is_writable; /* mica's own memory; not the caller's (mxb_from_data_managed), and not a number kept in its node */
} mxb_exported;

/** Evaluates `a`; until mxb_export_end its memory stays where it is, and no later evaluation writes into it. `strides` has
 *  room for a's axes; NULL: not wanted.  [action; fails: memory and what evaluating fails with] */
MX_API mx_status mxb_export(mxb_ctx *ctx, mx_array a, mxb_exported *out, int64_t *strides);
MX_API void mxb_export_end(mxb_exported *e);
/** Whether someone outside may be looking at a's memory: exported, or its pointer was given away (mxb_data, mx_data). */
MX_API bool mxb_is_exported(mx_array a);
/** Whether mica owns a's memory and nobody else sees it: an evaluation that holds the last reference to `a` may write its
 *  result there. */
MX_API bool mxb_is_donatable(mx_array a);
/** What tells the memory block under an evaluated array from others, and its size with what rounding added; NULL and 0
 *  where there is none: not evaluated, or a number kept in its node. */
MX_API const void *mxb_block(mx_array a, size_t *nbytes);

/* ---- Evaluating -------------------------------------------------------------------------------------------------- */
MX_API mx_status mxb_eval(mxb_ctx *ctx, const mx_array *arrays, size_t count);
/** Starts the evaluation on ctx's stream. A run's failure stays on its arrays and is raised where they are read, and by
 *  mxb_synchronize. */
MX_API mx_status mxb_async_eval(mxb_ctx *ctx, const mx_array *arrays, size_t count);
/** mxb_eval for programs that have other things to do: what is expected to be short is done on return (*done), the rest is
 *  started; mxb_wait waits for it. Of a graph of more than 8,192 nodes only the end is left to wait for. Where another run
 *  works on a part of the graph, nothing is started before that is over, in mxb_wait.
 *    mx_status st = mxb_eval_start(c, &a, 1, &done);
 *    while (!st && !done) { if (interrupted()) return give_up(); st = mxb_wait(c, &a, 1, 0.05, &done); }
 *  To give up is to stop waiting: the run goes on, and its results are there when they come. */
MX_API mx_status mxb_eval_start(mxb_ctx *ctx, const mx_array *arrays, size_t count, bool *done);
/** Waits until `arrays` are evaluated (*done), at most `seconds`. Returns MX_OK when time ran out, and a failure once it
 *  is known; what no run works on is done here, or started, as by mxb_eval_start. */
MX_API mx_status mxb_wait(mxb_ctx *ctx, const mx_array *arrays, size_t count, double seconds, bool *done);
/** Waits for ctx's stream; the first failure of the runs that were started through ctx since the last call. */
MX_API mx_status mxb_synchronize(mxb_ctx *ctx);

/* ---- Functions of functions -------------------------------------------------------------------------------------- */
/* A growing list of owned arrays, for functions whose number of results is known when they return. */
typedef struct mxb_list mxb_list;
MX_API mxb_list *mxb_list_new(void); /* NULL without memory */
MX_API void mxb_list_free(mxb_list *list); /* releases what is in it; NULL is fine */
/** Takes over the reference `a`, also where it fails.  [fails: value memory] */
MX_API mx_status mxb_list_add(mxb_ctx *ctx, mxb_list *list, mx_array a);
MX_API size_t mxb_list_count(const mxb_list *list);
MX_API mx_array mxb_list_at(const mxb_list *list, size_t i); /* borrowed; NULL beyond the end */
MX_API void mxb_list_clear(mxb_list *list);

/* Closures are called with the ctx of the call that runs them, and use it for what they do: evaluating in another one
 * would end the graph that is being differentiated. One that fails says why with mxb_raise, or just returns a code.
 * They are called on the calling thread, with no lock held. */
typedef mx_array (*mxb_fn)(mxb_ctx *ctx, const mx_array *args, size_t count, void *user); /* an owned array, or NULL */
typedef mx_status (*mxb_fn_many)(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user);
/* vjps has room for count owned arrays; NULL where no gradient flows. What is there is taken over also on failure. */
typedef mx_status (*mxb_vjp_fn)(mxb_ctx *ctx, const mx_array *primals, size_t count, const mx_array *cotangents,
                                const mx_array *results, size_t result_count, mx_array *vjps, void *user);
/* tangents[i] is NULL where primal i has none. jvps has room for result_count owned arrays, taken over as those of a
 * mxb_vjp_fn; NULL for zeros. */
typedef mx_status (*mxb_jvp_fn)(mxb_ctx *ctx, const mx_array *primals, const mx_array *tangents, size_t count,
                                size_t result_count, mx_array *jvps, void *user);

/** grads[i] = d f(args) / d args[i] for a scalar f.  [action; fails: shape dtype value and what f fails with] */
MX_API mx_status mxb_grad(mxb_ctx *ctx, mxb_fn f, void *user, const mx_array *args, size_t count, mx_array *grads);
MX_API mx_status mxb_value_and_grad(mxb_ctx *ctx, mxb_fn f, void *user, const mx_array *args, size_t count, mx_array *value,
                                    mx_array *grads);
/** Adds f(primals) to `results`; vjps[i] = sum_j cotangents[j] . d results[j] / d primals[i]. Results of stop_gradient need
 *  no cotangent: there is one for each result, or one for each of the others. */
MX_API mx_status mxb_vjp(mxb_ctx *ctx, mxb_fn_many f, void *user, const mx_array *primals, size_t count,
                         const mx_array *cotangents, size_t cotangent_count, mxb_list *results, mx_array *vjps);
/** Adds f(primals) to `results`, and sum_i d results[j] / d primals[i] . tangents[i] to `jvps`. */
MX_API mx_status mxb_jvp(mxb_ctx *ctx, mxb_fn_many f, void *user, const mx_array *primals, const mx_array *tangents,
                         size_t count, mxb_list *results, mxb_list *jvps);
/** Adds f(args) to `results`, differentiated by `vjp` and `jvp` instead of by its operations; where one is NULL, f is run
 *  again and differentiated. Arrays that f reaches in another way than by `args` are constants. The results hold `user`, as
 *  the payload that mxb_visit shows; `release(user)` is due (mxb_drain) when the last of them is gone, on failure too, and
 *  at once where no transform can ask for a derivative, since no argument is one of its tracers or made from one. A rule is
 *  only called by transforms that were running when f was. */
MX_API mx_status mxb_custom_function(mxb_ctx *ctx, mxb_fn_many f, mxb_vjp_fn vjp, mxb_jvp_fn jvp, void *user,
                                     void (*release)(void *user), const mx_array *args, size_t count, mxb_list *results);
/** mxb_custom_function with a `vjp` alone. */
MX_API mx_status mxb_custom_vjp(mxb_ctx *ctx, mxb_fn_many f, mxb_vjp_fn vjp, void *user, void (*release)(void *user),
                                const mx_array *args, size_t count, mxb_list *results);
/** Adds f(args) to `results`; differentiation runs f again instead of keeping its intermediate values. `user` is held as
 *  by mxb_custom_function. */
MX_API mx_status mxb_checkpoint(mxb_ctx *ctx, mxb_fn_many f, void *user, void (*release)(void *user), const mx_array *args,
                                size_t count, mxb_list *results);

/* ---- What a garbage collector must see --------------------------------------------------------------------------- */
/* A graph may hold closures of the binding's (payloads), and those may hold arrays: cycles that counting cannot free. A
 * node with a payload is tainted, and so is whatever is built from it; a collector need not look at other nodes.
 * A payload whose last node is gone goes to a queue, from which mxb_drain hands it to its release function on the calling
 * thread: mica itself never calls one, least of all on a thread of its own or under a lock. */
/** Gives `a` a payload; a node has at most one. On failure `release` is not called.  [fails: value memory] */
MX_API mx_status mxb_attach(mxb_ctx *ctx, mx_array a, void *payload, void (*release)(void *payload));
MX_API void *mxb_payload(mx_array a); /* NULL: none */
MX_API bool mxb_is_tainted(mx_array a);
/** Calls fn(payload, NULL, arg) for a's own payload, then fn(NULL, input, arg) once for each edge to a tainted input, and
 *  stops at the first that is not 0, which it returns. The references fn sees are a's own: one each. Nodes that a run
 *  works on show nothing. Not while another thread is inside a call that evaluates `a` on the spot: a binding that lets go
 *  of its lock to wait calls mxb_eval_start with the lock and only mxb_wait without. */
MX_API int mxb_visit(mx_array a, int (*fn)(void *payload, mx_array input, void *arg), void *arg);
/** Breaks the cycles through `a`, which is garbage: lets go of its payload and its inputs. Who clears several nodes holds
 *  a reference to each until all are cleared. If someone evaluates one after all, that is MX_ERR_STATE. A node that a run
 *  works on is left alone. */
MX_API void mxb_clear(mx_array a);
/** Releases what is in the queue; how many payloads that were. Cheap when it is empty. */
MX_API size_t mxb_drain(void);

/* ---- Random numbers: a NULL key draws from the calling thread's own state, which mx_random_seed restarts ---------- */
MX_API void mxb_random_state(uint32_t key[2]);
MX_API void mxb_random_set_state(const uint32_t key[2]);

/* ---- Files; formats and guarantees are those of mica.h ----------------------------------------------------------- */
MX_API mx_status mxb_save(mxb_ctx *ctx, const char *path, mx_array a);
MX_API mx_array mxb_load(mxb_ctx *ctx, const char *path);
/** mxb_save_named with members that are packed, for smaller files that are written more slowly. */
MX_API mx_status mxb_save_named_deflated(mxb_ctx *ctx, const char *path, const char *const *names, const mx_array *arrays,
                                         size_t count);
MX_API mx_status mxb_save_named(mxb_ctx *ctx, const char *path, const char *const *names, const mx_array *arrays, size_t count);
MX_API mx_status mxb_load_named(mxb_ctx *ctx, const char *path, const char *const *names, mx_array *arrays, size_t count);
/** fn(name, array, user) for each array of an .npz file; `array` is owned by fn. A fn that does not return MX_OK stops. */
MX_API mx_status mxb_load_each(mxb_ctx *ctx, const char *path,
                               mx_status (*fn)(const char *name, mx_array array, void *user), void *user);

/* Files elsewhere: functions of the caller's, which a call uses on the calling thread until it returns. They return MX_OK
 * or the code with which the call is to fail. */
typedef struct {
  mx_status (*write)(void *user, const void *data, size_t nbytes); /* what comes next */
  void *user;
} mxb_sink;
typedef struct {
  mx_status (*read)(void *user, uint64_t offset, void *out, size_t nbytes); /* all of it, which is below `size` */
  uint64_t size;
  void *user;
} mxb_source;
/** Loading reads the elements at once. A sink that fails was given the beginning of a file. */
MX_API mx_status mxb_save_to(mxb_ctx *ctx, const mxb_sink *sink, mx_array a);
MX_API mx_status mxb_save_named_to(mxb_ctx *ctx, const mxb_sink *sink, const char *const *names, const mx_array *arrays,
                                   size_t count, bool deflate);
MX_API mx_array mxb_load_from(mxb_ctx *ctx, const mxb_source *source);
MX_API mx_status mxb_load_each_from(mxb_ctx *ctx, const mxb_source *source,
                                    mx_status (*fn)(const char *name, mx_array array, void *user), void *user);

#ifdef __cplusplus
}
#endif

#include <mica/bind_ops.h>

#endif
