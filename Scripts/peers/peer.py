"""What the benchmark's peers share: their options, torchvision's import, and how a rate is taken."""

import argparse
import pathlib
import sys
import time
import types

# torchvision's compiled operators do not load beside a CPU-only torch and are not needed.
for name in ("torchvision._meta_registrations", "torchvision._autograd_registrations"):
    sys.modules.setdefault(name, types.ModuleType(name))


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--folder", type=pathlib.Path)
    for name in ("threads", "batch", "size"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--compile", action="store_true")
    return parser.parse_args()


def rate(body, images, seconds):
    """Images a second: the median over `seconds`, after one warm-up."""
    body()
    times = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return images / sorted(times)[len(times) // 2]
