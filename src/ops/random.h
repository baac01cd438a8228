/* The calling thread's random state, for bindings. */
#ifndef MXI_OPS_RANDOM_H
#define MXI_OPS_RANDOM_H

#include <stdint.h>

void mxi_random_get_state(uint32_t key[2]); /* seeded from the clock at first use */
void mxi_random_set_state(const uint32_t key[2]);

#endif
