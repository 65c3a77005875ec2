// The inverse DCT, whole and at reduced sizes, in the integer arithmetic of libjpeg's accurate one.
//
// The algorithm is that of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11
// multiplications" (ICASSP 1989): 13 binary places for the constants, two more between the passes. A reduced size
// is the mean of the pixels it stands for, as far as the two passes see them. Eight columns are computed at once.
#pragma once

#include "internal.h"

#include <string.h>

// Every function here is inlined, so it does not matter how vectors would be passed.
#pragma clang diagnostic ignored "-Wpsabi"

typedef int32_t CJInt8 __attribute__((vector_size(32)));
typedef int16_t CJShort8 __attribute__((vector_size(16)));
typedef uint8_t CJByte8 __attribute__((vector_size(8)));

// A constant of the transform in fixed point.
#define CJ_FIX(x) ((int32_t)((x)*8192 + 0.5))

CJ_INLINE CJInt8 widen(CJShort8 x) { return __builtin_convertvector(x, CJInt8); }

CJ_INLINE CJShort8 loadRow(const int16_t *block, int row) {
    CJShort8 x;
    memcpy(&x, block + row * 8, sizeof x);
    return x;
}

// Rows become columns.
CJ_INLINE void transpose(CJShort8 r[8]) {
    CJShort8 a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = __builtin_shufflevector(r[i], r[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        a[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        r[2 * i] = __builtin_shufflevector(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        r[2 * i + 1] = __builtin_shufflevector(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

CJ_INLINE CJShort8 descale(CJInt8 x, int places) {
    return __builtin_convertvector((x + (1 << (places - 1))) >> places, CJShort8);
}

// One pass of the whole transform over eight columns.
CJ_INLINE void inverse8(CJShort8 x[8], int places) {
    const CJInt8 x0 = widen(x[0]), x1 = widen(x[1]), x2 = widen(x[2]), x3 = widen(x[3]), x4 = widen(x[4]),
                 x5 = widen(x[5]), x6 = widen(x[6]), x7 = widen(x[7]);
    const CJInt8 turn = (x2 + x6) * CJ_FIX(0.541196100);
    const CJInt8 low = turn - x6 * CJ_FIX(1.847759065), high = turn + x2 * CJ_FIX(0.765366865);
    const CJInt8 sum = (x0 + x4) << 13, difference = (x0 - x4) << 13;
    const CJInt8 e0 = sum + high, e3 = sum - high, e1 = difference + low, e2 = difference - low;

    const CJInt8 common = (x7 + x3 + x5 + x1) * CJ_FIX(1.175875602);
    const CJInt8 a = (x7 + x1) * CJ_FIX(0.899976223), b = (x5 + x3) * CJ_FIX(2.562915447);
    const CJInt8 c = common - (x7 + x3) * CJ_FIX(1.961570560), d = common - (x5 + x1) * CJ_FIX(0.390180644);
    const CJInt8 o3 = x7 * CJ_FIX(0.298631336) - a + c, o2 = x5 * CJ_FIX(2.053119869) - b + d,
                 o1 = x3 * CJ_FIX(3.072711026) - b + c, o0 = x1 * CJ_FIX(1.501321110) - a + d;

    x[0] = descale(e0 + o0, places);
    x[7] = descale(e0 - o0, places);
    x[1] = descale(e1 + o1, places);
    x[6] = descale(e1 - o1, places);
    x[2] = descale(e2 + o2, places);
    x[5] = descale(e2 - o2, places);
    x[3] = descale(e3 + o3, places);
    x[4] = descale(e3 - o3, places);
}

// One pass to half the size: x[0..3].
CJ_INLINE void inverse4(CJShort8 x[8], int places) {
    const CJInt8 x1 = widen(x[1]), x3 = widen(x[3]), x5 = widen(x[5]), x7 = widen(x[7]);
    const CJInt8 mean = widen(x[0]) << 14;
    const CJInt8 even = widen(x[2]) * CJ_FIX(1.847759065) - widen(x[6]) * CJ_FIX(0.765366865);
    const CJInt8 inner = x1 * CJ_FIX(1.061594337) - x3 * CJ_FIX(2.172734803) + x5 * CJ_FIX(1.451774981) -
                         x7 * CJ_FIX(0.211164243);
    const CJInt8 outer = x1 * CJ_FIX(2.562915447) + x3 * CJ_FIX(0.899976223) - x5 * CJ_FIX(0.601344887) -
                         x7 * CJ_FIX(0.509795579);
    x[0] = descale(mean + even + outer, places + 1);
    x[3] = descale(mean + even - outer, places + 1);
    x[1] = descale(mean - even + inner, places + 1);
    x[2] = descale(mean - even - inner, places + 1);
}

// One pass to a quarter of the size: x[0..1].
CJ_INLINE void inverse2(CJShort8 x[8], int places) {
    const CJInt8 mean = widen(x[0]) << 15;
    const CJInt8 odd = widen(x[1]) * CJ_FIX(3.624509785) - widen(x[3]) * CJ_FIX(1.272758580) +
                       widen(x[5]) * CJ_FIX(0.850430095) - widen(x[7]) * CJ_FIX(0.720959822);
    x[0] = descale(mean + odd, places + 2);
    x[1] = descale(mean - odd, places + 2);
}

CJ_INLINE CJByte8 toBytes(CJShort8 x) {
    const CJShort8 zero = {0}, most = zero + 255;
    x = __builtin_elementwise_min(__builtin_elementwise_max(x + 128, zero), most);
    return __builtin_convertvector(x, CJByte8);
}

// Writes `size` x `size` samples of a block of coefficients, whose last in the order of the file is `last`.
CJ_INLINE void inverse(
    const int16_t *block, const int16_t *quantization, int32_t last, int size, uint8_t *out, size_t stride
) {
    if (last == 0 || size == 1) {
        int32_t value = (((int16_t)(block[0] * quantization[0]) + 4) >> 3) + 128;
        value = value < 0 ? 0 : value > 255 ? 255 : value;
        for (int y = 0; y < size; y++) memset(out + (size_t)y * stride, value, (size_t)size);
        return;
    }
    CJShort8 x[8];
    for (int i = 0; i < 8; i++) x[i] = loadRow(block, i) * loadRow(quantization, i);
    if (size == 8 && last < 10) {
        // The first ten coefficients lie in the first four rows and columns.
        for (int i = 4; i < 8; i++) x[i] = (CJShort8){0};
        inverse8(x, 11);
        transpose(x);
        for (int i = 4; i < 8; i++) x[i] = (CJShort8){0};
        inverse8(x, 18);
    } else if (size == 8) {
        inverse8(x, 11);
        transpose(x);
        inverse8(x, 18);
    } else if (size == 4) {
        inverse4(x, 11);
        for (int i = size; i < 8; i++) x[i] = (CJShort8){0};
        transpose(x);
        inverse4(x, 18);
    } else {
        inverse2(x, 11);
        for (int i = size; i < 8; i++) x[i] = (CJShort8){0};
        transpose(x);
        inverse2(x, 18);
    }
    for (int i = size; i < 8; i++) x[i] = (CJShort8){0};
    transpose(x);
    for (int y = 0; y < size; y++) {
        const CJByte8 bytes = toBytes(x[y]);
        memcpy(out + (size_t)y * stride, &bytes, (size_t)size);
    }
}
