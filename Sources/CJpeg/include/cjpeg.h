// A decoder for the kind of JPEG that data sets consist of, which decodes only the part that is shown.
//
// It reads baseline files of 8 bits: grey, or YCbCr at 4:4:4, 4:2:2 or 4:2:0, in one scan, restart markers
// included. Every pixel equals libjpeg-turbo's (its accurate inverse DCT, its smooth chroma, its reduced sizes),
// whatever part is asked for. For everything else, damage included, it answers CJ_OTHER and the caller asks
// libjpeg-turbo, which also has the words for what is wrong.
//
// No function keeps state; any thread may call them. The bytes are borrowed, they must outlive the image.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum CJStatus {
    CJ_OK = 0,
    CJ_OTHER = 1, // not for this decoder
    CJ_OUT_OF_MEMORY = 2,
} CJStatus;

// A part of an image in pixels, rows from the top.
typedef struct CJRectangle {
    int32_t left, top, width, height;
} CJRectangle;

// A file whose header was read; released with cj_close.
typedef struct CJImage CJImage;

// `out` receives ownership.
CJStatus cj_open(const uint8_t *bytes, size_t count, CJImage **out);
void cj_close(CJImage *image);

// The size of the whole image, as stored: orientation is not applied.
int32_t cj_width(const CJImage *image);
int32_t cj_height(const CJImage *image);

// Writes a part of the image shrunk by `reduction` (1, 2, 4 or 8): `width * height * 3` bytes of RGB. The part is in
// pixels of the shrunk image, whose sides are those of the whole one divided and rounded up, and lies within it.
//
// The whole file is checked to be complete, but only what comes before the end of the part is decoded.
CJStatus cj_decode(const CJImage *image, int32_t reduction, CJRectangle part, uint8_t *rgb);

#ifdef __cplusplus
}
#endif
