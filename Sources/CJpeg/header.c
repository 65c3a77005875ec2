// Markers and tables, up to the first byte of the scan.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

CJ_INLINE int32_t word(const uint8_t *p) { return p[0] << 8 | p[1]; }

static bool readQuantization(const uint8_t *p, const uint8_t *end, CJImage *image) {
    while (p < end) {
        const int precision = *p >> 4, index = *p & 15;
        p++;
        if (precision > 1 || index > 3 || end - p < 64 * (precision + 1)) return false;
        for (int i = 0; i < 64; i++, p += precision + 1) {
            image->quantization[index][i] = (uint16_t)(precision ? word(p) : *p);
        }
        image->hasQuantization[index] = true;
    }
    return true;
}

static bool readHuffman(const uint8_t *p, const uint8_t *end, CJImage *image) {
    while (p < end) {
        const int kind = *p >> 4, index = *p & 15;
        p++;
        if (kind > 1 || index > 3 || end - p < 16) return false;
        int symbols = 0;
        for (int i = 0; i < 16; i++) symbols += p[i];
        if (symbols > 256 || end - p < 16 + symbols) return false;
        image->huffman[kind][index] = p;
        p += 16 + symbols;
    }
    return true;
}

static bool readFrame(const uint8_t *p, const uint8_t *end, CJImage *image) {
    if (end - p < 6 || p[0] != 8 || image->components) return false;
    image->height = word(p + 1);
    image->width = word(p + 3);
    const int components = p[5];
    if (!image->width || !image->height || (components != 1 && components != 3)) return false;
    if (end - p != 6 + 3 * components) return false;
    image->components = components;
    for (int i = 0; i < components; i++) {
        const uint8_t *q = p + 6 + 3 * i;
        image->component[i] = (CJComponent){
            .id = q[0], .across = q[1] >> 4, .down = q[1] & 15, .quantization = q[2]};
        if (q[2] > 3) return false;
    }
    CJComponent *c = image->component;
    if (components == 1) {
        // The blocks of a lone component stand one by one, whatever the factors say.
        c->across = c->down = 1;
        return true;
    }
    const bool isKnown = (c->across == 1 || c->across == 2) && c->down >= 1 && c->down <= c->across;
    return isKnown && c[1].across == 1 && c[1].down == 1 && c[2].across == 1 && c[2].down == 1;
}

static bool readScan(const uint8_t *p, const uint8_t *end, CJImage *image) {
    const int components = image->components;
    if (!components || end - p != 4 + 2 * components || p[0] != components) return false;
    for (int i = 0; i < components; i++) {
        CJComponent *c = &image->component[i];
        const uint8_t *q = p + 1 + 2 * i;
        c->dc = q[1] >> 4;
        c->ac = q[1] & 15;
        if (q[0] != c->id || c->dc > 3 || c->ac > 3) return false;
        if (!image->huffman[0][c->dc] || !image->huffman[1][c->ac]) return false;
        if (!image->hasQuantization[c->quantization]) return false;
    }
    const uint8_t *q = p + 1 + 2 * components;
    return q[0] == 0 && q[1] == 63 && q[2] == 0;
}

// Whether three components are YCbCr, by the rules of libjpeg.
static bool isYCbCr(const CJImage *image, bool isJFIF, int adobe) {
    if (isJFIF) return true;
    if (adobe >= 0) return adobe == 1;
    const CJComponent *c = image->component;
    return c[0].id == 1 && c[1].id == 2 && c[2].id == 3;
}

bool cj_read_header(const uint8_t *bytes, size_t count, CJImage *image) {
    *image = (CJImage){.bytes = bytes, .count = count};
    if (count < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) return false;
    const uint8_t *p = bytes + 2, *end = bytes + count;
    bool isJFIF = false;
    int adobe = -1;
    while (end - p >= 4) {
        if (p[0] != 0xFF) return false;
        const uint8_t marker = p[1];
        if (marker == 0xFF) {
            p++;
            continue;
        }
        const int length = word(p + 2);
        if (length < 2 || end - p < 2 + length) return false;
        const uint8_t *body = p + 4, *next = p + 2 + length;
        p = next;
        bool isGood = true;
        switch (marker) {
        case 0xDB: isGood = readQuantization(body, next, image); break;
        case 0xC4: isGood = readHuffman(body, next, image); break;
        case 0xC0: case 0xC1: isGood = readFrame(body, next, image); break;
        case 0xDD:
            isGood = next - body == 2;
            if (isGood) image->restart = word(body);
            break;
        case 0xDA:
            image->entropy = (size_t)(next - bytes);
            return readScan(body, next, image) &&
                   (image->components == 1 || isYCbCr(image, isJFIF, adobe));
        case 0xE0: isJFIF = isJFIF || (next - body >= 14 && !memcmp(body, "JFIF", 5)); break;
        case 0xEE:
            if (next - body >= 12 && !memcmp(body, "Adobe", 5)) adobe = body[11];
            break;
        default: isGood = marker > 0xE0 || marker == 0xFE; break;
        }
        if (!isGood) return false;
    }
    return false;
}

CJStatus cj_open(const uint8_t *bytes, size_t count, CJImage **out) {
    CJImage *image = malloc(sizeof *image);
    *out = NULL;
    if (!image) return CJ_OUT_OF_MEMORY;
    if (!cj_read_header(bytes, count, image)) {
        free(image);
        return CJ_OTHER;
    }
    *out = image;
    return CJ_OK;
}

void cj_close(CJImage *image) { free(image); }
int32_t cj_width(const CJImage *image) { return image->width; }
int32_t cj_height(const CJImage *image) { return image->height; }
