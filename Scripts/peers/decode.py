"""The peer of `retort-bench` for images: PIL, torchvision's transforms and a DataLoader with as many workers."""

import json
import resource

import peer
import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

options = peer.options()
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


epochs = 0


def epoch():
    global epochs
    epochs += 1
    for batch, _ in loader:
        batch.shape


def processor_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


start = processor_seconds()
rate = peer.rate(epoch, len(images), options.seconds)
# Workers are counted when they have ended.
loader._iterator._shutdown_workers()
spent = (processor_seconds() - start) / (epochs * len(images)) * 1000
print(json.dumps({"rate": rate, "processorSeconds": spent, "values": []}))
