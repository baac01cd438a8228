/* The tables of dtype.h. Promotion was observed on released MLX, pair by pair; float16 with bfloat16 is float32. */
#include "core/dtype.h"

const uint8_t mxi_itemsizes[MXI_DTYPE_COUNT] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8};

const uint8_t mxi_kinds[MXI_DTYPE_COUNT] = {
    MXI_KIND_BOOL,   MXI_KIND_UNSIGNED, MXI_KIND_UNSIGNED, MXI_KIND_UNSIGNED, MXI_KIND_UNSIGNED,
    MXI_KIND_SIGNED, MXI_KIND_SIGNED,   MXI_KIND_SIGNED,   MXI_KIND_SIGNED,   MXI_KIND_FLOAT,
    MXI_KIND_FLOAT,  MXI_KIND_FLOAT,    MXI_KIND_FLOAT,    MXI_KIND_COMPLEX};

const char *const mxi_dtype_names[MXI_DTYPE_COUNT] = {"bool",  "uint8", "uint16",  "uint32",  "uint64",  "int8",     "int16",
                                                      "int32", "int64", "float16", "float32", "float64", "bfloat16", "complex64"};

enum {
  B = MX_BOOL, U1 = MX_UINT8, U2 = MX_UINT16, U4 = MX_UINT32, U8 = MX_UINT64, I1 = MX_INT8, I2 = MX_INT16, I4 = MX_INT32,
  I8 = MX_INT64, F2 = MX_FLOAT16, F4 = MX_FLOAT32, F8 = MX_FLOAT64, H2 = MX_BFLOAT16, C8 = MX_COMPLEX64
};

const uint8_t mxi_promotions[MXI_DTYPE_COUNT][MXI_DTYPE_COUNT] = {
    {B, U1, U2, U4, U8, I1, I2, I4, I8, F2, F4, F8, H2, C8},      {U1, U1, U2, U4, U8, I2, I2, I4, I8, F2, F4, F8, H2, C8},
    {U2, U2, U2, U4, U8, I4, I4, I4, I8, F2, F4, F8, H2, C8},     {U4, U4, U4, U4, U8, I8, I8, I8, I8, F2, F4, F8, H2, C8},
    {U8, U8, U8, U8, U8, F4, F4, F4, F4, F2, F4, F8, H2, C8},     {I1, I2, I4, I8, F4, I1, I2, I4, I8, F2, F4, F8, H2, C8},
    {I2, I2, I4, I8, F4, I2, I2, I4, I8, F2, F4, F8, H2, C8},     {I4, I4, I4, I8, F4, I4, I4, I4, I8, F2, F4, F8, H2, C8},
    {I8, I8, I8, I8, F4, I8, I8, I8, I8, F2, F4, F8, H2, C8},     {F2, F2, F2, F2, F2, F2, F2, F2, F2, F2, F4, F8, F4, C8},
    {F4, F4, F4, F4, F4, F4, F4, F4, F4, F4, F4, F8, F4, C8},     {F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, C8},
    {H2, H2, H2, H2, H2, H2, H2, H2, H2, F4, F4, F8, H2, C8},     {C8, C8, C8, C8, C8, C8, C8, C8, C8, C8, C8, C8, C8, C8},
};

MX_API const char *mx_dtype_name(mx_dtype t) { return (unsigned)t < MXI_DTYPE_COUNT ? mxi_dtype_names[t] : "unknown"; }

MX_API mx_dtype mx_result_type(mx_dtype a, mx_dtype b) {
  return (unsigned)a < MXI_DTYPE_COUNT && (unsigned)b < MXI_DTYPE_COUNT ? mxi_promote(a, b) : MX_FLOAT32;
}
