/* mica: lazy arrays and function transforms in C. One header for users; <mica/ops.h> holds the operations.
 *
 * A result belongs to the innermost open scope of the calling thread. The first error of a thread is kept until it is
 * taken or cleared, so a chain of calls is checked once, at its end. docs/c-guide.md is the tour. */
#ifndef MICA_H
#define MICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MX_API __attribute__((visibility("default")))
#define MX_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define MX_API
#define MX_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mx_array_ *mx_array; /* a handle; NULL is "no array": what a failed operation returns */
typedef struct mx_stream_ *mx_stream;

#define MX_MAX_NDIM 64 /* axes of one array */

/* Numbers never change meaning. */
typedef enum {
  MX_OK = 0,
  MX_ERR_SHAPE,
  MX_ERR_DTYPE,
  MX_ERR_VALUE,
  MX_ERR_INDEX,
  MX_ERR_TYPE,
  MX_ERR_MEMORY,
  MX_ERR_IO,
  MX_ERR_DEVICE,
  MX_ERR_UNSUPPORTED,
  MX_ERR_STATE,
  MX_ERR_INTERRUPTED
} mx_status;

typedef enum {
  MX_BOOL,
  MX_UINT8,
  MX_UINT16,
  MX_UINT32,
  MX_UINT64,
  MX_INT8,
  MX_INT16,
  MX_INT32,
  MX_INT64,
  MX_FLOAT16,
  MX_FLOAT32,
  MX_FLOAT64,
  MX_BFLOAT16,
  MX_COMPLEX64
} mx_dtype;

/* A list of integers by value: axes, shapes, strides. */
typedef struct {
  const int64_t *at;
  size_t count;
} mx_ints;

#ifdef __cplusplus
} /* MX_INTS is a template there: compound literals die too early in C++ */
#define MX_ALL (mx_ints{nullptr, SIZE_MAX})
#define MX_0D (mx_ints{nullptr, 0})
template <typename... T>
struct mx_ints_holder_ {
  int64_t at[sizeof...(T) ? sizeof...(T) : 1];
  operator mx_ints() const { return mx_ints{at, sizeof...(T)}; }
};
template <typename... T>
inline mx_ints_holder_<T...> mx_ints_of_(T... v) {
  return mx_ints_holder_<T...>{{static_cast<int64_t>(v)...}};
}
#define MX_INTS(...) (mx_ints_of_(__VA_ARGS__))
extern "C" {
#else
#define MX_ALL ((mx_ints){NULL, SIZE_MAX}) /* every axis, where MLX has axis=None; an empty list reduces nothing */
#define MX_0D ((mx_ints){NULL, 0})         /* the shape of a scalar */
#define MX_INTS(...) \
  ((mx_ints){(const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)})
#endif
#define MX_SHAPE(...) MX_INTS(__VA_ARGS__) /* the same thing, for reading */

/* ---- Scopes ------------------------------------------------------------------------------------------------------
 * What has a handle when eval passes through it keeps its value: close the scope first, and eval is free to fuse. */
typedef struct {
  size_t mark;
} mx_scope;

/** Opens a scope on the calling thread.  [never fails] */
MX_API mx_scope mx_scope_begin(void);
/** Releases every result made since `s` was opened. */
MX_API void mx_scope_end(mx_scope s);
/** The same, but hands `result` to the enclosing scope and returns it. */
MX_API mx_array mx_scope_end_keep(mx_scope s, mx_array result);
/** One more reference, for owners outside any scope. Returns `a`. NULL is fine. */
MX_API mx_array mx_retain(mx_array a);
/** One reference less. NULL is fine. */
MX_API void mx_release(mx_array a);
/** `*slot` owns `a` from now on; what it owned is released. A NULL `a` leaves the slot as it was. */
MX_API void mx_set(mx_array *slot, mx_array a);
/** Releases `*slot` and makes it NULL. */
MX_API void mx_clear(mx_array *slot);

/* ---- Errors ------------------------------------------------------------------------------------------------------ */
/** Records an error of the caller's own (for closures) and returns `code`. The first error of a thread is kept. */
MX_API mx_status mx_raise(mx_status code, const char *format, ...) MX_PRINTF(2, 3);
/** The pending error's code, MX_OK if none. Does not clear it. */
MX_API mx_status mx_error(void);
/** The pending error's message, "" if none. Valid until the error is taken or cleared. */
MX_API const char *mx_error_message(void);
/** Copies the message (cut to `size`), clears the error, returns its code. `buf` may be NULL. */
MX_API mx_status mx_error_take(char *buf, size_t size);
MX_API void mx_error_clear(void);

/* ---- From and to C memory; data is row-major --------------------------------------------------------------------- */
MX_API mx_array mx_bool(bool v);
MX_API mx_array mx_i32(int32_t v);
MX_API mx_array mx_i64(int64_t v);
MX_API mx_array mx_f32(float v);
MX_API mx_array mx_f64(double v);
MX_API mx_array mx_c64(float re, float im);
/* Weak scalars, as a Python literal: they take the other operand's dtype if their own kind (bool < integer < float <
 * complex) is not higher, else int32, float32 or complex64 as promotion says. Only integers are range-checked. Alone, a
 * weak scalar is a plain 0-d bool, int32 (int64 if it needs it), float32 or complex64. No result is weak. */
MX_API mx_array mx_scalar_b(bool v);
MX_API mx_array mx_scalar_i(int64_t v);
MX_API mx_array mx_scalar_f(double v);
MX_API mx_array mx_scalar_c(double re, double im);
/** An array holding a copy of `data`.  [fails: shape value memory] */
MX_API mx_array mx_from_data(const void *data, mx_ints shape, mx_dtype dtype);
/** An array over `data` itself, which `free_fn(ctx)` releases when the last user is gone: on any thread, never under a
 *  lock. On failure `free_fn` is not called. `data` must be aligned to the item size.  [fails: shape value memory] */
MX_API mx_array mx_from_data_managed(void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *ctx), void *ctx);
/** The elements, row-major and contiguous, valid while `a` lives; the same pointer at each call. Evaluates; NULL on
 *  error.  [action] */
MX_API const void *mx_data(mx_array a);
/** The one element of `a`, in its dtype.  [action; fails: value] */
MX_API mx_status mx_item(mx_array a, void *out);
/** The one element of `a`, converted; NaN or 0 on error.  [action] */
MX_API float mx_item_f32(mx_array a);
MX_API double mx_item_f64(mx_array a);
MX_API int64_t mx_item_i64(mx_array a);
/** Copies the elements to `out`, which holds exactly `nbytes` = mx_nbytes(a).  [action; fails: value] */
MX_API mx_status mx_copy_to(mx_array a, void *out, size_t nbytes);
/** The text MLX prints for `a`, cut to `size`. Returns the length it needs, as snprintf does.  [action] */
MX_API size_t mx_format(mx_array a, char *buf, size_t size);
typedef struct {
  size_t size;   /* sizeof(mx_format_options) */
  int precision; /* decimals of floats; negative: six significant digits */
} mx_format_options;
/** The same, as `options` say; NULL is the default.  [action; fails: value] */
MX_API size_t mx_format_with(mx_array a, const mx_format_options *options, char *buf, size_t size);

/* ---- Asking; shape and stride lists point into the array and are valid while it lives ---------------------------- */
MX_API mx_dtype mx_dtype_of(mx_array a);
MX_API int mx_ndim(mx_array a);
MX_API mx_ints mx_shape(mx_array a);
/** The length of `axis`, which may count from the end; -1 with MX_ERR_VALUE if out of range. */
MX_API int64_t mx_dim(mx_array a, int axis);
MX_API int64_t mx_size(mx_array a);
MX_API size_t mx_nbytes(mx_array a);
MX_API size_t mx_itemsize(mx_array a);
/** Elements from one index to the next along each axis. Evaluates: a lazy array has no layout yet.  [action] */
MX_API mx_ints mx_strides(mx_array a);
MX_API bool mx_is_evaluated(mx_array a);
MX_API const char *mx_dtype_name(mx_dtype t);
/** The dtype that `a` and `b` promote to. */
MX_API mx_dtype mx_result_type(mx_dtype a, mx_dtype b);
typedef struct {
  size_t step_count;          /* count - 1 */
  int naive_scaling, scaling; /* subscripts of the largest loop: with all operands at once, and in steps */
  double naive_flops, flops;
} mx_einsum_cost;
/** How mx_einsum contracts: each step takes two terms out of the list, counted from 0, and puts their product at its
 *  end. `steps` has room for count - 1 of them. Nothing is computed.  [action; fails: value shape memory] */
MX_API mx_status mx_einsum_path(const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2],
                                mx_einsum_cost *cost);

/* ---- Evaluating -------------------------------------------------------------------------------------------------- */
MX_API mx_status mx_eval(mx_array a);
MX_API mx_status mx_eval_all(const mx_array *as, size_t count);
/** Starts the evaluation. Build errors are returned; a run's failure stays on its arrays and is raised where they are
 *  read, and by mx_synchronize. */
MX_API mx_status mx_async_eval(const mx_array *as, size_t count);
/** Waits for the current stream; the first failure of the caller's runs since its last call. */
MX_API mx_status mx_synchronize(void);

/* ---- Functions of functions: a function takes `count` arrays and a context; on failure it returns NULL or a status - */
typedef mx_array (*mx_fn)(const mx_array *args, void *ctx);
typedef mx_status (*mx_fn_many)(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx);
typedef mx_status (*mx_vjp_fn)(const mx_array *primals, const mx_array *cotangents, const mx_array *results,
                               size_t count, size_t result_count, mx_array *vjps, void *ctx);
/* tangents[i] is NULL where argument i has none; jvps[j] may stay NULL for zeros. */
typedef mx_status (*mx_jvp_fn)(const mx_array *primals, const mx_array *tangents, size_t count, size_t result_count,
                               mx_array *jvps, void *ctx);

/** grads[i] = d f(args) / d args[i] for a scalar f.  [action; fails: shape value and what f fails with] */
MX_API mx_status mx_grad(mx_fn f, void *ctx, const mx_array *args, size_t count, mx_array *grads);
MX_API mx_status mx_value_and_grad(mx_fn f, void *ctx, const mx_array *args, size_t count, mx_array *value,
                                   mx_array *grads);
/** results = f(primals), vjps[i] = sum_j cotangents[j] . d results[j] / d primals[i]. */
MX_API mx_status mx_vjp(mx_fn_many f, void *ctx, const mx_array *primals, size_t count, const mx_array *cotangents,
                        size_t result_count, mx_array *results, mx_array *vjps);
/** results = f(primals), jvps[j] = sum_i d results[j] / d primals[i] . tangents[i]. */
MX_API mx_status mx_jvp(mx_fn_many f, void *ctx, const mx_array *primals, const mx_array *tangents, size_t count,
                        mx_array *results, size_t result_count, mx_array *jvps);
/** f(args), differentiated by `vjp` and `jvp` instead of by its operations; where one is NULL, f is run again and
 *  differentiated. Arrays that f reaches in another way than by `args` are constants. */
MX_API mx_status mx_custom_function(mx_fn_many f, mx_vjp_fn vjp, mx_jvp_fn jvp, void *ctx, const mx_array *args, size_t count,
                                    mx_array *results, size_t result_count);
/** mx_custom_function with a `vjp` alone. */
MX_API mx_status mx_custom_vjp(mx_fn_many f, mx_vjp_fn vjp, void *ctx, const mx_array *args, size_t count,
                               mx_array *results, size_t result_count);
/** f(args); differentiation runs f again instead of keeping its intermediate values. */
MX_API mx_status mx_checkpoint(mx_fn_many f, void *ctx, const mx_array *args, size_t count, mx_array *results,
                               size_t result_count);

/* ---- Random numbers: the operations are in <mica/ops.h>; a NULL key draws from the thread's own state ------------- */
/** Restarts the calling thread's state; without it, the time does. */
MX_API void mx_random_seed(uint64_t seed);

/* ---- Files ------------------------------------------------------------------------------------------------------- */
/** Writes `a` as .npy, atomically: a failure leaves the old file whole.  [action; fails: io] */
MX_API mx_status mx_save(const char *path, mx_array a);
/** Reads a .npy file. The header is validated now, the elements are read when evaluated.  [fails: io value memory] */
MX_API mx_array mx_load(const char *path);
/** Writes named arrays as .npz (a zip archive of .npy members, stored), atomically. */
MX_API mx_status mx_save_named(const char *path, const char *const *names, const mx_array *arrays, size_t count);
/** arrays[i] = the member called names[i] of an .npz file, stored or deflated. */
MX_API mx_status mx_load_named(const char *path, const char *const *names, mx_array *arrays, size_t count);

/* ---- The machine ------------------------------------------------------------------------------------------------- */
MX_API mx_stream mx_stream_new(void);
MX_API void mx_stream_free(mx_stream s);
MX_API mx_stream mx_default_stream(void);
/** Makes `s` the thread's current stream and returns the one before. */
MX_API mx_stream mx_use(mx_stream s);
/** Threads that share one evaluation; at least 1. The default is what the process may use; also MICA_THREADS. */
MX_API void mx_set_num_threads(int n);
MX_API int mx_num_threads(void);

typedef struct {
  size_t active, peak, cached, limit; /* bytes */
} mx_memory;
MX_API mx_memory mx_memory_info(void);
/** At most `bytes` of array memory; 0 lifts the limit. */
MX_API mx_status mx_memory_limit(size_t bytes);
MX_API void mx_memory_clear_cache(void);
/** Memory that is given back is kept for later, at most `bytes` of it (1 GiB at first); returns the limit before. */
MX_API size_t mx_memory_cache_limit(size_t bytes);
/** `peak` starts again from 0. */
MX_API void mx_memory_reset_peak(void);

/** An allocator for array memory, before first use. `alloc` returns 64-byte aligned memory or NULL. */
MX_API mx_status mx_set_allocator(void *(*alloc)(size_t nbytes, void *ctx), void (*release)(void *p, size_t nbytes, void *ctx),
                                  void *ctx);
/** Receives what mica has to say (silent otherwise; MICA_LOG sends it to stderr). NULL stops it. */
MX_API void mx_set_log(void (*fn)(const char *topic, const char *message, void *ctx), void *ctx);
MX_API const char *mx_version(void);
/** The kernel set in use: "baseline", "avx2" or "avx512". */
MX_API const char *mx_cpu_name(void);

#ifdef __cplusplus
}
template <typename... A>
inline mx_status mx_eval_many(A... a) {
  const mx_array list[] = {a...};
  return mx_eval_all(list, sizeof...(a));
}
#else
#define mx_eval_many(...) \
  mx_eval_all((const mx_array[]){__VA_ARGS__}, sizeof((const mx_array[]){__VA_ARGS__}) / sizeof(mx_array))
#endif

#include <mica/ops.h>

#endif
