// From the bits of a scan to the samples of the components, and on to RGB.
#include "idct.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

// Where the coefficient of a place in the file stands in the block; runs may point behind the end.
static const uint8_t natural[80] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
    6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31,
    39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};

// The samples of a component that a part of the image needs, in whole blocks.
typedef struct Plane {
    int32_t size;           // samples along a block
    int32_t across, down;   // pixels that a sample stands for
    int32_t width, height;  // of the component, in samples
    int32_t left, right, top, bottom; // the blocks, ends excluded
    int32_t first, last;    // the columns of samples that are needed, both included
    size_t stride;
    uint8_t *samples;
} Plane;

typedef struct Decoder {
    const CJImage *image;
    CJRectangle part;
    Plane plane[3];
    int16_t quantization[3][64]; // in the order of the block
    CJHuffman dc[4], ac[4];
    CJEntropy entropy;
    uint8_t *memory;
} Decoder;

static int32_t over(int64_t a, int64_t b) { return (int32_t)((a + b - 1) / b); }
static int32_t atMost(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t atLeast(int32_t a, int32_t b) { return a > b ? a : b; }

static void plan(Decoder *decoder, int32_t reduction) {
    const CJImage *image = decoder->image;
    const CJRectangle part = decoder->part;
    const int32_t maxAcross = image->component[0].across, maxDown = image->component[0].down;
    const int32_t smallest = 8 / reduction;
    for (int i = 0; i < image->components; i++) {
        const CJComponent c = image->component[i];
        Plane *plane = &decoder->plane[i];
        // Chroma of fewer samples is shrunk less.
        int32_t size = smallest;
        while (size < 8 && maxAcross * smallest % (c.across * size * 2) == 0 &&
               maxDown * smallest % (c.down * size * 2) == 0) {
            size *= 2;
        }
        plane->size = size;
        plane->across = maxAcross * smallest / (c.across * size);
        plane->down = maxDown * smallest / (c.down * size);
        plane->width = over((int64_t)image->width * c.across * size, maxAcross * 8);
        plane->height = over((int64_t)image->height * c.down * size, maxDown * 8);
        // Smooth chroma looks at the neighbours.
        const int32_t beyond = plane->across > 1 ? 1 : 0;
        plane->first = atLeast(part.left / plane->across - beyond, 0);
        plane->last = atMost((part.left + part.width - 1) / plane->across + beyond, plane->width - 1);
        const int32_t top = atLeast(part.top / plane->down - beyond, 0);
        const int32_t bottom = atMost((part.top + part.height - 1) / plane->down + beyond, plane->height - 1);
        plane->left = plane->first / size;
        plane->right = plane->last / size + 1;
        plane->top = top / size;
        plane->bottom = bottom / size + 1;
        plane->stride = (size_t)(plane->right - plane->left) * (size_t)size;
    }
}

static CJStatus allocate(Decoder *decoder) {
    size_t size = 0;
    for (int i = 0; i < decoder->image->components; i++) {
        const Plane *plane = &decoder->plane[i];
        size += plane->stride * (size_t)(plane->bottom - plane->top) * (size_t)plane->size;
    }
    uint8_t *next = decoder->memory = malloc(size);
    if (!next) return CJ_OUT_OF_MEMORY;
    for (int i = 0; i < decoder->image->components; i++) {
        Plane *plane = &decoder->plane[i];
        plane->samples = next;
        next += plane->stride * (size_t)(plane->bottom - plane->top) * (size_t)plane->size;
    }
    return CJ_OK;
}

static bool makeTables(Decoder *decoder) {
    const CJImage *image = decoder->image;
    bool isMade[2][4] = {{false}};
    for (int i = 0; i < image->components; i++) {
        const CJComponent c = image->component[i];
        for (int k = 0; k < 64; k++) {
            decoder->quantization[i][natural[k]] = (int16_t)image->quantization[c.quantization][k];
        }
        if (!isMade[0][c.dc] && !cj_huffman(image->huffman[0][c.dc], true, &decoder->dc[c.dc])) return false;
        if (!isMade[1][c.ac] && !cj_huffman(image->huffman[1][c.ac], false, &decoder->ac[c.ac])) return false;
        isMade[0][c.dc] = isMade[1][c.ac] = true;
    }
    return true;
}

// MARK: - Bits

// The next bits, the first of them on top.
typedef struct Bits {
    uint64_t bits;
    int32_t count;
    const uint8_t *next;
} Bits;

// Fills up to at least 56 bits.
CJ_INLINE void refill(Bits *b) {
    uint64_t word;
    memcpy(&word, b->next, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    b->bits |= word >> b->count;
    b->next += (63 - b->count) >> 3;
    b->count |= 56;
}

CJ_INLINE void drop(Bits *b, uint32_t count) {
    b->bits <<= count & 63;
    // The same number; a mask of its own leaves the shift, on which everything waits, without one.
    b->count -= (int32_t)(count & 127);
}

CJ_INLINE uint32_t look(const Bits *b, const CJHuffman *table) { return table->look[b->bits >> (64 - CJ_LOOK)]; }

// What negative values lack, by 64 less their bits.
static const int32_t lacks[64] = {
    [63] = -1,    [62] = -3,    [61] = -7,     [60] = -15,   [59] = -31,   [58] = -63,   [57] = -127,  [56] = -255,
    [55] = -511,  [54] = -1023, [53] = -2047,  [52] = -4095, [51] = -8191, [50] = -16383, [49] = -32767};

// The value of an entry that has one, which is dropped. Values that begin with a zero are negative.
CJ_INLINE int32_t takeValue(Bits *b, uint32_t entry) {
    const uint64_t bits = b->bits << (entry >> 24 & 63);
    const int32_t lack = lacks[entry >> 8 & 63] & (int32_t)~((int64_t)bits >> 63);
    drop(b, entry);
    return (int32_t)(bits >> (entry >> 8 & 63)) + lack;
}

// The entry of a code that is longer than the table looks, which is not dropped; 0 where no code fits.
static uint32_t longEntry(const Bits *b, const CJHuffman *table, bool isDC) {
    const int32_t ahead = (int32_t)(b->bits >> 48);
    int length = CJ_LOOK + 1;
    while (ahead >= table->limit[length]) length++;
    if (length > 16) return 0;
    return cj_entry(isDC, length, table->symbols[((ahead >> (16 - length)) + table->offset[length]) & 255]);
}

// Reads a block and keeps its coefficients, if they are wanted; the number of the last one, or -1 for no block.
CJ_INLINE int32_t readBlock(
    Bits *bits, const CJHuffman *dc, const CJHuffman *ac, uint32_t *previous, bool isWanted, int16_t *block
) {
    Bits b = *bits;
    refill(&b);
    uint32_t entry = look(&b, dc);
    if (entry == CJ_SPECIAL) entry = longEntry(&b, dc, true);
    if (!entry) return -1;
    if (entry & CJ_SPECIAL) drop(&b, entry);
    else *previous += (uint32_t)takeValue(&b, entry);
    if (isWanted) block[0] = (int16_t)*previous;
    int32_t k = 1, last = 0;
    do {
        refill(&b);
        // A code that the table sees and its value are at most 26 bits: there are two for certain.
        for (int i = 0; i < 2; i++) {
            entry = look(&b, ac);
            if (CJ_LIKELY(!(entry & CJ_SPECIAL))) {
                k += (int32_t)(entry >> 16 & 15);
                const int32_t value = takeValue(&b, entry);
                if (isWanted) block[natural[k]] = (int16_t)value;
                last = k++;
                if (k > 63) break;
                continue;
            }
            if (entry == CJ_SPECIAL) {
                refill(&b);
                entry = longEntry(&b, ac, false);
                if (!entry) return -1;
                k += (int32_t)(entry >> 16 & 15);
                if (!(entry & CJ_SPECIAL)) {
                    const int32_t value = takeValue(&b, entry);
                    if (isWanted) block[natural[k]] = (int16_t)value;
                    last = k++;
                    break;
                }
                k -= (int32_t)(entry >> 16 & 15);
            }
            drop(&b, entry);
            // Sixteen zeros, or the end of the block.
            k += (entry >> 16 & 15) == 15 ? 16 : 64;
            break;
        }
    } while (k < 64);
    *bits = b;
    return last;
}

// MARK: - The scan

CJ_HOT static bool decodeScan(const Decoder *decoder) {
    const CJImage *image = decoder->image;
    const CJComponent *component = image->component;
    const int32_t across = over(image->width, 8 * component[0].across);
    const int32_t down = over(image->height, 8 * component[0].down);
    // The units of blocks that hold what is needed.
    int32_t left = across, right = 0, top = down, bottom = 0;
    for (int i = 0; i < image->components; i++) {
        const Plane *plane = &decoder->plane[i];
        left = atMost(left, plane->left / component[i].across);
        right = atLeast(right, over(plane->right, component[i].across));
        top = atMost(top, plane->top / component[i].down);
        bottom = atLeast(bottom, over(plane->bottom, component[i].down));
    }
    const int64_t units = (int64_t)across * down, begin = (int64_t)top * across + left;
    const int64_t end = (int64_t)(bottom - 1) * across + right;
    const int64_t interval = image->restart ? image->restart : units;
    int16_t block[64] __attribute__((aligned(32)));
    for (int64_t segment = begin / interval; segment * interval < end; segment++) {
        const uint8_t *start = decoder->entropy.bytes + (segment ? decoder->entropy.ends[segment - 1] : 0);
        const uint8_t *limit = decoder->entropy.bytes + decoder->entropy.ends[segment];
        Bits bits = {.next = start};
        uint32_t previous[3] = {0};
        const int64_t first = segment * interval;
        int64_t stop = first + interval < units ? first + interval : units;
        const bool isWhole = stop <= end;
        if (!isWhole) stop = end;
        int32_t row = (int32_t)(first / across), column = (int32_t)(first % across);
        for (int64_t unit = first; unit < stop; unit++) {
            const bool isNeeded = row >= top && row < bottom && column >= left && column < right;
            for (int i = 0; i < image->components; i++) {
                const CJComponent c = component[i];
                const Plane *plane = &decoder->plane[i];
                const CJHuffman *dc = &decoder->dc[c.dc], *ac = &decoder->ac[c.ac];
                const int16_t *quantization = decoder->quantization[i];
                for (int part = 0; part < c.across * c.down; part++) {
                    const int32_t x = column * c.across + (part & (c.across - 1));
                    const int32_t y = row * c.down + (c.down > 1 ? part >> 1 : 0);
                    const bool isWanted = isNeeded && x >= plane->left && x < plane->right && y >= plane->top &&
                                          y < plane->bottom;
                    if (!isWanted) {
                        if (readBlock(&bits, dc, ac, &previous[i], false, block) < 0) return false;
                        continue;
                    }
                    memset(block, 0, sizeof block);
                    const int32_t last = readBlock(&bits, dc, ac, &previous[i], true, block);
                    if (last < 0) return false;
                    const int32_t size = plane->size;
                    uint8_t *out = plane->samples + (size_t)(y - plane->top) * (size_t)size * plane->stride +
                                   (size_t)(x - plane->left) * (size_t)size;
                    if (size == 8) inverse(block, quantization, last, 8, out, plane->stride);
                    else if (size == 4) inverse(block, quantization, last, 4, out, plane->stride);
                    else if (size == 2) inverse(block, quantization, last, 2, out, plane->stride);
                    else inverse(block, quantization, last, 1, out, plane->stride);
                }
            }
            if (bits.next - limit > 8) return false;
            if (++column == across) {
                column = 0;
                row++;
            }
        }
        // A segment ends where its data ends, but for the bits that fill the last byte.
        const int64_t rest = (limit - bits.next) * 8 + bits.count;
        if (rest < 0 || (isWhole && rest > 7)) return false;
    }
    return true;
}

// MARK: - Colour

// Twice as many samples along a row; `far` is the nearer row of neighbours where the other direction doubles, too.
CJ_INLINE void doubleRow(
    const uint8_t *restrict near, const uint8_t *restrict far, int32_t count, int16_t *restrict sums,
    uint8_t *restrict out
) {
    int16_t *restrict middle = sums + 1;
    if (far) {
        for (int32_t i = 0; i < count; i++) middle[i] = (int16_t)(3 * near[i] + far[i]);
    } else {
        for (int32_t i = 0; i < count; i++) middle[i] = near[i];
    }
    sums[0] = middle[0];
    middle[count] = middle[count - 1];
    const int shift = far ? 4 : 2, early = far ? 8 : 1, late = far ? 7 : 2;
    for (int32_t i = 0; i < count; i++) {
        out[2 * i] = (uint8_t)((3 * sums[i + 1] + sums[i] + early) >> shift);
        out[2 * i + 1] = (uint8_t)((3 * sums[i + 1] + sums[i + 2] + late) >> shift);
    }
}

CJ_INLINE uint8_t clamp(int32_t x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

// BT.601 with 16 binary places.
CJ_INLINE void convertRow(
    const uint8_t *restrict luma, const uint8_t *restrict cb, const uint8_t *restrict cr, int32_t count,
    uint8_t *restrict rgb
) {
    for (int32_t i = 0; i < count; i++) {
        const int32_t y = luma[i], b = cb[i] - 128, r = cr[i] - 128;
        rgb[3 * i] = clamp(y + ((91881 * r + 32768) >> 16));
        rgb[3 * i + 1] = clamp(y + ((-22554 * b - 46802 * r + 32768) >> 16));
        rgb[3 * i + 2] = clamp(y + ((116130 * b + 32768) >> 16));
    }
}

// A row of chroma at the image's size.
CJ_INLINE const uint8_t *chromaRow(
    const Plane *plane, CJRectangle part, int32_t y, bool isSmooth, int16_t *sums, uint8_t *out
) {
    const int32_t row = y / plane->down, top = plane->top * plane->size, left = plane->left * plane->size;
    const uint8_t *near = plane->samples + (size_t)(row - top) * plane->stride;
    if (plane->across == 1) return near + (part.left - left);
    near += plane->first - left;
    const int32_t count = plane->last - plane->first + 1;
    if (!isSmooth) {
        for (int32_t i = 0; i < count; i++) out[2 * i] = out[2 * i + 1] = near[i];
    } else if (plane->down == 1) {
        doubleRow(near, NULL, count, sums, out);
    } else {
        const int32_t other = atMost(atLeast(y & 1 ? row + 1 : row - 1, 0), plane->height - 1);
        doubleRow(near, near + (ptrdiff_t)(other - row) * (ptrdiff_t)plane->stride, count, sums, out);
    }
    return out + (part.left - 2 * plane->first);
}

CJ_HOT static void convert(const Decoder *decoder, bool isSmooth, uint8_t *rows, uint8_t *rgb) {
    const CJRectangle part = decoder->part;
    const Plane *plane = decoder->plane;
    const size_t length = 2 * (size_t)(plane[1].last - plane[1].first + 3);
    int16_t *sums = (int16_t *)(void *)rows;
    for (int32_t y = part.top; y < part.top + part.height; y++) {
        const uint8_t *luma = plane[0].samples + (size_t)(y - plane[0].top * plane[0].size) * plane[0].stride +
                              (part.left - plane[0].left * plane[0].size);
        uint8_t *out = rgb + (size_t)(y - part.top) * (size_t)part.width * 3;
        if (decoder->image->components == 1) {
            for (int32_t i = 0; i < part.width; i++) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = luma[i];
            continue;
        }
        const uint8_t *cb = chromaRow(&plane[1], part, y, isSmooth, sums, rows + length);
        const uint8_t *cr = chromaRow(&plane[2], part, y, isSmooth, sums, rows + 2 * length);
        convertRow(luma, cb, cr, part.width, out);
    }
}

// MARK: - All of it

static CJStatus run(Decoder *decoder, int32_t reduction, uint8_t *rgb) {
    plan(decoder, reduction);
    // libjpeg does not smooth chroma of two columns, nor single samples.
    const Plane *chroma = &decoder->plane[1];
    const bool isSmooth = reduction < 8 && chroma->width > 2;
    if (!makeTables(decoder)) return CJ_OTHER;
    CJStatus status = cj_unstuff(decoder->image, &decoder->entropy);
    if (status == CJ_OK) status = allocate(decoder);
    if (status != CJ_OK) return status;
    if (!decodeScan(decoder)) return CJ_OTHER;
    uint8_t *rows = malloc(6 * (size_t)(chroma->last - chroma->first + 3));
    if (!rows) return CJ_OUT_OF_MEMORY;
    convert(decoder, isSmooth, rows, rgb);
    free(rows);
    return CJ_OK;
}

CJStatus cj_decode(const CJImage *image, int32_t reduction, CJRectangle part, uint8_t *rgb) {
    const bool isReduction = reduction == 1 || reduction == 2 || reduction == 4 || reduction == 8;
    if (!isReduction || part.left < 0 || part.top < 0 || part.width <= 0 || part.height <= 0 ||
        part.width > over(image->width, reduction) - part.left ||
        part.height > over(image->height, reduction) - part.top) {
        return CJ_OTHER;
    }
    Decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return CJ_OUT_OF_MEMORY;
    decoder->image = image;
    decoder->part = part;
    const CJStatus status = run(decoder, reduction, rgb);
    cj_free_entropy(&decoder->entropy);
    free(decoder->memory);
    free(decoder);
    return status;
}
