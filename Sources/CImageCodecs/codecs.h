#include <turbojpeg.h>
#include <spng.h>
#include <webp/decode.h>
#include <webp/encode.h>
