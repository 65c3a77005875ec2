// Batch normalisation by the statistics of the images of all processes of a group.
#include <ATen/ATen.h>

#include <algorithm>

#include "ctorch_fused.h"
#include "ctorch_group.h"

using namespace ct;

namespace {

thread_local CTGroup statisticsGroup = nullptr;

std::vector<int64_t> allButChannels(const at::Tensor &x) {
    std::vector<int64_t> dims;
    for (int64_t dim = 0; dim < x.dim(); dim++) {
        if (dim != 1) dims.push_back(dim);
    }
    return dims;
}

at::Tensor perChannel(const at::Tensor &values, const at::Tensor &like) {
    std::vector<int64_t> shape(size_t(like.dim()), 1);
    shape[1] = values.size(0);
    return values.to(at::kFloat).view(shape);
}

// Batch normalisation by the statistics of the images of all processes; sums over processes are fp64.
struct BatchNormOfAll : torch::autograd::Function<BatchNormOfAll> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const Maybe &weight, const Maybe &bias,
                              at::Tensor runningMean, at::Tensor runningVariance, double momentum, double eps,
                              int64_t group) {
        auto guard = withoutAutocast();
        auto g = reinterpret_cast<CTGroup>(group);
        auto values = x.to(at::kFloat);
        auto dims = allButChannels(x);
        const int64_t channels = x.size(1);
        const double ownRows = double(x.numel() / channels);
        // One message for both moments: squares are taken around this process's own means, and moved to zero in fp64.
        auto ownMean = values.sum(dims, false, at::kDouble) / ownRows;
        auto squares = (values - perChannel(ownMean, x)).square().sum(dims, false, at::kDouble);
        auto sums = sumOfAll(g, at::cat({ownMean * ownRows, squares + ownMean.square() * ownRows,
                                         at::full({1}, ownRows, ownMean.options())}));
        const double rows = sums[-1].item<double>();
        auto mean = sums.narrow(0, 0, channels) / rows;
        auto variance = (sums.narrow(0, channels, channels) / rows - mean.square()).clamp_min(0);
        auto centred = values - perChannel(mean, x);
        auto inverse = (variance + eps).rsqrt();
        if (runningMean.defined()) {
            runningMean.lerp_(mean.to(runningMean.scalar_type()), momentum);
            runningVariance.lerp_((variance * (rows / std::max(1.0, rows - 1))).to(runningVariance.scalar_type()),
                                  momentum);
        }
        auto normalised = centred * perChannel(inverse, x);
        auto y = weight ? normalised * perChannel(*weight, x) : normalised;
        if (bias) y = y + perChannel(*bias, x);
        context->save_for_backward({normalised, inverse, orNone(weight)});
        context->saved_data["rows"] = rows;
        context->saved_data["group"] = group;
        context->saved_data["dtype"] = int64_t(x.scalar_type());
        return y.to(x.scalar_type());
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        const auto &normalised = saved[0], &weight = saved[2];
        auto group = reinterpret_cast<CTGroup>(context->saved_data["group"].toInt());
        const double rows = context->saved_data["rows"].toDouble();
        auto g = gradients[0].to(at::kFloat);
        auto dims = allButChannels(g);
        // This process's share: shares are summed with all other gradients after the backward pass.
        auto ofBias = g.sum(dims, false, at::kDouble), ofWeight = (g * normalised).sum(dims, false, at::kDouble);
        const int64_t channels = ofBias.size(0);
        auto sums = sumOfAll(group, at::cat({ofBias, ofWeight})) / rows;
        auto ofX = g - perChannel(sums.narrow(0, 0, channels), g) -
                   normalised * perChannel(sums.narrow(0, channels, channels), g);
        auto scale = weight.defined() ? saved[1] * weight.to(at::kDouble) : saved[1];
        return {(ofX * perChannel(scale, g)).to(at::ScalarType(context->saved_data["dtype"].toInt())),
                ofWeight.to(at::kFloat), ofBias.to(at::kFloat), at::Tensor(), at::Tensor(), at::Tensor(),
                at::Tensor(), at::Tensor()};
    }
};

}  // namespace

namespace ct {

void forgetStatisticsOf(CTGroup group) {
    if (statisticsGroup == group) statisticsGroup = nullptr;
}

bool statisticsAreShared() { return statisticsGroup != nullptr; }

at::Tensor normaliseOverAll(const at::Tensor &x, const Maybe &weight, const Maybe &bias, at::Tensor runningMean,
                            at::Tensor runningVariance, double momentum, double eps) {
    return BatchNormOfAll::apply(x, weight, bias, std::move(runningMean), std::move(runningVariance), momentum, eps,
                                 reinterpret_cast<int64_t>(statisticsGroup));
}

}  // namespace ct

extern "C" {

CTGroup ct_use_group_for_statistics(CTGroup optional_group) {
    auto previous = statisticsGroup;
    statisticsGroup = optional_group;
    return previous;
}

}  // extern "C"
