/* What the address sanitizer is told about memory that mica keeps for later: whoever touches it is reported. Nothing in
 * other builds. Both ends of a poisoned range are multiples of eight bytes. */
#ifndef MXI_BASE_POISON_H
#define MXI_BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MXI_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define MXI_ASAN 1
#endif

#ifdef MXI_ASAN
#include <sanitizer/asan_interface.h>
#define MXI_POISON(p, nbytes) __asan_poison_memory_region((p), (nbytes))
#define MXI_UNPOISON(p, nbytes) __asan_unpoison_memory_region((p), (nbytes))
#else
#define MXI_POISON(p, nbytes) ((void)(p), (void)(nbytes))
#define MXI_UNPOISON(p, nbytes) ((void)(p), (void)(nbytes))
#endif

#endif
