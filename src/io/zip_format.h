/* The records of a zip archive: signatures, sizes of their fixed parts, little-endian numbers, checksums. */
#ifndef MXI_IO_ZIP_FORMAT_H
#define MXI_IO_ZIP_FORMAT_H

#include <stdint.h>
#include <zlib.h>

#include "base/memory.h"

enum {
  ZIP_LOCAL = 0x04034b50,
  ZIP_CENTRAL = 0x02014b50,
  ZIP_END = 0x06054b50,
  ZIP_END64 = 0x06064b50,
  ZIP_LOCATOR64 = 0x07064b50,

  ZIP_LOCAL_SIZE = 30,
  ZIP_CENTRAL_SIZE = 46,
  ZIP_END_SIZE = 22,
  ZIP_END64_SIZE = 56,
  ZIP_LOCATOR64_SIZE = 20,

  ZIP_STORED = 0,
  ZIP_DEFLATED = 8,
  ZIP_ENCRYPTED = 1, /* flag bits */
  ZIP_UTF8 = 0x800,
  ZIP_EXTRA64 = 1,          /* id of the zip64 extra field */
  ZIP_DEFLATE_RATIO = 1032, /* deflate cannot do better: 258 bytes from 2 bits */
};
#define ZIP_SEE_64 0xffffffffu

static inline uint16_t zip_u16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t zip_u32(const unsigned char *p) { return zip_u16(p) | (uint32_t)zip_u16(p + 2) << 16; }
static inline uint64_t zip_u64(const unsigned char *p) { return zip_u32(p) | (uint64_t)zip_u32(p + 4) << 32; }

static inline unsigned char *zip_put(unsigned char *p, uint64_t v, int nbytes) {
  for (int i = 0; i < nbytes; i++) p[i] = (unsigned char)(v >> 8 * i);
  return p + nbytes;
}

/* zlib takes a NULL buffer, which nothing at all may have, for a request to start over. */
static inline uint32_t zip_crc(uint32_t crc, const void *p, size_t nbytes) {
  return nbytes ? (uint32_t)crc32_z(crc, p, nbytes) : crc;
}

/* zlib's memory. */
static inline voidpf zip_alloc(voidpf ctx, uInt count, uInt size) {
  (void)ctx;
  return mxi_malloc((size_t)count * size);
}

static inline void zip_free(voidpf ctx, voidpf p) {
  (void)ctx;
  mxi_free(p);
}

#endif
