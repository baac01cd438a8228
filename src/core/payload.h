/* What a language binding hangs on nodes: closures, as far as its garbage collector must see them. When the last node
 * lets go of a payload, it goes to a queue; only mxi_payload_drain runs a release function. */
#ifndef MXI_CORE_PAYLOAD_H
#define MXI_CORE_PAYLOAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct mxi_payload {
  _Atomic int64_t refs;
  void *data;
  void (*release)(void *data); /* may be NULL */
  struct mxi_payload *next;    /* in the queue */
};

struct mxi_payload *mxi_payload_new(void *data, void (*release)(void *data)); /* one reference; NULL without memory */
struct mxi_payload *mxi_payload_retain(struct mxi_payload *p);
void mxi_payload_release(struct mxi_payload *p); /* NULL is fine; takes no lock, runs nothing */
size_t mxi_payload_drain(void);

#endif
