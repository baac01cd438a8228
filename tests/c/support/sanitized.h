/* Tests that go through many sizes and dtypes of one kernel, and the address and thread sanitizers: these make a kernel
 * ten to fifty times as slow, and see its mistake at any size of its kind. There such loops take every n-th of what they
 * go through, with EVERY(n) as their step: from another start for another dtype, so that each size and each dtype is
 * still met, though no longer all pairs of them. */
#ifndef MICA_TESTS_SUPPORT_SANITIZED_H
#define MICA_TESTS_SUPPORT_SANITIZED_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MICA_TESTS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(MICA_TESTS_SANITIZED)
#define EVERY(n) ((size_t)(n))
#else
#define EVERY(n) ((size_t)1)
#endif

#endif
