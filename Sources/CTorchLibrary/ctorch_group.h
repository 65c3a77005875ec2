// What batch normalisation asks of a group of processes.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ctorch.h"

namespace ct {

// The sum over all processes.
at::Tensor sumOfAll(CTGroup group, at::Tensor values);
// A group that ends is no longer asked for statistics.
void forgetStatisticsOf(CTGroup group);

// Whether this thread's batch normalisation takes its statistics from all processes of a group.
bool statisticsAreShared();
at::Tensor normaliseOverAll(const at::Tensor &x, const std::optional<at::Tensor> &weight,
                            const std::optional<at::Tensor> &bias, at::Tensor runningMean,
                            at::Tensor runningVariance, double momentum, double eps);

}  // namespace ct
