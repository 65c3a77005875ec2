"""The bare forward pass of a TorchScript expert, the peer of `Scripts/expert-throughput`: images a second on zeros."""

import argparse
import json
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("script")
parser.add_argument("--size", type=int, required=True)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--batches", type=int, default=8)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()

torch.set_num_threads(options.threads)
module = torch.jit.load(options.script).eval()
images = torch.zeros(options.batch, 3, options.size, options.size)
# As Retort runs scripts: the optimizing executor would take other kernels from the third pass on.
with torch.no_grad(), torch.jit.optimized_execution(False):
    module(images)
    start = time.perf_counter()
    for _ in range(options.batches):
        module(images)
seconds = time.perf_counter() - start
print(json.dumps({"images_per_second": options.batch * options.batches / seconds}))
