// What the parts of the decoder share.
#pragma once

#include "cjpeg.h"

#include <stdbool.h>

// Fast paths are compiled twice where the compiler can choose at run time.
#if defined(__x86_64__) && defined(__linux__)
#define CJ_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CJ_HOT
#endif
#define CJ_INLINE static inline __attribute__((always_inline))
#define CJ_LIKELY(x) __builtin_expect(!!(x), 1)

// Bits that one look-up of a Huffman code sees.
enum { CJ_LOOK = 11 };
#define CJ_SPECIAL 0x80u

// A Huffman table: what the next bits mean.
//
// An entry has the bits of code and value together, 64 less the bits of the value, the zeros before the value and the
// bits of the code, each in a byte, the lowest first. CJ_SPECIAL marks symbols without a value; an entry of CJ_SPECIAL
// alone is a code longer than CJ_LOOK.
typedef struct CJHuffman {
    uint32_t look[1 << CJ_LOOK];
    int32_t limit[18];  // one past the last code of a length, shifted to 16 bits
    int32_t offset[17]; // from a code of a length to its symbol
    uint8_t symbols[256];
} CJHuffman;

typedef struct CJComponent {
    uint8_t id, across, down, quantization, dc, ac;
} CJComponent;

struct CJImage {
    const uint8_t *bytes;
    size_t count, entropy;
    int32_t width, height, components, restart;
    CJComponent component[3];
    bool hasQuantization[4];
    uint16_t quantization[4][64]; // in the order of the file
    const uint8_t *huffman[2][4]; // counts and symbols in the file; DC, AC
};

// The data of a scan without stuffed bytes, cut at the restart markers, with zeros behind the end.
typedef struct CJEntropy {
    uint8_t *bytes;
    size_t *ends;
    size_t count, segments;
} CJEntropy;

// Zeros behind the data: more than the bits of the largest possible unit of six blocks.
enum { CJ_PADDING = 2048 };

bool cj_read_header(const uint8_t *bytes, size_t count, struct CJImage *image);
CJStatus cj_unstuff(const struct CJImage *image, CJEntropy *entropy);
void cj_free_entropy(CJEntropy *entropy);
// What a symbol means whose code has so many bits.
uint32_t cj_entry(bool isDC, int length, uint8_t symbol);
// Whether the table is a legal one.
bool cj_huffman(const uint8_t *counts, bool isDC, CJHuffman *table);
