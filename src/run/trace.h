/* The timeline of MICA_TRACE: one line of JSON an event, in the trace-event format that Perfetto opens. */
#ifndef MXI_RUN_TRACE_H
#define MXI_RUN_TRACE_H

#include <stdbool.h>
#include <stdint.h>

extern _Atomic int8_t mxi_trace_state; /* 0: not asked yet, 1: off, 2: on */
int64_t mxi_trace_start(void);

/* Nanoseconds, 0 when tracing is off. */
static inline int64_t mxi_trace_begin(void) { return mxi_trace_state == 1 ? 0 : mxi_trace_start(); }
void mxi_trace_end(int64_t started, const char *name, bool fused);

#endif
