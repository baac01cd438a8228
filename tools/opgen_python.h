/* The part of tools/opgen.c that prints the Python face: parameter tables, calls, docstrings and stubs, from the "python:"
 * lines of the rows' documentation (src/ops/ops.def says what they mean). Start at print_python_c. */

/* ---- Reading a "python:" line ------------------------------------------------------------------------------------ */
struct py_param {
  char name[32], source[32], kind[16], value[32]; /* source: the argument in C, or "" */
};
struct py_op {
  const struct op *op;
  char module[16], name[48], words[96];
  struct py_param params[MAX_ARGS];
  int count, positional_only, positional; /* how many come before "/", and before "*" */
  bool has_varargs;                       /* parameter 0 or 1 is "*arrays" */
};

/* What a parameter is in Python unless its row says, by the kind of the argument in C. */
static const struct {
  const char *c, *python, *with_none;
} py_kinds[] = {{"array", "array", "array"},     {"optarray", "optscalar", "optscalar"}, {"arrays", "arrays", "arrays"}, {"axis", "int", "optaxis"},
                {"int", "int", "optaxis"},       {"i64", "i64", "i64"},                  {"u64", "u64", "u64"},          {"f32", "f64", "f64"},
                {"f64", "f64", "f64"},           {"bool", "bool", "bool"},               {"axes", "axes", "axes"},       {"ints", "ints", "axes"},
                {"shape", "shape", "axes"}, {"optshape", "axes", "axes"},      {"dtype", "dtype", "optdtype"},         {"str", "str", "str"}};

static const char *py_line(const struct op *op) {
  const char *at = strstr(op->doc, "\npython: ");
  return at ? at + 9 : NULL;
}

static const struct arg *c_argument(const struct op *op, const char *name, struct arg *args) {
  int n = parse(op, args);
  for (int i = 0; i < n; i++)
    if (!strcmp(args[i].name, name)) return &args[i];
  return NULL;
}

static bool has_word(const struct py_op *py, const char *word) {
  char text[40];
  snprintf(text, sizeof text, " %s ", word);
  return strstr(py->words, text) != NULL;
}

static void default_kind(const struct py_op *py, struct py_param *p) {
  struct arg args[MAX_ARGS];
  const struct arg *a = c_argument(py->op, p->source, args);
  for (size_t i = 0; a && !*p->kind && i < sizeof py_kinds / sizeof *py_kinds; i++)
    if (is_kind(a, py_kinds[i].c)) strcpy(p->kind, !strcmp(p->value, "None") ? py_kinds[i].with_none : py_kinds[i].python);
  if (a && is_kind(a, "axis") && has_word(py, "or_all")) strcpy(p->kind, "optaxis");
  if (!a) *p->source = 0;
  if (!*p->kind) fail(py->op->name, "python: %s needs a kind", p->name);
}

/* name[:argument in C][|kind][=default] */
static void read_param(struct py_op *py, const char *text, size_t n) {
  struct py_param *p = &py->params[py->count++];
  char buf[128];
  snprintf(buf, sizeof buf, "%.*s", (int)n, text);
  char *value = strchr(buf, '='), *kind, *source;
  if (value) *value++ = 0, snprintf(p->value, sizeof p->value, "%.31s", value);
  if ((kind = strchr(buf, '|'))) *kind++ = 0, snprintf(p->kind, sizeof p->kind, "%.15s", kind);
  if ((source = strchr(buf, ':'))) *source++ = 0;
  snprintf(p->name, sizeof p->name, "%.31s", buf);
  snprintf(p->source, sizeof p->source, "%.31s", source ? source : buf);
  default_kind(py, p);
}

static void read_params(struct py_op *py, const char *text, size_t n) {
  int positional = -1;
  for (const char *p = text, *end = text + n; p < end;) {
    size_t length = 0;
    for (int depth = 0; p + length < end && (depth || p[length] != ','); length++) depth += (p[length] == '(') - (p[length] == ')');
    if (length == 1 && *p == '/') {
      py->positional_only = py->count;
    } else if (length == 1 && *p == '*') {
      positional = py->count;
    } else if (*p == '*') {
      read_param(py, p + 1, length - 1);
      strcpy(py->params[py->count - 1].kind, "varargs");
      py->has_varargs = true;
      positional = py->count;
    } else {
      read_param(py, p, length);
    }
    p += length;
    p += strspn(p, ", ");
  }
  py->positional = positional < 0 ? py->count : positional;
}

static bool read_python(const struct op *op, struct py_op *py) {
  const char *line = py_line(op);
  *py = (struct py_op){.op = op};
  if (!line) return false;
  size_t length = strcspn(line, "\n");
  const char *open = memchr(line, '(', length), *close = line;
  for (const char *p = line; p < line + length; p++)
    if (*p == ')') close = p;
  const char *dot = memchr(line, '.', (size_t)(open - line));
  snprintf(py->module, sizeof py->module, "%.*s", dot ? (int)(dot - line) : 0, line);
  snprintf(py->name, sizeof py->name, "%.*s", (int)(open - (dot ? dot + 1 : line)), dot ? dot + 1 : line);
  snprintf(py->words, sizeof py->words, " %.*s ", (int)(line + length - close - 1), close + 1);
  read_params(py, open + 1, (size_t)(close - open - 1));
  return true;
}

/* The next value of "key=value" in the words from *at on. */
static bool next_word(const char **at, const char *key, char *out, size_t size) {
  const char *p = strstr(*at, key);
  if (!p) return false;
  p += strlen(key);
  size_t n = strcspn(p, " ");
  snprintf(out, size, "%.*s", (int)n, p);
  *at = p + n;
  return true;
}

static void each_python(void (*print)(const struct py_op *py)) {
  struct py_op py;
  for (int i = 0; i < ROWS; i++) {
    struct op op = op_of_row(&rows[i]);
    if (rows[i].kind == ROW_OP && read_python(&op, &py)) print(&py);
  }
  for (int i = 0; i < OPS; i++)
    if (read_python(&ops[i], &py)) print(&py);
}

/* ---- Parameters -------------------------------------------------------------------------------------------------- */
static bool is_one_of(const char *word, const char *list) { return strstr(list, word) != NULL; }

static void put_dtype(const char *name) {
  put("MX_");
  for (; *name; name++) put("%c", toupper((unsigned char)*name));
}

static void put_default(const struct py_param *p) {
  const char *v = p->value;
  if (!*v) return;
  put(", .flags = MXP_OPTIONAL");
  if (!strcmp(v, "None"))
    put("%s", is_one_of(p->kind, "axes") ? ", .value.ints = {NULL, SIZE_MAX}"
              : is_one_of(p->kind, "optaxis optdtype") ? ", .value.i = MXP_NONE" : "");
  else if (!strcmp(p->kind, "dtype"))
    put(", .value.i = "), put_dtype(v);
  else if (!strcmp(p->kind, "scalar"))
    put(strpbrk(v, ".e") ? " | MXP_LITERAL_FLOAT, .value.f = %s" : " | MXP_LITERAL_INT, .value.i = %s", v);
  else if (!strcmp(p->kind, "bool"))
    put(", .value.flag = %s", !strcmp(v, "True") ? "true" : "false");
  else if (!strcmp(p->kind, "f64"))
    put(", .value.f = %s", v);
  else if (*v == '\'')
    put(", .value.text = \"%.*s\"", (int)strlen(v) - 2, v + 1);
  else if (is_one_of(p->kind, "int i64 u64 optaxis"))
    put(", .value.i = %s", v);
}

static void put_params(const struct py_op *py) {
  put("static struct mxp_param %s_params[] = {\n", py->op->name);
  for (int i = 0; i < py->count; i++) {
    put("    {.name = \"%s\", .kind = MXP_", py->params[i].name);
    for (const char *k = py->params[i].kind; *k; k++) put("%c", toupper((unsigned char)*k));
    put_default(&py->params[i]);
    put("},\n");
  }
  put("};\n");
}

/* ---- Calls ------------------------------------------------------------------------------------------------------- */
static void put_value(const struct py_op *py, const char *argument, const char *kind) {
  int i = 0;
  while (i < py->count && strcmp(py->params[i].source, argument)) i++;
  if (i == py->count) {
    fail(py->op->name, "python: no parameter gives %s", argument);
    return;
  }
  static const struct {
    const char *kind, *format;
  } values[] = {{"array", "v[%d].array"},  {"optarray", "v[%d].array"}, {"axis", "(int)v[%d].i"}, {"int", "(int)v[%d].i"}, {"axes", "v[%d].ints"},
                {"ints", "v[%d].ints"},    {"shape", "v[%d].ints"},    {"optshape", "v[%d].ints"},  {"bool", "v[%d].flag"},   {"i64", "v[%d].i"},      {"u64", "v[%d].u"},
                {"f32", "(float)v[%d].f"}, {"f64", "v[%d].f"},          {"str", "v[%d].text"},    {"dtype", "(mx_dtype)v[%d].i"},
                {"arrays", "v[%d].arrays.at, v[%d].arrays.count"}};
  char text[64] = "";
  for (size_t j = 0; j < sizeof values / sizeof *values; j++)
    if (!strcmp(values[j].kind, kind)) snprintf(text, sizeof text, values[j].format, i, i);
  put(", ");
  put_item(text, 6);
}

static void put_arguments(const struct py_op *py, const struct op *op) {
  struct arg args[MAX_ARGS];
  int n = parse(op, args);
  for (int i = 0; i < n; i++)
    if (!is_kind(&args[i], "results")) put_value(py, args[i].name, args[i].kind);
}

/* Rows with the word "or_all" have a second row, <name>_all, for axis=None. */
static void put_or_all(const struct py_op *py) {
  char name[64];
  int axis = 0;
  snprintf(name, sizeof name, "%s_all", py->op->name);
  while (axis < py->count && strcmp(py->params[axis].name, "axis")) axis++;
  for (int i = 0; i < OPS; i++) {
    if (strcmp(ops[i].name, name)) continue;
    put("  if (v[%d].i == MXP_NONE) return mxp_give(c, mxb_%s(c->ctx", axis, name);
    put_arguments(py, &ops[i]);
    put("));\n");
  }
}

static void put_call(const struct py_op *py) {
  const struct op *op = py->op;
  struct arg args[MAX_ARGS];
  int n = parse(op, args);
  put("static PyObject *%s_call(struct mxp_call *c) {\n%s", op->name, py->count ? "  const union mxp_value *v = c->v;\n" : "");
  if (has_word(py, "or_all")) put_or_all(py);
  if (returns_status(args, n)) {
    put("  mx_array results[%s];\n  return mxp_give_many(c, mxb_%s(c->ctx", args[n - 1].count, op->name);
    put_arguments(py, op);
    put(", results), results, %s);\n}\n", args[n - 1].count);
  } else {
    put("  return mxp_give(c, mxb_%s(c->ctx", op->name);
    put_arguments(py, op);
    put("));\n}\n");
  }
}

static void print_python_op(const struct py_op *py) {
  const char *name = py->op->name;
  bool by_hand = has_word(py, "hand");
  put("\n");
  if (by_hand)
    put("PyObject *mxp_%s(struct mxp_call *c);\n", name);
  else
    put_call(py);
  put_params(py);
  put("static struct mxp_op %s_op = {\"%s%s%s\", ", name, py->module, *py->module ? "." : "", py->name);
  put(by_hand ? "mxp_%s" : "%s_call", name);
  put(", %s_params, %d, %d, %d};\n", name, py->count, py->positional_only, py->positional);
  put("MXP_FUNCTION(%s)\n", name);
  if (strstr(py->words, " method")) put("MXP_METHOD%s(%s)\n", has_word(py, "method*") ? "_VARARGS" : "", name);
}

/* ---- Docstrings -------------------------------------------------------------------------------------------------- */
/* Methods of the word "method*" take their one argument as several numbers too: a.reshape(2, 3). */
static bool is_spread(const struct py_op *py, bool is_method) { return is_method && has_word(py, "method*"); }

static void put_signature(const struct py_op *py, bool is_method) {
  put(is_method ? "($self, /" : "($module");
  if (!is_method && !py->positional_only) put(", /");
  if (is_spread(py, is_method)) {
    put(", *%s, stream=None)", py->params[1].name);
    return;
  }
  for (int i = is_method; i < py->count; i++) {
    const struct py_param *p = &py->params[i];
    bool is_varargs = !strcmp(p->kind, "varargs");
    if (i == py->positional && !py->has_varargs) put(", *");
    put(", %s%s%s%s", is_varargs ? "*" : "", p->name, *p->value ? "=" : "", !strcmp(p->kind, "dtype") && *p->value ? "None" : p->value);
    if (!is_method && i + 1 == py->positional_only) put(", /");
  }
  put("%s, stream=None)", py->positional == py->count && !py->has_varargs ? ", *" : "");
}

static void put_escaped(const char *text, size_t n) {
  for (; n; n--, text++) put(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

/* The length of `name` at the start of a text, where that is an argument in C which Python calls otherwise; else 0. */
static size_t put_renamed(const struct py_op *py, const char *text, const char *end) {
  for (int i = 0; *text == '`' && i < py->count; i++) {
    size_t n = strlen(py->params[i].source);
    if (!n || n + 2 > (size_t)(end - text) || strncmp(text + 1, py->params[i].source, n) || text[n + 1] != '`') continue;
    put("`%s`", py->params[i].name);
    return n + 2;
  }
  return 0;
}

/* C's words in Python's: "MX_ERR_VALUE" is ValueError, "mx_max" is max, "`axes`" is `axis`. */
static void put_python_text(const struct py_op *py, const char *text, size_t n) {
  static const struct {
    const char *c, *python;
  } terms[] = {{"MX_ERR_SHAPE", "ValueError"}, {"MX_ERR_DTYPE", "ValueError"}, {"MX_ERR_VALUE", "ValueError"}, {"MX_ERR_INDEX", "IndexError"},
               {"MX_ERR_TYPE", "TypeError"},   {"MX_ALL", "None"},             {"NULL", "None"},               {"mx_", ""}};
  for (const char *end = text + n; text < end;) {
    size_t used = put_renamed(py, text, end);
    for (size_t i = 0; i < sizeof terms / sizeof *terms && !used; i++)
      if (!strncmp(text, terms[i].c, strlen(terms[i].c))) used = strlen(terms[i].c), put("%s", terms[i].python);
    if (!used) put_escaped(text, used = 1);
    text += used;
  }
}

/* A line of documentation, as several where it is long. */
static void put_doc_line(const struct py_op *py, const char *text, size_t n) {
  enum { WIDTH = 110 };
  while (n > WIDTH) {
    size_t cut = WIDTH;
    while (cut && text[cut] != ' ') cut--;
    if (!cut) break;
    put_doc_line(py, text, cut);
    text += cut + 1;
    n -= cut + 1;
  }
  put("\n     \"");
  put_python_text(py, text, n);
  put("\\n\"");
}

/* Rows of elementwise.def follow rules, which their documentation leaves to be said here. */
static void put_row_rules(const struct py_op *py) {
  for (int i = 0; i < ROWS; i++) {
    if (rows[i].kind != ROW_OP || strcmp(rows[i].name, py->op->name)) continue;
    char text[120];
    const char *shape = rows[i].number > 1 ? "shape: that of the operands, broadcast." : "shape: as `a`.";
    put_doc_line(py, shape, strlen(shape));
    snprintf(text, sizeof text, "dtype: %s", row_dtype(&rows[i]));
    put_doc_line(py, text, strlen(text));
  }
}

/* What a default means that the signature cannot say: dtypes are no literals of Python, and None has many meanings. */
static void put_defaults(const struct py_op *py) {
  for (int i = 0; i < py->count; i++) {
    const struct py_param *p = &py->params[i];
    bool is_none = !strcmp(p->value, "None") && !strstr(py->op->doc, "MX_ALL") && !strstr(py->op->doc, "NULL");
    char text[96] = "";
    if (!strcmp(p->kind, "dtype") && *p->value) snprintf(text, sizeof text, "`%s` is %s unless given.", p->name, p->value);
    if (is_none && !strcmp(p->kind, "axes") && !strcmp(p->name, "axis")) strcpy(text, "`axis` is one or several; None means all.");
    if (is_none && !strcmp(p->kind, "optaxis")) strcpy(text, "`axis` None flattens the array first.");
    if (!strcmp(p->name, "key") && *p->value) strcpy(text, "`key` None draws from the calling thread's state: see random.seed.");
    if (*text) put_doc_line(py, text, strlen(text));
  }
}

/* As the interpreter shows it, so that a test can run it. */
static void put_example(const struct py_op *py) {
  int i = 0;
  while (i < EXAMPLES && strcmp(examples[i].name, py->op->name)) i++;
  if (i == EXAMPLES) {
    fail(py->op->name, "has no row in src/ops/examples.def");
    return;
  }
  put("\n     \"\\n>>> ");
  put_escaped(examples[i].expression, strlen(examples[i].expression));
  for (const char *p = examples[i].result;; p++) {
    size_t n = strcspn(p, "\n");
    put("\\n\"\n     \"");
    put_escaped(p, n);
    if (!*(p += n)) break;
  }
  put("\"");
}

static bool starts_with_one_of(const char *text, const char *const *words) {
  while (*words && strncmp(text, *words, strlen(*words))) words++;
  return *words != NULL;
}

/* What it does and what the arguments mean; then the lines about the result; then an example. */
static void put_docstring(const struct py_op *py, const char *name, bool is_method) {
  static const char *const of_result[] = {"shape: ", "dtype: ", "error: ", "python: ", NULL}, *const hidden[] = {"fails: ", "python: ", NULL};
  bool has_defaults = false;
  put("\"%s", name);
  put_signature(py, is_method);
  put("\\n--\\n\\n\"");
  for (const char *p = py->op->doc; *p;) {
    size_t n = strcspn(p, "\n"), skipped = strncmp(p, "help: ", 6) ? 0 : 6;
    if (!has_defaults && starts_with_one_of(p, of_result)) put_defaults(py), has_defaults = true;
    if (!starts_with_one_of(p, hidden)) put_doc_line(py, p + skipped, n - skipped);
    p += n + (p[n] == '\n');
  }
  put_row_rules(py);
  put_example(py);
}

static const char *py_module; /* whose functions are printed */

static void put_method_def(const struct py_op *py, const char *name, bool is_method) {
  put("    {\"%s\", MXP_CFUNCTION(%s_%s), METH_FASTCALL | METH_KEYWORDS,\n     ", name, py->op->name, is_method ? "method" : "function");
  put_docstring(py, name, is_method);
  put("},\n");
}

static void print_function_def(const struct py_op *py) {
  if (strcmp(py->module, py_module)) return;
  put_method_def(py, py->name, false);
  char alias[48];
  for (const char *at = py->words; next_word(&at, "alias=", alias, sizeof alias);) put_method_def(py, alias, false);
}

static void print_method_def(const struct py_op *py) {
  char name[48];
  const char *at = py->words;
  if (has_word(py, "method") || has_word(py, "method*")) put_method_def(py, py->name, true);
  if (next_word(&at, "method=", name, sizeof name)) put_method_def(py, name, true);
}

static void print_op_pointer(const struct py_op *py) { put("    &%s_op,\n", py->op->name); }

static void print_python_c(void) {
  put("/* The operations of mlx.core: parameters, calls and docstrings. Generated by tools/opgen from the \"python:\" lines of\n"
      " * src/core/elementwise.def and src/ops/ops.def: edit those. */\n#include \"call.h\"\n");
  each_python(print_python_op);
  static const char *const modules[] = {"", "linalg", "random"};
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    py_module = modules[i];
    put("\nPyMethodDef mxp_%s_functions[] = {\n", *py_module ? py_module : "core");
    each_python(print_function_def);
    put("    {NULL, NULL, 0, NULL}};\n");
  }
  put("\nPyMethodDef mxp_array_operations[] = {\n");
  each_python(print_method_def);
  put("    {NULL, NULL, 0, NULL}};\n\nstruct mxp_op *const mxp_ops[] = {\n");
  each_python(print_op_pointer);
  put("    NULL};\n");
}

/* ---- Stubs ------------------------------------------------------------------------------------------------------- */
static const char *stub_type(const struct py_param *p) {
  static const struct {
    const char *kind, *type;
  } types[] = {{"array", "array"},        {"scalar", "_Scalar | array"},  {"optarray", "array | None"}, {"optscalar", "_Scalar | array | None"},
               {"arrays", "Sequence[array]"}, {"varargs", "array"},       {"int", "int"},               {"optaxis", "int | None"},
               {"i64", "int"},            {"u64", "int"},                {"f64", "float"},             {"bool", "bool"},
               {"axes", "int | Sequence[int] | None"}, {"ints", "int | Sequence[int]"}, {"shape", "int | Sequence[int]"},
               {"dtype", "Dtype | None"}, {"optdtype", "Dtype | None"},  {"str", "str"}, {"object", "Any"}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].kind, p->kind)) return types[i].type;
  return "Any";
}

/* What a call gives back: one array unless the row has results, whose number may depend on the arguments. */
static const char *stub_result(const struct py_op *py) {
  static char text[64];
  struct arg args[MAX_ARGS];
  int n = parse(py->op, args);
  if (!strncmp(py->op->name, "atleast_", 8)) return "array | tuple[array, ...]";
  if (!strcmp(py->op->name, "split")) return "list[array]";
  if (!strcmp(py->op->name, "depends")) return "array | list[array]";
  if (!returns_status(args, n)) return "array";
  if (!isdigit((unsigned char)*args[n - 1].count)) return "tuple[array, ...]";
  strcpy(text, "tuple[array");
  for (int i = 1; i < atoi(args[n - 1].count); i++) strcat(text, ", array");
  return strcat(text, "]");
}

static void put_stub_parameters(const struct py_op *py, bool is_method) {
  if (is_spread(py, is_method)) {
    put("*%s: int | Sequence[int], ", py->params[1].name);
    return;
  }
  for (int i = is_method; i < py->count; i++) {
    const struct py_param *p = &py->params[i];
    if (i == py->positional && !py->has_varargs) put("*, ");
    put("%s%s: %s%s%s, ", !strcmp(p->kind, "varargs") ? "*" : "", p->name, stub_type(p), *p->value ? " = " : "", p->value);
    if (i + 1 == py->positional_only && !is_method) put("/, ");
  }
  if (py->positional == py->count && !py->has_varargs) put("*, ");
}

static void put_stub(const struct py_op *py, const char *name, bool is_method) {
  put("%sdef %s(%s", is_method ? "    " : "", name, is_method ? "self, " : "");
  put_stub_parameters(py, is_method);
  put("stream: _StreamOrDevice | None = None) -> %s: ...\n", stub_result(py));
}

static void print_stub(const struct py_op *py) {
  if (strcmp(py->module, py_module)) return;
  put_stub(py, py->name, false);
  char alias[48];
  for (const char *at = py->words; next_word(&at, "alias=", alias, sizeof alias);) put_stub(py, alias, false);
}

static void print_method_stub(const struct py_op *py) {
  char name[48];
  const char *at = py->words;
  if (has_word(py, "method") || has_word(py, "method*")) put_stub(py, py->name, true);
  if (next_word(&at, "method=", name, sizeof name)) put_stub(py, name, true);
}

static void print_stubs(const char *module) {
  py_module = module;
  put("# Generated by tools/opgen from the operation tables: edit those.\nfrom collections.abc import Sequence\nfrom typing import Any\n\n"
      "from mlx.core import Dtype, _Scalar, _StreamOrDevice, array%s\n\n",
      *module ? ", float32, int32" : ", bfloat16, float32");
  each_python(print_stub);
}

static void print_core_stubs(void) {
  print_stubs("");
  put("\nclass _ArrayMethods:\n    \"\"\"The methods of array that are operations.\"\"\"\n\n");
  each_python(print_method_stub);
}

static void print_linalg_stubs(void) { print_stubs("linalg"); }

static void print_random_stubs(void) {
  print_stubs("random");
  put("def seed(seed: int) -> None: ...\n"); /* no operation: it returns nothing */
}
