/* The module mlx.core and its submodules. Everything global is written here, once, before another thread can see it. */
#include <math.h>

#include "call.h"

#define MLX_VERSION "0.32.4" /* of the release whose behaviour is matched */

static PyObject *random_seed(PyObject *module, PyObject *o) {
  (void)module;
  uint64_t seed = PyLong_Check(o) ? PyLong_AsUnsignedLongLong(o) : 0;
  if (!PyLong_Check(o) || PyErr_Occurred()) {
    PyErr_Clear();
    return PyErr_Format(PyExc_TypeError, "[random.seed] seed must be an int from 0 to 2**64 - 1, not %R", o);
  }
  mx_random_seed(seed);
  Py_RETURN_NONE;
}
MXP_ONLY(random_seed, "seed", "random.seed")

static PyMethodDef random_functions[] = {
    {"seed", MXP_BY_NAME(random_seed_only),
     "seed($module, /, seed)\n--\n\n"
     "Restarts the calling thread's random numbers. `seed` is an int from 0 to 2**64 - 1.\n"
     "\n>>> mx.random.seed(7)\n"
     ">>> mx.random.randint(0, 10, (3,))\n"
     "array([0, 1, 8], dtype=int32)"}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef linalg = {PyModuleDef_HEAD_INIT, .m_name = "mlx.core.linalg", .m_size = -1, .m_methods = mxp_linalg_functions,
                                    .m_doc = "Linear algebra."};
static struct PyModuleDef random_numbers = {PyModuleDef_HEAD_INIT, .m_name = "mlx.core.random", .m_size = -1, .m_methods = mxp_random_functions,
                                            .m_doc = "Random numbers; without a key they come from the calling thread's state."};

static bool add_constants(PyObject *m) {
  static const struct {
    const char *name;
    double value;
  } constants[] = {{"pi", M_PI}, {"e", M_E}, {"inf", INFINITY}, {"nan", NAN}, {"euler_gamma", 0.57721566490153286}};
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    PyObject *o = PyFloat_FromDouble(constants[i].value);
    int failed = !o || PyModule_AddObjectRef(m, constants[i].name, o);
    Py_XDECREF(o);
    if (failed) return false;
  }
  return !PyModule_AddObjectRef(m, "newaxis", Py_None) && !PyModule_AddStringConstant(m, "__version__", MLX_VERSION) &&
         !PyModule_AddStringConstant(m, "__mica_version__", mx_version());
}

/* Importable by its own name too: import mlx.core.random. */
static bool add_submodule(PyObject *m, const char *attribute, struct PyModuleDef *def, PyMethodDef *more) {
  PyObject *sub = PyModule_Create(def);
  if (!sub) return false;
  bool is_added = (!more || !PyModule_AddFunctions(sub, more)) && !PyModule_AddObjectRef(m, attribute, sub) &&
                  !PyDict_SetItemString(PyImport_GetModuleDict(), def->m_name, sub);
  Py_DECREF(sub);
  return is_added;
}

/* A function of a submodule, by another name in mlx.core. */
static bool add_alias(PyObject *m, const char *alias, const char *submodule, const char *name) {
  PyObject *sub = PyObject_GetAttrString(m, submodule), *f = sub ? PyObject_GetAttrString(sub, name) : NULL;
  bool is_added = f && !PyModule_AddObjectRef(m, alias, f);
  Py_XDECREF(f);
  Py_XDECREF(sub);
  return is_added;
}

static bool fill(PyObject *m) {
  return mxp_add_errors(m) && mxp_add_array(m) && mxp_add_einsum(m) && !PyModule_AddObjectRef(m, "Dtype", (PyObject *)&mxp_dtype_type) &&
         mxp_add_dtypes(m) && mxp_add_categories(m) && mxp_add_devices(m) && mxp_add_infos(m) && mxp_add_custom(m) && add_constants(m) &&
         !PyModule_AddFunctions(m, mxp_transform_functions) &&
         !PyModule_AddFunctions(m, mxp_eval_functions) && !PyModule_AddFunctions(m, mxp_type_functions) &&
         !PyModule_AddFunctions(m, mxp_device_functions) && !PyModule_AddFunctions(m, mxp_file_functions) &&
         !PyModule_AddFunctions(m, mxp_tree_functions) && !PyModule_AddFunctions(m, mxp_stream_functions) &&
         !PyModule_AddFunctions(m, mxp_memory_functions) && !PyModule_AddFunctions(m, mxp_convert_functions) &&
         !PyModule_AddFunctions(m, mxp_dlpack_functions) && add_submodule(m, "metal", &mxp_metal, NULL) &&
         add_submodule(m, "cuda", &mxp_cuda, NULL) && add_submodule(m, "linalg", &linalg, NULL) &&
         add_alias(m, "matrix_norm", "linalg", "norm") &&
         add_submodule(m, "random", &random_numbers, random_functions);
}

/* ---- The module itself: one for the process, also where a program imports it anew ----------------------------------- */
static PyObject *only;
static bool is_filled;

static PyObject *create(PyObject *spec, PyModuleDef *def) {
  (void)def;
  if (only) return Py_NewRef(only);
  PyObject *name = PyObject_GetAttrString(spec, "name");
  only = name ? PyModule_NewObject(name) : NULL;
  Py_XDECREF(name);
  return Py_XNewRef(only);
}

static int execute(PyObject *m) {
  if (is_filled) return 0;
  bool is_ready = mxp_intern_names() && mxp_make_names() && mxp_array_ready() && !PyType_Ready(&mxp_dtype_type) && !PyType_Ready(&mxp_grad_type);
  is_filled = is_ready && fill(m);
  return is_filled ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_create, create},
    {Py_mod_exec, execute},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED}, /* docs/architecture.md, "Globals", says what is missing */
#endif
    {0, NULL}};

static struct PyModuleDef core = {PyModuleDef_HEAD_INIT, .m_name = "mlx.core", .m_slots = slots, .m_methods = mxp_core_functions,
                                  .m_doc = "Lazy arrays and function transforms; MLX's interface on mica."};

PyMODINIT_FUNC PyInit_core(void) {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyModuleDef_Init(&core);
  PyErr_SetString(PyExc_ImportError, "mlx.core works in the main interpreter only");
  return NULL;
}
