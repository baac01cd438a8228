/* Prints what follows from the operation tables, and checks the tables while it is at it. A host program without
 * dependencies; its output is committed. Build: cc -std=gnu11 -Isrc -Iinclude tools/opgen.c -o opgen
 *   opgen         checks the tables and prints the names of the files it makes, relative to the root of the tree
 *   opgen NAME    prints that file
 * Start at main. */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The tables -------------------------------------------------------------------------------------------------- */
enum rule { SAME, FLOAT, REAL, COMPARE, LOGIC, BITS, SHIFT, PRED, SELECT, ENCODE, DECODE };
enum row_kind { ROW_OP, ROW_K, ROW_D };
struct row {
  enum row_kind kind;
  const char *name, *text, *detail; /* OP: doc, args. K: formula, class. D: partial */
  int number;                       /* OP: arity. D: operand */
  enum rule rule;
};
static const struct row rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) {ROW_OP, #name, doc, NULL, arity, rule},
#define K(name, class, formula)                 {ROW_K, #name, #formula, #class, 0, SAME},
#define D(name, operand, partial)               {ROW_D, #name, #partial, NULL, operand, SAME},
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};
enum { ROWS = sizeof rows / sizeof *rows };

struct op {
  const char *name, *args, *doc;
  bool by_hand;
};
static const struct op ops[] = {
#define OP(name, args, doc)   {#name, args, doc, false},
#define HAND(name, args, doc) {#name, args, doc, true},
#include "ops/ops.def"
#undef OP
#undef HAND
};
enum { OPS = sizeof ops / sizeof *ops };

struct example {
  const char *name, *expression, *result;
};
static const struct example examples[] = {
#define EXAMPLE(name, expression, result) {#name, expression, result},
#include "ops/examples.def"
#undef EXAMPLE
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static int failures;
static void fail(const char *name, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s: ", name);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  failures++;
}

/* ---- Checking the rows of elementwise.def -------------------------------------------------------------------------
 */
static const struct {
  const char *name, *classes; /* every dtype class it stands for */
} classes[] = {{"B", "B"}, {"U", "U"},  {"S", "S"}, {"I", "US"},     {"F", "F"},
               {"D", "D"}, {"R", "FD"}, {"L", "FD"}, {"Q", "FD"}, {"C", "C"}, {"A", "BUSFDC"}, {"E", "U"}};

static const char *class_letters(const char *class) {
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (!strcmp(classes[i].name, class)) return classes[i].classes;
  return "";
}

/* What a rule hands to formulas; a row may refuse bool and complex by leaving them out. */
static const char *needed(enum rule rule) {
  switch (rule) {
  case FLOAT: return "FD";
  case LOGIC: return "B";
  case BITS:
  case SHIFT: return "US";
  case SELECT: return "BUSFDC";
  case ENCODE: return "FD";
  case DECODE: return "U";
  default: return "USFD";
  }
}

static const char *const words[] = {
#include "words.def"
};

/* What SCALAR may name beside a formula: instruction sets, and dtypes of the formula's class. */
static bool is_mark(const char *letters, const char *word) {
  static const char *const marks[] = {"baseline", "avx2", "avx512"};
  static const char *const suffixes[] = {"Bb8", "Uu8", "Uu16", "Uu32", "Uu64", "Si8", "Si16", "Si32", "Si64", "Ff32", "Df64"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (!strcmp(word, marks[i])) return true;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (strchr(letters, suffixes[i][0]) && !strcmp(word, suffixes[i] + 1)) return true;
  return false;
}

/* Checks the list in SCALAR(formula, list) and returns where the formula ends. */
static const char *check_marks(const struct row *k) {
  static const char head[] = "SCALAR(";
  const char *p = k->text + sizeof head - 1;
  if (strncmp(k->text, head, sizeof head - 1)) return k->text + strlen(k->text);
  for (int depth = 0; *p && (depth || (*p != ',' && *p != ')')); p++) depth += (*p == '(') - (*p == ')');
  const char *end = p;
  while (*p == ',') {
    char word[16] = "";
    int used = 0;
    if (sscanf(p, ", %15[a-z0-9]%n", word, &used) != 1 || !is_mark(class_letters(k->detail), word)) {
      fail(k->name, "K %s: SCALAR names %s, which is neither a set nor a dtype of the class", k->detail, word);
      break;
    }
    p += used;
  }
  return end;
}

static void check_formula(const struct row *k) {
  const char *end = check_marks(k);
  for (const char *p = k->text; p < end;) {
    if (isdigit((unsigned char)*p)) {
      char *rest;
      strtod(p, &rest);
      for (p = rest; isalnum((unsigned char)*p); p++) {}
      continue;
    }
    if (!isalpha((unsigned char)*p) && *p != '_') {
      p++;
      continue;
    }
    size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    bool is_known = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
      is_known |= strlen(words[i]) == n && !strncmp(p, words[i], n);
    if (!is_known) fail(k->name, "K %s uses the unknown word %.*s", k->detail, (int)n, p);
    p += n;
  }
}

static bool is_differentiable(enum rule rule) {
  return rule == SAME || rule == FLOAT || rule == REAL || rule == SELECT;
}

static void check_row(const struct row *op) {
  char have[32] = "";
  bool has_d[3] = {false};
  for (int i = 0; i < ROWS; i++) {
    if (rows[i].kind == ROW_OP || strcmp(rows[i].name, op->name)) continue;
    if (rows[i].kind == ROW_D) {
      if (rows[i].number < op->number)
        has_d[rows[i].number] = true;
      else
        fail(op->name, "D of an operand it does not have");
      continue;
    }
    const char *letters = class_letters(rows[i].detail);
    if (!*letters) fail(op->name, "unknown class %s", rows[i].detail);
    if (!strcmp(rows[i].detail, "A") != (op->rule == SELECT)) fail(op->name, "class A goes with rule SELECT");
    for (; *letters; letters++) {
      if (strchr(have, *letters)) fail(op->name, "two formulas for class %c", *letters);
      strncat(have, letters, 1);
    }
    check_formula(&rows[i]);
  }
  for (const char *n = needed(op->rule); *n; n++)
    if (!strchr(have, *n)) fail(op->name, "no formula for class %c", *n);
  for (int j = op->rule == SELECT; j < op->number; j++)
    if (is_differentiable(op->rule) && !has_d[j]) fail(op->name, "no D for operand %d", j);
}

static void check_rows(void) {
  const char *current = "";
  for (int i = 0; i < ROWS; i++) {
    if (rows[i].kind == ROW_OP) {
      current = rows[i].name;
      check_row(&rows[i]);
    } else if (strcmp(rows[i].name, current)) {
      fail(rows[i].name, "stands under %s", current);
    }
  }
}

/* ---- Signatures ---------------------------------------------------------------------------------------------------
 */
struct arg {
  char kind[16], name[32], count[96]; /* count: of results */
};
enum { MAX_ARGS = 16 };

static const struct {
  const char *kind, *type;
} kinds[] = {
    {"array", "mx_array "}, {"optarray", "mx_array "},      {"axis", "int "},        {"int", "int "},
    {"axes", "mx_ints "},   {"ints", "mx_ints "},           {"shape", "mx_ints "},           {"optshape", "mx_ints "},
      {"bool", "bool "},
    {"i64", "int64_t "},    {"u64", "uint64_t "},           {"f32", "float "},       {"f64", "double "},
    {"dtype", "mx_dtype "}, {"arrays", "const mx_array *"}, {"str", "const char *"}, {"results", "mx_array *"}};

static const char *type_of(const struct op *op, const char *kind) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].kind, kind)) return kinds[i].type;
  fail(op->name, "unknown kind of argument: %s", kind);
  return "int ";
}

static int parse(const struct op *op, struct arg *args) {
  int n = 0;
  for (const char *p = op->args; *p && n < MAX_ARGS; n++) {
    int used = 0;
    args[n] = (struct arg){0};
    if (sscanf(p, " %15[a-z0-9] %31[a-z0-9_]%n", args[n].kind, args[n].name, &used) != 2) {
      fail(op->name, "cannot read \"%s\"", p);
      break;
    }
    p += used;
    if (*p == '[') {
      const char *end = strrchr(p, ']');
      if (!end || end - p > (long)sizeof args[n].count) {
        fail(op->name, "bad count");
        break;
      }
      memcpy(args[n].count, p + 1, (size_t)(end - p - 1));
      p = end + 1;
    }
    p += strspn(p, ", ");
  }
  if (n && !strcmp(args[n - 1].kind, "results") != (args[n - 1].count[0] != 0)) fail(op->name, "results need [count]");
  return n;
}

static bool is_kind(const struct arg *a, const char *kind) { return !strcmp(a->kind, kind); }
static bool returns_status(const struct arg *args, int n) { return n && is_kind(&args[n - 1], "results"); }

/* Text that is wrapped at 120 columns with a hanging indent. */
static int column;
static void put(const char *format, ...) {
  char buf[4096];
  va_list args;
  va_start(args, format);
  vsnprintf(buf, sizeof buf, format, args);
  va_end(args);
  fputs(buf, stdout);
  const char *newline = strrchr(buf, '\n');
  column = newline ? (int)strlen(newline + 1) : column + (int)strlen(buf);
}

static void put_item(const char *text, int indent) {
  if (column + (int)strlen(text) > 119) put("\n%*s", indent, "");
  put("%s", text);
}

/* Who a function is for: C programs (mx_, the thread's scope), bindings (mxb_, owned results), ourselves (mxi_). */
enum face { PUBLIC, BINDING, BUILDER };
static const struct {
  const char *prefix, *ctx;
} faces[] = {{"mx", ""}, {"mxb", "mxb_ctx *ctx"}, {"mxi", "struct mxi_ctx *ctx"}};

static void put_parameters(const struct op *op, const struct arg *args, int n, enum face face) {
  int indent = column;
  char text[160];
  put("%s%s", faces[face].ctx, *faces[face].ctx && n ? ", " : "");
  if (face == PUBLIC && !n) put("void");
  for (int i = 0; i < n; i++) {
    snprintf(text, sizeof text, "%s%s%s%s", type_of(op, args[i].kind), args[i].name,
             is_kind(&args[i], "arrays") ? ", size_t count" : "", i + 1 < n ? ", " : "");
    put_item(text, indent);
  }
}

static void put_prototype(const struct op *op, enum face face) {
  struct arg args[MAX_ARGS];
  int n = parse(op, args);
  put("%s%s%s_%s(", face == BUILDER ? "" : "MX_API ", returns_status(args, n) ? "mx_status " : "mx_array ",
      faces[face].prefix, op->name);
  put_parameters(op, args, n, face);
  put(")");
}

/* Rows that are only parts of public operations. */
static bool is_internal(const struct op *op) { return !strcmp(op->name, "rint") || !strcmp(op->name, "decode_fp8"); }

/* Rows of elementwise.def as operations. */
static struct op op_of_row(const struct row *r) {
  static const char *const args[] = {"", "array a", "array a, array b", "array a, array b, array c"};
  return (struct op){r->name, r->rule == SELECT ? "array condition, array a, array b" : args[r->number], r->text,
                     false};
}

/* ---- include/mica/ops.h ------------------------------------------------------------------------------------------ */
static const char *row_dtype(const struct row *r) {
  bool is_unary = r->number == 1;
  switch (r->rule) {
  case FLOAT: return is_unary ? "as `a`; bool and integers give float32." : "promoted; bool and integers give float32.";
  case REAL: return is_unary ? "as `a`; complex64 gives float32." : "promoted; complex64 gives float32.";
  case COMPARE: return "bool; operands are promoted first.";
  case LOGIC: return "bool; operands count as true where not zero.";
  case BITS: return is_unary ? "as `a`; floats and complex are refused." : "promoted; floats and complex are refused.";
  case SHIFT: return "promoted, bool as uint8; floats and complex are refused.";
  case PRED: return "bool.";
  case SELECT: return "`a` and `b` promoted; `condition` counts as true where not zero.";
  case ENCODE: return "uint8; floats only.";
  case DECODE: return "float32; uint8 only.";
  default: return is_unary ? "as `a`." : "promoted.";
  }
}

static void put_words(const char *text, size_t n) {
  while (n) {
    size_t word = 0;
    while (word < n && text[word] != ' ') word++;
    if (column + 1 + (int)word > 117) put("\n *    ");
    put(" %.*s", (int)word, text);
    text += word;
    n -= word;
    while (n && *text == ' ') text++, n--;
  }
}

/* The lines of a documentation string; "fails:" joins the first. */
static void put_doc(const char *doc) {
  const char *fails = strstr(doc, "\nfails: ");
  size_t first = strcspn(doc, "\n"), count = fails ? strcspn(fails + 8, "\n") : 0;
  put("/**");
  put_words(doc, first);
  put(strstr(doc, "\naction: ") ? "  [action" : "  [lazy");
  if (fails) put("; fails: %.*s", (int)count, fails + 8);
  put("]");
  for (const char *p = doc + first; *p; p += strcspn(p, "\n")) {
    p++;
    if (!strncmp(p, "fails: ", 7) || !strncmp(p, "help: ", 6) || !strncmp(p, "python: ", 8)) continue;
    put("\n * ");
    put_words(p, strcspn(p, "\n"));
  }
  put(" */\n");
}

static void print_ops_h(void) {
  put("/* The operations, one documented prototype each; <mica.h> includes this. Generated by tools/opgen from\n"
      " * src/core/elementwise.def and src/ops/ops.def: edit those. */\n#ifndef MICA_OPS_H\n#define MICA_OPS_H\n\n"
      "#include <mica.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n/* ---- Elementwise; operands broadcast against each other */\n");
  for (int i = 0; i < ROWS; i++) {
    struct op op = op_of_row(&rows[i]);
    if (rows[i].kind != ROW_OP || is_internal(&op)) continue;
    char doc[1024];
    snprintf(doc, sizeof doc, "%s\nfails: %sdtype memory\ndtype: %s", op.doc, rows[i].number > 1 ? "shape " : "",
             row_dtype(&rows[i]));
    put_doc(doc);
    put_prototype(&op, PUBLIC);
    put(";\n");
  }
  put("\n/* ---- The rest */\n");
  for (int i = 0; i < OPS; i++) {
    put_doc(ops[i].doc);
    put_prototype(&ops[i], PUBLIC);
    put(";\n");
  }
  put("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

static void each_op(void (*print)(const struct op *op)) {
  for (int i = 0; i < ROWS; i++) {
    struct op op = op_of_row(&rows[i]);
    if (rows[i].kind == ROW_OP) print(&op);
  }
  for (int i = 0; i < OPS; i++) print(&ops[i]);
}

/* ---- include/mica/bind_ops.h ------------------------------------------------------------------------------------- */
static void print_binding(const struct op *op) {
  if (is_internal(op)) return;
  put_prototype(op, BINDING);
  put(";\n");
}

static void print_bind_ops_h(void) {
  put("/* The operations for bindings: each is the mx_ function of the same name in <mica/ops.h>, which documents it, with its\n"
      " * error in ctx and owned results. <mica/bind.h> includes this. Generated by tools/opgen from\n"
      " * src/core/elementwise.def and src/ops/ops.def: edit those. */\n#ifndef MICA_BIND_OPS_H\n#define MICA_BIND_OPS_H\n\n"
      "#include <mica/bind.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  each_op(print_binding);
  put("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* ---- src/ops ------------------------------------------------------------------------------------------------------
 */
static void print_builder(const struct op *op) {
  put_prototype(op, BUILDER);
  put(";\n");
}

static void print_builders_h(void) {
  put("/* Builders: what operations are made of. Results are on ctx's stack and are borrowed; a NULL operand gives "
      "NULL.\n"
      " * Generated by tools/opgen from core/elementwise.def and ops/ops.def: edit those. */\n"
      "#ifndef MXI_OPS_BUILDERS_H\n#define MXI_OPS_BUILDERS_H\n\n#include \"core/ctx.h\"\n\n");
  each_op(print_builder);
  put("\n#endif\n");
}

/* What a function of this face does with the results of its builder. */
static const struct {
  const char *get, *one, *many;
} frames[] = {{"  struct mxi_ctx *ctx = mxi_ctx_thread();\n", "mxi_keep", "mxi_keep_many"}, {"", "mxi_own", "mxi_own_many"}};

static void put_checks(const struct op *op, const struct arg *args, int n, const char *failed) {
  const char *status = returns_status(args, n) ? ", ctx->code" : "";
  for (int i = 0; i < n; i++) {
    const char *name = args[i].name;
    if (is_kind(&args[i], "array"))
      put("  if (mxi_unusable(%s)) return mxi_refuse(ctx, \"%s\", \"%s\", %s)%s;\n", name, op->name, name, name, status);
    if (is_kind(&args[i], "arrays"))
      put("  if (mxi_refused(ctx, \"%s\", \"%s\", %s, count)) return %s;\n", op->name, name, name, failed);
    if (!strcmp(type_of(op, args[i].kind), "mx_ints "))
      put("  if (mxi_no_list(ctx, \"%s\", \"%s\", %s, %s)) return %s;\n", op->name, name, name,
          is_kind(&args[i], "axes") || is_kind(&args[i], "optshape") ? "true" : "false", failed);
    if (is_kind(&args[i], "optarray")) {
      put("  if (!%s && ctx->code) return %s;\n", name, failed);
      put("  if (mxi_stale(%s)) return mxi_refuse(ctx, \"%s\", \"%s\", %s)%s;\n", name, op->name, name, name, status);
    }
    if (is_kind(&args[i], "results")) put("  if (!%s && !mxi_null(ctx, \"%s\", \"%s\")) return ctx->code;\n", name, op->name, name);
  }
}

static void print_wrapper(const struct op *op, enum face face) {
  struct arg args[MAX_ARGS];
  int n = parse(op, args);
  if (op->by_hand || is_internal(op)) return;
  bool is_status = returns_status(args, n);
  put("\n%s%s_%s(", is_status ? "mx_status " : "mx_array ", faces[face].prefix, op->name);
  put_parameters(op, args, n, face);
  put(") {\n%s", frames[face].get);
  put_checks(op, args, n, is_status ? "ctx->code" : "NULL");
  put("  size_t mark = ctx->top;\n");
  if (is_status)
    put("  mx_status status = mxi_%s(ctx", op->name);
  else
    put("  return %s(ctx, mark, mxi_%s(ctx", frames[face].one, op->name);
  for (int i = 0; i < n; i++) {
    put(", ");
    put_item(args[i].name, 6);
    if (is_kind(&args[i], "arrays")) put(", count");
  }
  if (is_status)
    put(");\n  if (!status) return %s(ctx, mark, %s, (size_t)(%s));\n  mxi_sweep(ctx, mark);\n  return status;\n}\n",
        frames[face].many, args[n - 1].name, args[n - 1].count);
  else
    put("));\n}\n");
}

static void print_public_wrapper(const struct op *op) { print_wrapper(op, PUBLIC); }
static void print_bind_wrapper(const struct op *op) { print_wrapper(op, BINDING); }

static void print_wrappers_c(void) {
  put("/* Public operations: the builder of the same name in a frame of the calling thread's context. Generated by\n"
      " * tools/opgen from core/elementwise.def and ops/ops.def: edit those. */\n#include \"core/thread.h\"\n#include \"ops/builders.h\"\n");
  each_op(print_public_wrapper);
}

static void print_bind_wrappers_c(void) {
  put("/* Operations for bindings: the builder of the same name in a frame of the caller's context, which ends with the call.\n"
      " * Generated by tools/opgen from core/elementwise.def and ops/ops.def: edit those. */\n#include \"bind/own.h\"\n"
      "#include \"ops/builders.h\"\n");
  each_op(print_bind_wrapper);
}

static void print_partials_h(void) {
  put("/* Builders by their bare names, for the partials of core/elementwise.def, in functions with a context `ctx`.\n"
      " * Generated by tools/opgen: edit the tables. No guard: for ops/elementwise_rules.c alone. */\n");
  for (int i = 0; i < ROWS; i++) {
    static const char *const names[] = {"", "x", "x, y", "x, y, z"};
    if (rows[i].kind == ROW_OP)
      put("#define %s(%s) mxi_%s(ctx, %s)\n", rows[i].name, names[rows[i].number], rows[i].name, names[rows[i].number]);
  }
  put("#define reciprocal(x) mxi_reciprocal(ctx, x)\n");
}

/* ---- tests/c/support/random_calls.def ----------------------------------------------------------------------------- */
static void print_random_call(const struct op *op) {
  struct arg args[MAX_ARGS];
  int n = parse(op, args);
  if (op->by_hand || is_internal(op)) return;
  bool is_status = returns_status(args, n);
  put("%s(%s, ", is_status ? "CALLS" : "CALL", op->name);
  for (int i = 0; i < n - is_status; i++) put("%sarg_%s(%s)", i ? " " : "", args[i].kind, args[i].name);
  if (is_status) put(", %s", args[n - 1].count);
  put(", mx_%s(", op->name);
  for (int i = 0; i < n; i++)
    put("%s%s%s", i ? ", " : "", is_kind(&args[i], "results") ? "results" : args[i].name,
        is_kind(&args[i], "arrays") ? ", count" : "");
  put("))\n");
}

static void print_random_calls(void) {
  put("/* A call of every public operation with arguments of its kinds: CALL(name, arguments, call), or, where there are\n"
      " * several results, CALLS(name, arguments, count, call). Generated by tools/opgen: edit the tables. */\n");
  each_op(print_random_call);
}

#include "opgen_python.h"

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*print)(void);
  } outputs[] = {{"include/mica/ops.h", print_ops_h},
                 {"include/mica/bind_ops.h", print_bind_ops_h},
                 {"src/ops/builders.h", print_builders_h},
                 {"src/ops/wrappers.c", print_wrappers_c},
                 {"src/ops/partials.h", print_partials_h},
                 {"src/bind/wrappers.c", print_bind_wrappers_c},
                 {"tests/c/support/random_calls.def", print_random_calls},
                 {"python/src/operations.c", print_python_c},
                 {"python/mlx/core/_operations.pyi", print_core_stubs},
                 {"python/mlx/core/linalg.pyi", print_linalg_stubs},
                 {"python/mlx/core/random.pyi", print_random_stubs}};
  check_rows();
  for (int i = 0; i < OPS; i++) {
    struct arg args[MAX_ARGS];
    int n = parse(&ops[i], args);
    for (int j = 0; j < n; j++) type_of(&ops[i], args[j].kind);
  }
  if (failures) return 1;
  bool is_known = argc < 2;
  for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
    if (argc < 2) puts(outputs[i].name);
    if (argc < 2 || strcmp(argv[1], outputs[i].name)) continue;
    outputs[i].print();
    is_known = true;
  }
  if (!is_known) fail(argv[1], "not a file that this makes");
  return failures != 0;
}
