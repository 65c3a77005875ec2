// Convolutions and batch normalisation, through kernels of our own where channels lie innermost in memory on the CPU.
//
// libtorch 2.13 spends most of a MobileNet's step on the backward passes of depthwise convolutions (strided ones in
// bf16 take the reference path), of batch normalisation and of ReLU6.
#include "ctorch_fused.h"
#include "ctorch_group.h"

using namespace ct;

static_assert(int(CT_RELU) == int(CK_RELU) && int(CT_RELU6) == int(CK_RELU6) &&
              int(CT_HARDSWISH) == int(CK_HARDSWISH) && int(CT_SILU) == int(CK_SILU));

namespace {

// Whether our kernels can read an image batch as rows of channels.
bool hasInnermostChannels(const at::Tensor &x) {
    return hasKernels() && !torch::jit::tracer::isTracing() && x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 &&
           (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
           x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor channelsLast(const at::Tensor &a, at::ScalarType type) {
    return a.to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// MARK: - Depthwise convolutions

struct Depthwise : torch::autograd::Function<Depthwise> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const Maybe &bias, const at::Tensor &used, int64_t stride, int64_t padding) {
        auto guard = withoutAutocast();
        auto type = used.scalar_type();
        auto input = channelsLast(x, type);
        auto y = at::conv2d(input, used, bias ? Maybe(bias->to(type)) : bias, stride, padding, 1, weight.size(0));
        context->save_for_backward({input, used});
        context->saved_data["bias"] = bias.has_value();
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        return y;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1];
        auto g = channelsLast(gradients[0], x.scalar_type());
        const CKDepthwise shape{x.size(0),
                                x.size(1),
                                x.size(2),
                                x.size(3),
                                g.size(2),
                                g.size(3),
                                weight.size(2),
                                context->saved_data["stride"].toInt(),
                                context->saved_data["padding"].toInt(),
                                x.scalar_type() == at::kBFloat16,
                                threads()};
        auto taps = weight.to(at::kFloat).permute({2, 3, 1, 0}).contiguous();
        at::Tensor ofX, ofTaps, ofWeight, ofBias;
        if (context->needs_input_grad(0)) ofX = at::empty_like(x);
        if (context->needs_input_grad(1)) ofTaps = at::empty_like(taps);
        ck_depthwise_backward(&shape, x.data_ptr(), floats(taps), g.data_ptr(), ofX.defined() ? ofX.data_ptr() : nullptr,
                              floats(ofTaps));
        if (ofTaps.defined()) ofWeight = ofTaps.permute({3, 2, 0, 1}).contiguous();
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) {
            ofBias = g.sum({0, 2, 3}, false, at::kFloat);
        }
        return {ofX, ofWeight, ofBias, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

// Each channel so many times in a row.
at::Tensor repeatChannels(const at::Tensor &x, int64_t times) {
    auto places = x.permute({0, 2, 3, 1}).unsqueeze(-1);
    return places.expand({-1, -1, -1, -1, times})
        .reshape({x.size(0), x.size(2), x.size(3), x.size(1) * times})
        .permute({0, 3, 1, 2});
}

bool all(const int64_t *pair, int64_t value) { return pair[0] == value && pair[1] == value; }

at::Tensor convolve(CTTensor a, CTTensor weights, CTTensor biases, const int64_t *stride, const int64_t *padding,
                    const int64_t *dilation, int64_t groups) {
    auto &x = a_(a), &weight = a_(weights);
    auto bias = opt_(biases);
    const bool square = weight.dim() == 4 && weight.size(2) == weight.size(3) && all(dilation, 1);
    const bool casts = inReducedPrecision(x);
    if (square && hasInnermostChannels(x) && weight.scalar_type() == at::kFloat &&
        (casts || x.scalar_type() == at::kFloat) && x.size(1) == weight.size(1) * groups) {
        const int64_t outputs = weight.size(0), kernel = weight.size(2);
        if (groups == 1 && kernel == 1 && all(stride, 1) && all(padding, 0)) {
            // A matrix product with the places as rows.
            auto rows = x.permute({0, 2, 3, 1}), matrix = weight.view({outputs, weight.size(1)});
            auto y = casts ? Linear::apply(rows, matrix, bias, reduced(weights).view(matrix.sizes()))
                           : at::linear(rows, matrix, bias);
            return y.permute({0, 3, 1, 2});
        }
        if (groups == x.size(1) && outputs % groups == 0 && kernel <= 7 && stride[0] == stride[1] &&
            padding[0] == padding[1]) {
            // With several outputs for each channel libtorch gathers patches; copies of the channels are cheaper.
            auto wide = outputs == groups ? x : repeatChannels(x, outputs / groups);
            return Depthwise::apply(wide, weight, bias, casts ? reduced(weights) : weight.detach(), stride[0],
                                    padding[0]);
        }
    }
    return at::conv2d(x, weight, bias, ints_(stride, 2), ints_(padding, 2), ints_(dilation, 2), groups);
}

// MARK: - Batch normalisation

at::Tensor activate(const at::Tensor &x, CTActivation activation) {
    switch (activation) {
    case CT_RELU: return at::relu(x);
    case CT_RELU6: return at::relu6(x);
    case CT_HARDSWISH: return at::hardswish(x);
    case CT_SILU: return at::silu(x);
    default: return x;
    }
}

CKBatchNorm normShape(const at::Tensor &x, int64_t activation, bool fixed) {
    return {x.numel() / x.size(1), x.size(1), int32_t(activation), x.scalar_type() == at::kBFloat16, fixed, threads()};
}

struct BatchNorm : torch::autograd::Function<BatchNorm> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &bias, const at::Tensor &mean, const at::Tensor &inverse,
                              int64_t activation, bool fixed) {
        auto guard = withoutAutocast();
        auto shape = normShape(x, activation, fixed);
        auto out = at::empty_like(x);
        ck_batch_norm(&shape, x.data_ptr(), floats(mean), floats(inverse), floats(weight), floats(bias),
                      out.data_ptr());
        context->save_for_backward({x, weight, bias, mean, inverse});
        context->saved_data["activation"] = activation;
        context->saved_data["fixed"] = fixed;
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1], &bias = saved[2];
        auto shape = normShape(x, context->saved_data["activation"].toInt(), context->saved_data["fixed"].toBool());
        auto g = channelsLast(gradients[0], x.scalar_type());
        auto ofX = at::empty_like(x);
        auto ofWeight = at::empty_like(weight), ofBias = at::empty_like(bias);
        ck_batch_norm_backward(&shape, x.data_ptr(), g.data_ptr(), floats(saved[3]), floats(saved[4]), floats(weight),
                               floats(bias), ofX.data_ptr(), floats(ofWeight), floats(ofBias));
        return {ofX, ofWeight, ofBias, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

bool isPlain(const at::Tensor &a, int64_t channels) {
    return a.defined() && a.scalar_type() == at::kFloat && a.dim() == 1 && a.size(0) == channels && a.is_contiguous() &&
           a.device().is_cpu();
}

at::Tensor normalise(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, at::Tensor runningMean,
                     at::Tensor runningVariance, bool training, double momentum, double eps,
                     CTActivation activation) {
    if (training && statisticsAreShared()) {
        auto orNothing = [](const at::Tensor &a) { return a.defined() ? Maybe(a) : std::nullopt; };
        return activate(normaliseOverAll(x, orNothing(weight), orNothing(bias), runningMean, runningVariance, momentum,
                                         eps),
                        activation);
    }
    const int64_t channels = x.dim() == 4 ? x.size(1) : 0, rows = channels > 0 ? x.numel() / channels : 0;
    if (!hasInnermostChannels(x) || (training && rows < 2) || !isPlain(weight, channels) || !isPlain(bias, channels) ||
        !isPlain(runningMean, channels) || !isPlain(runningVariance, channels)) {
        return activate(at::batch_norm(x, weight, bias, runningMean, runningVariance, training, momentum, eps,
                                       /*cudnn_enabled=*/true),
                        activation);
    }
    at::Tensor mean, variance;
    {
        at::NoGradGuard noGrad;
        if (training) {
            mean = at::empty_like(runningMean);
            variance = at::empty_like(runningVariance);
            auto shape = normShape(x, CK_NONE, false);
            ck_batch_statistics(&shape, x.data_ptr(), floats(mean), floats(variance));
            runningMean.lerp_(mean, momentum);
            runningVariance.lerp_(variance * (double(rows) / double(rows - 1)), momentum);
        } else {
            // A copy: the running ones may change before the backward pass.
            mean = runningMean.clone();
            variance = runningVariance;
        }
        variance = (variance + eps).rsqrt();
    }
    return BatchNorm::apply(x, weight, bias, mean, variance, int64_t(activation), !training);
}

}  // namespace

extern "C" {

CTStatus ct_conv2d(CTTensor a, CTTensor weight, CTTensor bias, const int64_t *stride, const int64_t *padding,
                   const int64_t *dilation, int64_t groups, CTTensor *out) {
    return guarded([&] { *out = made(convolve(a, weight, bias, stride, padding, dilation, groups)); });
}

CTStatus ct_batch_norm(CTTensor a, CTTensor weight, CTTensor bias, CTTensor running_mean, CTTensor running_var,
                       bool training, double momentum, double eps, CTActivation activation, CTTensor *out) {
    return guarded([&] {
        *out = made(normalise(a_(a), orNone(opt_(weight)), orNone(opt_(bias)), orNone(opt_(running_mean)),
                              orNone(opt_(running_var)), training, momentum, eps, activation));
    });
}

}  // extern "C"
