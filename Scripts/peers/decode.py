"""The peer of `retort-bench` for images: PIL, torchvision's transforms and a DataLoader with as many workers."""

import json

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


def epoch():
    for batch, _ in loader:
        batch.shape


print(json.dumps({"rate": peer.rate(epoch, len(images), options.seconds), "values": []}))
