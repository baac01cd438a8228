/* Registration. Tables are filled under the lock before a number is handed out, and an entry in use never changes, so
 * that readers need no lock: they have the number from whoever registered. Start at mxi_prim_register. */
#include "run/registry.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int next_op = MXI_OP_COUNT; /* written under the lock */

/* mica's own, kept aside from the first mx_backend_use on. */
static struct mx_backend own;
static struct mx_kernel own_kernels[MX_OP_MAX];

void mxi_registry_before_fork(void) { pthread_mutex_lock(&lock); }
void mxi_registry_after_fork(void) { pthread_mutex_unlock(&lock); }

/* Copies a struct that begins with its size, as an older or newer header declares it; false if it says more than is
 * known here. */
static bool copy_sized(void *to, size_t known, const void *from) {
  size_t size;
  memcpy(&size, from, sizeof size);
  if (size < sizeof size) return false;
  memset(to, 0, known);
  memcpy(to, from, size < known ? size : known);
  for (size_t i = known; i < size; i++)
    if (((const char *)from)[i]) return false;
  return true;
}

/* ---- Primitives -------------------------------------------------------------------------------------------------- */
static size_t field_nbytes(const struct mx_field *f) {
  switch (f->type) {
    case MX_FIELD_I64: return 8;
    case MX_FIELD_I32: return 4;
    case MX_FIELD_INTS64: return 8 * MX_MAX_NDIM;
    case MX_FIELD_INTS32: return 4 * MX_MAX_NDIM;
    default: return SIZE_MAX;
  }
}

static mx_status check_fields(struct mxi_ctx *c, const struct mx_prim *p) {
  for (const struct mx_field *f = p->fields; f && f->role != MX_FIELD_END; f++) {
    size_t n = field_nbytes(f);
    const char *name = f->name ? f->name : "?";
    if (n == SIZE_MAX || f->role > MX_FIELD_IDENTITY)
      return mxi_fail_status(c, MX_ERR_VALUE, "[prim_register] %s: field `%s` has an unknown role or type", p->name, name);
    if (f->offset % (f->type == MX_FIELD_I64 || f->type == MX_FIELD_INTS64 ? 8 : 4) || f->offset + n > p->params_size)
      return mxi_fail_status(c, MX_ERR_VALUE, "[prim_register] %s: field `%s` does not lie in %u bytes of parameters", p->name, name,
                             p->params_size);
  }
  return MX_OK;
}

#define PARAMS_MAX (1 << 20) /* more is data, and belongs in an input */

static mx_status check_prim(struct mxi_ctx *c, const struct mx_prim *p, const struct mx_kernel *kernel) {
  if (!p->name || !*p->name) return mxi_fail_status(c, MX_ERR_VALUE, "[prim_register] a primitive has a name");
  const char *wrong = NULL;
  uint32_t known = MX_PRIM_VIEW | MX_PRIM_BARRIER | MX_PRIM_INPLACE | MX_PRIM_FALLIBLE | MX_PRIM_NODIFF | MX_PRIM_PURE;
  if (p->flags & ~known) wrong = "flags that are not for registered primitives";
  if (p->params_size > PARAMS_MAX || p->output_count > MXI_PRIM_OUTPUTS_MAX) wrong = "too many parameters or outputs";
  if (!p->shape) wrong = "no shape rule";
  if (!p->fallback && !(kernel && kernel->run) && !(p->flags & MX_PRIM_VIEW)) wrong = "neither a kernel nor a fallback";
  if ((p->flags & MX_PRIM_VIEW) && (!p->view || p->output_count > 1)) wrong = "MX_PRIM_VIEW needs a view rule and one output";
  if ((p->flags & MX_PRIM_INPLACE) && p->output_count > 1) wrong = "MX_PRIM_INPLACE needs one output";
  if ((p->params_retain || p->params_free) && p->params_size <= 8) wrong = "counted parameters take more than 8 bytes";
  if (wrong) return mxi_fail_status(c, MX_ERR_VALUE, "[prim_register] %s: %s", p->name, wrong);
  return check_fields(c, p);
}

static int find(const char *name) {
  for (int op = 1; op < next_op; op++)
    if (mxi_prims[op] && !strcmp(mxi_prims[op]->name, name)) return op;
  return 0;
}

int mxi_prim_find(const char *name) {
  pthread_mutex_lock(&lock);
  int op = find(name);
  pthread_mutex_unlock(&lock);
  return op;
}

bool mxi_prim_is_registered(int op) { return op >= MXI_OP_COUNT && op < next_op; }

int mxi_prim_register(struct mxi_ctx *c, const struct mx_prim *prim, const struct mx_kernel *kernel) {
  if (!prim) {
    mxi_null(c, "prim_register", "prim");
    return 0;
  }
  struct mx_prim p;
  if (!copy_sized(&p, sizeof p, prim)) {
    mxi_fail(c, MX_ERR_VALUE, "[prim_register] the struct's size is wrong, or it says what this version does not know");
    return 0;
  }
  if (check_prim(c, &p, kernel)) return 0;
  size_t n = strlen(p.name) + 1;
  char *block = mxi_malloc(sizeof p + n); /* for as long as the program runs */
  if (!block) {
    mxi_fail_memory(c, "prim_register");
    return 0;
  }
  p.name = memcpy(block + sizeof p, p.name, n);
  p.size = sizeof p;
  memcpy(block, &p, sizeof p);
  pthread_mutex_lock(&lock);
  int op = find(p.name) || next_op == MX_OP_MAX ? 0 : next_op;
  bool taken = !op && next_op < MX_OP_MAX;
  if (op) {
    mxi_prims[op] = (const struct mx_prim *)block;
    if (kernel) mxi_kernels[op] = own_kernels[op] = *kernel;
    next_op++;
  }
  pthread_mutex_unlock(&lock);
  if (op) return op;
  mxi_fail(c, MX_ERR_VALUE, taken ? "[prim_register] there is a primitive called %.80s already" : "[prim_register] %.80s is one too many",
           p.name);
  mxi_free(block);
  return 0;
}

/* ---- Backends ---------------------------------------------------------------------------------------------------- */
static mx_status check_backend(struct mxi_ctx *c, const struct mx_backend *b) {
  if (b->kernel_count > MX_OP_MAX) return mxi_fail_status(c, MX_ERR_VALUE, "[backend_use] more than %d kernels", MX_OP_MAX);
  if (b->kernel_count && !b->kernels) {
    mxi_null(c, "backend_use", "kernels");
    return c->code;
  }
  return MX_OK;
}

/* Whether what a fused reduction does is no longer what its parts do. */
static bool replaces_parts(const struct mx_backend *b) {
  for (size_t i = 0; i < b->kernel_count; i++)
    if (b->kernels[i].run && mxi_plan_is_reduction((int)i)) return true;
  return b->elementwise != NULL;
}

mx_status mxi_backend_use(struct mxi_ctx *c, const struct mx_backend *backend) {
  struct mx_backend b = {.size = sizeof b};
  if (backend && !copy_sized(&b, sizeof b, backend))
    return mxi_fail_status(c, MX_ERR_VALUE, "[backend_use] the struct's size is wrong, or it says what this version does not know");
  if (check_backend(c, &b)) return c->code;
  pthread_mutex_lock(&lock);
  if (!own.size) {
    own = mxi_backend;
    memcpy(own_kernels, mxi_kernels, MXI_OP_COUNT * sizeof *own_kernels);
  }
  for (size_t i = 0; i < MX_OP_MAX; i++) mxi_kernels[i] = i < b.kernel_count && b.kernels[i].run ? b.kernels[i] : own_kernels[i];
  mxi_backend.elementwise = b.elementwise ? b.elementwise : own.elementwise;
  mxi_backend.linear = b.linear ? b.linear : own.linear;
  mxi_backend.reduce = b.reduce ? b.reduce : replaces_parts(&b) ? NULL : own.reduce;
  pthread_mutex_unlock(&lock);
  mxi_plan_cache_clear(); /* plans know how much scratch the kernels before needed */
  return MX_OK;
}
