"""The peer of `retort-bench` for images: PIL, torchvision's transforms and a DataLoader with as many workers."""

import argparse
import json
import pathlib
import sys
import time
import types

# torchvision's compiled operators do not load beside a CPU-only torch and are not needed.
for name in ("torchvision._meta_registrations", "torchvision._autograd_registrations"):
    sys.modules.setdefault(name, types.ModuleType(name))

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--folder", type=pathlib.Path)
parser.add_argument("--seconds", type=float)
parser.add_argument("--threads", type=int)
parser.add_argument("--batch", type=int)
parser.add_argument("--size", type=int)
options = parser.parse_args()
torch.set_num_threads(1)

images = ImageFolder(
    options.folder / "images",
    transforms.Compose(
        [
            transforms.RandomResizedCrop(options.size, scale=(0.35, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
        ]
    ),
)
loader = DataLoader(
    images, options.batch, shuffle=False, num_workers=options.threads, persistent_workers=True
)


def epoch():
    start = time.perf_counter()
    for batch, _ in loader:
        batch.shape
    return time.perf_counter() - start


epoch()
times = []
while sum(times) < options.seconds or len(times) < 3:
    times.append(epoch())
print(json.dumps({"rate": len(images) / sorted(times)[len(times) // 2], "values": []}))
