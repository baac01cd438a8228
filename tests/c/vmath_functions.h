/* The elementary functions of one operand: ROW(name, float64 oracle, largest error allowed in ulp). LOOP(name), where
 * it is defined, comes first: each includer defines one of the two. */
#ifdef LOOP
#define ROW(name, oracle, bound) LOOP(name)
#endif
ROW(exp, exp, 1)
ROW(expm1, expm1, 1.5)
ROW(log, log, 1)
ROW(log1p, log1p, 1.5)
ROW(log2, log2, 1)
ROW(log10, log10, 1)
ROW(sin, sin, 1.5)
ROW(cos, cos, 1.5)
ROW(tan, tan, 1)
ROW(arcsin, asin, 2)
ROW(arccos, acos, 1.5)
ROW(arctan, atan, 1.5)
ROW(sinh, sinh, 1)
ROW(cosh, cosh, 1)
ROW(tanh, tanh, 1.5)
ROW(arcsinh, asinh, 1)
ROW(arccosh, acosh, 1)
ROW(arctanh, atanh, 1)
ROW(erf, erf, 1.5)
ROW(erfinv, erfinv_oracle, 2)
ROW(sigmoid, sigmoid_oracle, 2)
ROW(sqrt, sqrt, 0.5)
ROW(rsqrt, rsqrt_oracle, 1.5)
ROW(floor, floor, 0)
ROW(ceil, ceil, 0)
ROW(trunc, trunc, 0)
ROW(rint, rint, 0)
#ifdef LOOP
#undef ROW
#endif
