// The backward pass of depthwise convolutions over channels that lie innermost in memory.
#include "include/ckernels.h"
#include "parallel.h"
#include "vectors.h"

KERNELS_BEGIN
namespace kernels {
namespace {

constexpr int64_t largest = 7;  // side of a kernel
constexpr int64_t wide = 4;     // registers of channels that are worked on at a time

// The outputs that one input place went into along one dimension: where they are, and by which tap.
struct Taps {
    int64_t count = 0, output[largest], tap[largest];

    Taps(int64_t place, int64_t outputs, const CKDepthwise &s) {
        for (int64_t tap_ = 0; tap_ < s.kernel; tap_++) {
            const int64_t at = place + s.padding - tap_;
            if (at < 0 || at % s.stride != 0 || at / s.stride >= outputs) continue;
            output[count] = at / s.stride;
            tap[count++] = tap_;
        }
    }
};

template <int Wide, class T>
inline void place(const CKDepthwise &s, const T *gradient, const float *weight, const Taps &down, const Taps &across,
                  const __mmask16 *mask, T *out) {
    Floats sums[Wide];
    for (int i = 0; i < Wide; i++) sums[i] = _mm512_setzero_ps();
    for (int64_t y = 0; y < down.count; y++)
        for (int64_t x = 0; x < across.count; x++) {
            const T *g = gradient + (down.output[y] * s.out_width + across.output[x]) * s.channels;
            const float *w = weight + (down.tap[y] * s.kernel + across.tap[x]) * s.channels;
            for (int i = 0; i < Wide; i++)
                sums[i] = _mm512_fmadd_ps(load(g + i * lanes, mask[i]), load(w + i * lanes, mask[i]), sums[i]);
        }
    for (int i = 0; i < Wide; i++) store(out + i * lanes, sums[i], mask[i]);
}

// The gradient of rows of the input; row numbers run over all images.
template <class T>
void inputRows(const CKDepthwise &s, const T *gradient, const float *weight, T *out, int64_t start, int64_t end) {
    std::vector<Taps> columns;
    for (int64_t x = 0; x < s.width; x++) columns.emplace_back(x, s.out_width, s);
    for (int64_t row = start; row < end; row++) {
        const Taps down(row % s.height, s.out_height, s);
        const T *image = gradient + row / s.height * s.out_height * s.out_width * s.channels;
        for (int64_t c = 0; c < s.channels; c += wide * lanes) {
            const int64_t count = std::min(wide, (s.channels - c + lanes - 1) / lanes);
            __mmask16 mask[wide];
            for (int64_t i = 0; i < wide; i++) mask[i] = first(std::max<int64_t>(0, s.channels - c - i * lanes));
            for (int64_t x = 0; x < s.width; x++) {
                T *to = out + (row * s.width + x) * s.channels + c;
                const Taps &across = columns[size_t(x)];
                switch (count) {
                case 4: place<4>(s, image + c, weight + c, down, across, mask, to); break;
                case 3: place<3>(s, image + c, weight + c, down, across, mask, to); break;
                case 2: place<2>(s, image + c, weight + c, down, across, mask, to); break;
                default: place<1>(s, image + c, weight + c, down, across, mask, to);
                }
            }
        }
    }
}

// One row of taps: sums[tap] += g(x) · input(x · stride − padding + tap) over the places of an output row.
template <int K, class T>
inline void tapRow(const CKDepthwise &s, const T *input, const T *gradient, __mmask16 mask, float *sums) {
    Floats totals[K];
    for (int k = 0; k < K; k++) totals[k] = load(sums + k * s.channels, mask);
    for (int64_t x = 0; x < s.out_width; x++) {
        const Floats g = load(gradient + x * s.channels, mask);
        const int64_t left = x * s.stride - s.padding;
        if (left >= 0 && left + K <= s.width) {
            for (int k = 0; k < K; k++)
                totals[k] = _mm512_fmadd_ps(g, load(input + (left + k) * s.channels, mask), totals[k]);
        } else {
            for (int k = 0; k < K; k++) {
                if (left + k < 0 || left + k >= s.width) continue;
                totals[k] = _mm512_fmadd_ps(g, load(input + (left + k) * s.channels, mask), totals[k]);
            }
        }
    }
    for (int k = 0; k < K; k++) store(sums + k * s.channels, totals[k], mask);
}

// Adds the weight's gradient from images start..<end to `sums`.
template <class T>
void weights(const CKDepthwise &s, const T *input, const T *gradient, float *sums, int64_t start, int64_t end) {
    for (int64_t image = start; image < end; image++)
        for (int64_t y = 0; y < s.out_height; y++)
            for (int64_t tap = 0; tap < s.kernel; tap++) {
                const int64_t row = y * s.stride - s.padding + tap;
                if (row < 0 || row >= s.height) continue;
                for (int64_t c = 0; c < s.channels; c += lanes) {
                    const T *from = input + (image * s.height + row) * s.width * s.channels + c;
                    const T *g = gradient + (image * s.out_height + y) * s.out_width * s.channels + c;
                    float *to = sums + tap * s.kernel * s.channels + c;
                    const __mmask16 mask = first(s.channels - c);
                    switch (s.kernel) {
                    case 1: tapRow<1>(s, from, g, mask, to); break;
                    case 2: tapRow<2>(s, from, g, mask, to); break;
                    case 3: tapRow<3>(s, from, g, mask, to); break;
                    case 4: tapRow<4>(s, from, g, mask, to); break;
                    case 5: tapRow<5>(s, from, g, mask, to); break;
                    case 6: tapRow<6>(s, from, g, mask, to); break;
                    default: tapRow<7>(s, from, g, mask, to);
                    }
                }
            }
}

}  // namespace
}  // namespace kernels
KERNELS_END

void ck_depthwise_backward(const CKDepthwise *s, const void *x, const float *weight, const void *gradient,
                           void *x_gradient, float *weight_gradient) {
    const auto run = [&](auto type) {
        using T = decltype(type);
        const T *input = static_cast<const T *>(x), *g = static_cast<const T *>(gradient);
        if (x_gradient) {
            kernels::shares(s->batch * s->height, s->threads, [&](int64_t start, int64_t end) {
                kernels::inputRows(*s, g, weight, static_cast<T *>(x_gradient), start, end);
            });
        }
        if (weight_gradient) {
            // A few images a piece, whatever the threads: more would cost memory for large kernels.
            const int64_t piece = std::max<int64_t>(1, s->batch / 32), width = s->kernel * s->kernel * s->channels;
            kernels::sumOverRows(
                s->batch, piece, width, &weight_gradient, 1, s->threads,
                [&](int64_t start, int64_t end, float *sums) { kernels::weights(*s, input, g, sums, start, end); });
        }
    };
    if (s->reduced) run(ck_bf16());
    else run(float());
}
