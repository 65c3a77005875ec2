// The one image operation that loader threads call per picture.
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <vector>

#include "ctorch_internal.h"

using namespace ct;

namespace {

constexpr int64_t channels = 3;

// A [1, 3, H, W] view over HWC bytes: channels-last, the layout that has libtorch's fast uint8 kernel.
at::Tensor view(uint8_t *pixels, int64_t height, int64_t width) {
    return at::from_blob(pixels, {1, channels, height, width},
                         {height * width * channels, 1, width * channels, channels},
                         at::TensorOptions().dtype(at::kByte));
}

void mirror(uint8_t *pixels, int64_t height, int64_t width) {
    for (int64_t y = 0; y < height; y++) {
        uint8_t *left = pixels + y * width * channels, *right = left + (width - 1) * channels;
        for (; left < right; left += channels, right -= channels) std::swap_ranges(left, left + channels, right);
    }
}

}  // namespace

extern "C" CTStatus ct_resize_rgb8(const uint8_t *source, CTResize plan, uint8_t *destination) {
    return guarded([&] {
        TORCH_CHECK(plan.top >= 0 && plan.left >= 0 && plan.crop_height > 0 && plan.crop_width > 0 &&
                        plan.top + plan.crop_height <= plan.height && plan.left + plan.crop_width <= plan.width,
                    "crop of size ", plan.crop_width, "x", plan.crop_height, " at ", plan.left, ",", plan.top,
                    " does not lie in an image of size ", plan.width, "x", plan.height);
        TORCH_CHECK(plan.output_height > 0 && plan.output_width > 0, "output size must be positive");
        c10::InferenceMode inference;
        const size_t row = size_t(plan.crop_width * channels);
        const uint8_t *origin = source + (plan.top * plan.width + plan.left) * channels;
        const bool sameSize = plan.crop_height == plan.output_height && plan.crop_width == plan.output_width;
        const bool wholeRows = plan.crop_width == plan.width;
        std::vector<uint8_t> crop;
        if (sameSize || !wholeRows) {
            uint8_t *rows = destination;
            if (!sameSize) {
                crop.resize(row * size_t(plan.crop_height));
                rows = crop.data();
            }
            for (int64_t y = 0; y < plan.crop_height; y++) {
                std::memcpy(rows + size_t(y) * row, origin + y * plan.width * channels, row);
            }
            origin = rows;
        }
        if (!sameSize) {
            auto input = view(const_cast<uint8_t *>(origin), plan.crop_height, plan.crop_width);
            auto output = view(destination, plan.output_height, plan.output_width);
            if (plan.cubic) {
                at::_upsample_bicubic2d_aa_out(output, input, {plan.output_height, plan.output_width}, false);
            } else {
                at::_upsample_bilinear2d_aa_out(output, input, {plan.output_height, plan.output_width}, false);
            }
        }
        if (plan.flip) mirror(destination, plan.output_height, plan.output_width);
    });
}
