// What this processor can do.
#include <cpuid.h>

#include "include/ckernels.h"

namespace {

struct Processor {
    bool bf16 = false, tiles = false;

    Processor() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        // The system must keep the 512-bit registers and their masks.
        if ((low & 0xe6) != 0xe6) return;
        if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
        const bool avx512 = (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512VL) && (b & bit_AVX512DQ);
        const bool amx = (d & (1u << 24)) && (d & (1u << 22)) && (low & 0x60000) == 0x60000;
        if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return;
        bf16 = avx512 && (a & (1u << 5));
        tiles = bf16 && amx;
    }
};

const Processor &processor() {
    static const Processor found;
    return found;
}

}  // namespace

bool ck_available(void) { return processor().bf16; }
bool ck_has_tiles(void) { return processor().tiles; }
