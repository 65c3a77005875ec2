// What stands before Huffman decoding: the plain bits of a scan, and the tables.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

CJStatus cj_unstuff(const CJImage *image, CJEntropy *entropy) {
    const uint8_t *p = image->bytes + image->entropy, *end = image->bytes + image->count;
    const CJComponent *first = image->component;
    const size_t across = (size_t)(image->width + 8 * first->across - 1) / (8 * first->across);
    const size_t down = (size_t)(image->height + 8 * first->down - 1) / (8 * first->down);
    const size_t interval = image->restart ? (size_t)image->restart : across * down;
    const size_t expected = (across * down + interval - 1) / interval;
    // A segment has at least a byte and a marker; a table for more would be memory for a lie.
    if (expected > (size_t)(end - p)) return CJ_OTHER;
    *entropy = (CJEntropy){
        .bytes = malloc((size_t)(end - p) + CJ_PADDING), .ends = malloc(expected * sizeof(size_t))};
    if (!entropy->bytes || !entropy->ends) {
        cj_free_entropy(entropy);
        return CJ_OUT_OF_MEMORY;
    }
    uint8_t *out = entropy->bytes;
    while (p < end) {
        const uint8_t *mark = memchr(p, 0xFF, (size_t)(end - p));
        if (!mark || mark + 1 >= end) break;
        memcpy(out, p, (size_t)(mark - p));
        out += mark - p;
        const uint8_t code = mark[1];
        p = mark + 2;
        if (code == 0) {
            *out++ = 0xFF;
            continue;
        }
        entropy->ends[entropy->segments++] = (size_t)(out - entropy->bytes);
        const bool isLast = entropy->segments == expected;
        if (isLast && code == 0xD9) {
            entropy->count = (size_t)(out - entropy->bytes);
            memset(out, 0, CJ_PADDING);
            return CJ_OK;
        }
        if (isLast || code != 0xD0 + ((entropy->segments - 1) & 7)) break;
    }
    cj_free_entropy(entropy);
    return CJ_OTHER;
}

void cj_free_entropy(CJEntropy *entropy) {
    free(entropy->bytes);
    free(entropy->ends);
    *entropy = (CJEntropy){0};
}

uint32_t cj_entry(bool isDC, int length, uint8_t symbol) {
    const uint32_t size = isDC ? symbol : symbol & 15, run = isDC ? 0 : symbol >> 4, code = (uint32_t)length;
    return code << 24 | run << 16 | (64 - size) << 8 | (code + size) | (size == 0 ? CJ_SPECIAL : 0);
}

bool cj_huffman(const uint8_t *counts, bool isDC, CJHuffman *table) {
    for (int i = 0; i < 1 << CJ_LOOK; i++) table->look[i] = CJ_SPECIAL;
    const uint8_t *symbols = counts + 16;
    int32_t code = 0, used = 0;
    for (int length = 1; length <= 16; length++, code <<= 1) {
        table->offset[length] = used - code;
        for (int i = 0; i < counts[length - 1]; i++, used++, code++) {
            if (used > 255 || code >= 1 << length || (isDC && symbols[used] > 15)) return false;
            table->symbols[used] = symbols[used];
            if (length > CJ_LOOK) continue;
            const uint32_t found = cj_entry(isDC, length, symbols[used]);
            for (int rest = 0; rest < 1 << (CJ_LOOK - length); rest++) {
                table->look[(code << (CJ_LOOK - length)) + rest] = found;
            }
        }
        // As in libjpeg, the code of ones alone belongs to nobody.
        if (code >= 1 << length) return false;
        table->limit[length] = code << (16 - length);
    }
    table->limit[17] = INT32_MAX;
    return true;
}
