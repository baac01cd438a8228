/* mica/bind.h: memory that is lent out to be written to, arrays filled by the caller, files that are functions of the
 * caller's, and every allocation of these failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica/bind.h>

#include "base/memory.h"
#include "core/thread.h"

static mxb_ctx *c;

static int setup(void **state) {
  (void)state;
  return (c = mxb_ctx_new()) == NULL;
}

static int teardown(void **state) {
  (void)state;
  bool clean = !mxb_error_code(c);
  mxb_ctx_free(c);
  return !clean;
}

static void expect(mx_status code, const char *part) {
  if (mxb_error_code(c) != code || !strstr(mxb_error_message(c), part))
    fail_msg("error %d, \"%s\", not %d with \"%s\"", mxb_error_code(c), mxb_error_message(c), code, part);
  mxb_error_clear(c);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */
static void allocated_arrays_hold_what_the_caller_writes(void **state) {
  (void)state;
  void *data = NULL;
  mx_array a = mxb_allocate(c, MX_INTS(2, 3), MX_INT32, &data);
  assert_non_null(a);
  assert_true(mx_is_evaluated(a) && mxb_is_donatable(a));
  for (int i = 0; i < 6; i++) ((int32_t *)data)[i] = i;
  mx_array sum = mxb_sum(c, a, MX_ALL, false);
  assert_int_equal(*(const int32_t *)mxb_data(c, sum), 15);
  mxb_release(sum);
  mxb_release(a);
  assert_null(mxb_allocate(c, MX_INTS(2), MX_INT32, NULL));
  expect(MX_ERR_VALUE, "`data`");
  assert_null(mxb_allocate(c, MX_INTS(-2), MX_INT32, &data));
  expect(MX_ERR_SHAPE, "[allocate]");
  assert_null(mxb_allocate(c, MX_INTS(1), (mx_dtype)77, &data));
  expect(MX_ERR_DTYPE, "[allocate]");
}

static void what_is_written_from_outside_is_read(void **state) {
  (void)state;
  mx_array a = mxb_arange(c, 0, 6, 1, MX_FLOAT32), m = mxb_reshape(c, a, MX_INTS(2, 3)), t = mxb_transpose(c, m, MX_ALL);
  assert_int_equal(mxb_eval(c, (mx_array[]){m, t}, 2), MX_OK);
  const float *kept = mxb_data(c, t); /* a row-major copy beside the view */
  assert_true(kept[1] == 3);
  mxb_exported e;
  assert_int_equal(mxb_export(c, m, &e, NULL), MX_OK);
  assert_true(e.is_writable);
  ((float *)e.data)[3] = 30;
  mxb_export_end(&e);
  assert_ptr_equal(mxb_data(c, t), kept);
  assert_true(kept[1] == 30);
  mx_array all[] = {a, m, t};
  for (int k = 0; k < 3; k++) mxb_release(all[k]);
}

static void numbers_and_memory_of_others_are_not_to_be_written_to(void **state) {
  (void)state;
  static float data[3] = {1, 2, 3};
  mx_array lists[] = {mxb_constant_f(c, 7, MX_FLOAT32), mxb_from_data_managed(c, data, MX_INTS(3), MX_FLOAT32, NULL, NULL)};
  for (int k = 0; k < 2; k++) {
    mxb_exported e;
    assert_int_equal(mxb_export(c, lists[k], &e, NULL), MX_OK);
    assert_false(e.is_writable);
    mxb_export_end(&e);
    mxb_release(lists[k]);
  }
}

static void blocks_are_told_apart(void **state) {
  (void)state;
  mx_array a = mxb_zeros(c, MX_INTS(100), MX_FLOAT32), one = mxb_constant_f(c, 1, MX_FLOAT32), b = mxb_add(c, a, one);
  mx_array part = mxb_slice(c, b, MX_INTS(10), MX_INTS(60), MX_INTS(1));
  size_t nbytes = 1;
  assert_true(!mxb_block(b, &nbytes) && !nbytes);
  assert_int_equal(mxb_eval(c, (mx_array[]){a, b, part}, 3), MX_OK);
  assert_ptr_equal(mxb_block(b, &nbytes), mxb_block(part, NULL));
  assert_true(nbytes >= 400 && mxb_block(a, NULL) != mxb_block(b, NULL));
  assert_true(!mxb_block(one, &nbytes) && !nbytes && !mxb_block(NULL, NULL));
  mx_array all[] = {a, one, b, part};
  for (int k = 0; k < 4; k++) mxb_release(all[k]);
}

static void the_cache_keeps_its_limit_and_the_peak_starts_again(void **state) {
  (void)state;
  void *data;
  size_t before = mx_memory_cache_limit(0);
  mxb_release(mxb_allocate(c, MX_INTS(1 << 20), MX_FLOAT32, &data));
  assert_int_equal(mx_memory_info().cached, 0);
  assert_true(mx_memory_info().peak >= 1 << 22);
  mx_memory_reset_peak();
  assert_true(mx_memory_info().peak < 1 << 22);
  assert_int_equal(mx_memory_cache_limit(before), 0);
  mxb_release(mxb_allocate(c, MX_INTS(1 << 20), MX_FLOAT32, &data));
  assert_true(mx_memory_info().cached >= 1 << 22);
  mx_memory_cache_limit(1 << 20);
  assert_int_equal(mx_memory_info().cached, 0);
  mx_memory_cache_limit(before);
}

/* ---- Files elsewhere --------------------------------------------------------------------------------------------- */
struct tape {
  char bytes[1 << 16];
  size_t size, reads, refused; /* reads: that are still served */
  size_t room; /* of writes; beyond it they fail */
};

static mx_status tape_write(void *user, const void *data, size_t nbytes) {
  struct tape *t = user;
  if (nbytes > t->room - t->size) return MX_ERR_INTERRUPTED;
  memcpy(t->bytes + t->size, data, nbytes);
  t->size += nbytes;
  return MX_OK;
}

static mx_status tape_read(void *user, uint64_t offset, void *out, size_t nbytes) {
  struct tape *t = user;
  t->refused += !t->reads;
  if (!t->reads) return MX_ERR_INTERRUPTED;
  t->reads--;
  assert_true(offset + nbytes <= t->size);
  memcpy(out, t->bytes + offset, nbytes);
  return MX_OK;
}

static struct tape tape;
static const mxb_sink sink = {tape_write, &tape};

static mxb_source source_of_tape(void) { return (mxb_source){tape_read, tape.size, &tape}; }
static void rewind_tape(void) { tape.size = 0, tape.room = sizeof tape.bytes, tape.reads = SIZE_MAX; }

static mx_array matrix(void) {
  static const float v[6] = {1, 2, 3, 4, 5, 6};
  return mxb_from_data(c, v, MX_INTS(2, 3), MX_FLOAT32);
}

static mx_status add_up(const char *name, mx_array a, void *user) {
  mx_array sum = mxb_sum(c, a, MX_ALL, false);
  const float *p = sum ? mxb_data(c, sum) : NULL;
  *(double *)user += (p ? *p : 0) * (name[0] == 'a' ? 1 : 100);
  mxb_release(sum);
  mxb_release(a);
  return p ? MX_OK : MX_ERR_STATE;
}

static void arrays_go_through_functions_of_the_caller(void **state) {
  (void)state;
  rewind_tape();
  mx_array m = matrix();
  assert_int_equal(mxb_save_to(c, &sink, m), MX_OK);
  mxb_source s = source_of_tape();
  mx_array back = mxb_load_from(c, &s);
  tape.size = 0; /* the elements are there already */
  assert_true(mx_is_evaluated(back));
  assert_memory_equal(mxb_data(c, back), mxb_data(c, m), 24);
  for (int deflate = 0; deflate < 2; deflate++) {
    double sum = 0;
    rewind_tape();
    assert_int_equal(mxb_save_named_to(c, &sink, (const char *const[]){"a", "b"}, (mx_array[]){m, back}, 2, deflate), MX_OK);
    s = source_of_tape();
    assert_int_equal(mxb_load_each_from(c, &s, add_up, &sum), MX_OK);
    assert_true(sum == 21 + 2100);
  }
  mxb_release(m);
  mxb_release(back);
}

static void functions_that_fail_end_the_call(void **state) {
  (void)state;
  mx_array m = matrix();
  const char *const names[] = {"a"};
  for (tape.room = 0; tape.room < 100; tape.room += 33) {
    tape.size = 0;
    assert_int_equal(mxb_save_to(c, &sink, m), MX_ERR_INTERRUPTED);
    expect(MX_ERR_INTERRUPTED, "[save] writing failed");
    tape.size = 0;
    assert_int_equal(mxb_save_named_to(c, &sink, names, &m, 1, true), MX_ERR_INTERRUPTED);
    expect(MX_ERR_INTERRUPTED, "[save_named] writing failed");
  }
  rewind_tape();
  assert_int_equal(mxb_save_named_to(c, &sink, names, &m, 1, true), MX_OK);
  mxb_source s = source_of_tape();
  double sum = 0;
  for (size_t reads = 0; reads < 4; reads++) {
    tape.reads = reads;
    tape.refused = 0;
    assert_int_equal(mxb_load_each_from(c, &s, add_up, &sum), MX_ERR_INTERRUPTED);
    expect(MX_ERR_INTERRUPTED, "reading failed");
    assert_int_equal(tape.refused, 1);
  }
  for (size_t reads = 0; reads < 2; reads++) {
    tape.reads = reads;
    mx_array none = mxb_load_from(c, &s);
    assert_null(none);
    expect(reads ? MX_ERR_IO : MX_ERR_INTERRUPTED, reads ? "an archive" : "reading failed");
  }
  rewind_tape();
  assert_int_equal(mxb_save_to(c, &sink, m), MX_OK);
  s = source_of_tape();
  for (size_t reads = 0; reads < 4; reads++) {
    tape.reads = reads;
    tape.refused = 0;
    assert_null(mxb_load_from(c, &s));
    expect(MX_ERR_INTERRUPTED, "reading failed");
    assert_int_equal(tape.refused, 1); /* nothing is asked for after that */
  }
  assert_null(mxb_load_from(c, NULL));
  expect(MX_ERR_VALUE, "`source`");
  assert_int_equal(mxb_save_to(c, NULL, m), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`sink`");
  assert_int_equal(mxb_load_each_from(c, &s, NULL, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`fn`");
  mxb_release(m);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  mx_array m = matrix();
  int64_t live = mxi_live_nodes();
  for (int64_t nth = 1;; nth++) {
    double sum = 0;
    rewind_tape();
    mxi_memory_fail_at(nth);
    mx_status st = mxb_save_named_to(c, &sink, (const char *const[]){"a"}, &m, 1, true);
    mxb_source s = source_of_tape();
    if (!st) st = mxb_load_each_from(c, &s, add_up, &sum);
    bool was_reached = mxi_memory_count() >= nth;
    mxi_memory_fail_at(0);
    if (!was_reached) {
      assert_true(!st && sum == 21);
      break;
    }
    if (st) assert_int_equal(st, mxb_error_code(c));
    mxb_error_clear(c);
    assert_int_equal(mxi_live_nodes(), live);
  }
  mxb_release(m);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(allocated_arrays_hold_what_the_caller_writes),
      TEST(what_is_written_from_outside_is_read),
      TEST(numbers_and_memory_of_others_are_not_to_be_written_to),
      TEST(blocks_are_told_apart),
      TEST(the_cache_keeps_its_limit_and_the_peak_starts_again),
      TEST(arrays_go_through_functions_of_the_caller),
      TEST(functions_that_fail_end_the_call),
      TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
