/* Replays every recorded case of tests/golden through the C API, once for each instruction set the machine has, and
 * counts them. Usage: t_golden [FILE...], paths; default: all. An operation without a row in support/golden_*.c fails
 * all its cases. An error that C's types rule out is counted apart, with the reason. Start at main. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/golden_compare.h"

enum { MAX_OPS = 400, SHOWN = 3 };

static struct tally {
  char op[48];
  long passed, failed, unsaid;
} tallies[MAX_OPS];
static size_t tally_count;

static struct tally *tally_of(const char *op) {
  for (size_t i = 0; i < tally_count; i++)
    if (strcmp(tallies[i].op, op) == 0) return &tallies[i];
  if (tally_count == MAX_OPS) return &tallies[MAX_OPS - 1];
  snprintf(tallies[tally_count].op, sizeof tallies->op, "%s", op);
  return &tallies[tally_count++];
}

static long shown_limit(void) {
  const char *text = getenv("MICA_GOLDEN_SHOW");
  return text ? atol(text) : SHOWN;
}

static void replay_case(const char *file, const struct golden_case *c) {
  char reason[400] = "the C API cannot say it", op[48];
  struct golden_call k;
  mx_scope scope = mx_scope_begin();
  bool known = golden_run(c, &k), good = known && !k.unsaid && golden_agrees(&k, reason, sizeof reason);
  snprintf(op, sizeof op, "%s%s%s", c->op, k.op == c->op ? "" : ":", k.op == c->op ? "" : k.op);
  struct tally *t = tally_of(op);
  if (known && k.unsaid && c->error) {
    if (t->unsaid++ == 0) printf("%s:%ld: %s cannot be said in C: %s\n", file, c->line, op, k.unsaid);
  } else if (good) {
    t->passed++;
  } else if (t->failed++ < shown_limit()) {
    printf("%s:%ld: %s: %s\n", file, c->line, op, reason);
  }
  free(k.text);
  mx_error_clear();
  mx_scope_end(scope);
}

static void replay(const char *path) {
  const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  struct golden *g = golden_open(path);
  if (!g) {
    printf("%s: cannot be opened\n", path);
    tally_of(name)->failed++;
    return;
  }
  for (const struct golden_case *c = golden_next(g); c; c = golden_next(g)) replay_case(name, c);
  if (*golden_error(g)) {
    printf("%s: %s\n", name, golden_error(g));
    tally_of(name)->failed++;
  }
  golden_close(g);
}

/* Prints the operations with failures and the sums; the number of failures. */
static long report(const char *set) {
  long passed = 0, failed = 0, unsaid = 0;
  for (size_t i = 0; i < tally_count; i++) {
    const struct tally *t = &tallies[i];
    passed += t->passed;
    failed += t->failed;
    unsaid += t->unsaid;
    if (t->failed) printf("  %-28s %5ld passed %5ld failed\n", t->op, t->passed, t->failed);
  }
  printf("%s: %zu operations, %ld cases cannot be said in C\n", set, tally_count, unsaid);
  printf("%s: %ld passed, %ld failed\n", set, passed, failed);
  fflush(stdout);
  return failed;
}

static long replay_all(char **paths, size_t count) {
  for (size_t i = 0; i < count; i++) replay(paths[i]);
  return report(mx_cpu_name());
}

/* In a process of its own, since the kernel set is chosen once. */
static bool replay_with(const char *set, char **paths, size_t count) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setenv("MICA_CPU", set, 1);
    bool runnable = strcmp(mx_cpu_name(), set) == 0;
    if (!runnable) printf("%s: this machine does not have it\n", set);
    fflush(stdout);
    exit(runnable && replay_all(paths, count) ? EXIT_FAILURE : EXIT_SUCCESS);
  }
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv) {
  glob_t found;
  if (glob(MICA_SOURCE_DIR "/tests/golden/*.txt", 0, NULL, &found)) return EXIT_FAILURE;
  char **paths = argc > 1 ? argv + 1 : found.gl_pathv;
  size_t count = argc > 1 ? (size_t)argc - 1 : found.gl_pathc;
  bool good = true;
  if (getenv("MICA_CPU")) {
    good = replay_all(paths, count) == 0;
  } else {
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) good = replay_with(sets[i], paths, count) && good;
  }
  globfree(&found);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
