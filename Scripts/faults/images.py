#!/usr/bin/env python3
"""Fills a folder with the images that every-kind.yaml reads: images.py FOLDER. Needs only the standard library."""
import io
import struct
import sys
import tarfile
import zlib
from pathlib import Path


def png(width, height, rows, channels):
    """A PNG of 8 bits: grey for one channel, RGB for three."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture(seed, side=32):
    """Stripes whose period and tint depend on the seed: no two alike, each of many values."""
    state = seed * 2654435761 % 2**32
    rows = []
    for y in range(side):
        row = []
        for x in range(side):
            state = (state * 1664525 + 1013904223) % 2**32
            band = 90 * ((x * (1 + seed % 3) + y * (seed % 5)) // (3 + seed % 4) % 2)
            row += [(band + seed * step + (state >> 27)) % 256 for step in (3, 7, 11)]
        rows.append(row)
    return png(side, side, rows, 3)


def scene(seed, width=24, height=20):
    """An image of two regions, and the mask that names them."""
    edge = 6 + seed % 9
    classes = [[0 if x < edge else 1 for x in range(width)] for _ in range(height)]
    shades = [[shade for c in row for shade in [(30, 200)[c] + (seed + c) % 7] * 3] for row in classes]
    return png(width, height, shades, 3), png(width, height, classes, 1)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main(root):
    for number in range(12):
        write(root / "folder/train" / ("apple", "pear")[number % 2] / f"{number}.png", picture(number))
    for split, count, first in (("train", 8, 0), ("val", 4, 20), ("test", 4, 30)):
        for number in range(count):
            image, mask = scene(first + number)
            write(root / "street" / split / "images" / f"{number}.png", image)
            write(root / "street" / split / "masks" / f"{number}.png", mask)
    write(root / "street/classes.txt", b"0 wall 0 0 0\n1 sky 9 9 9\n")
    for shard in range(2):
        with tarfile.open(root / f"shards-{shard}.tar", "w") as tar:
            for number in range(20):
                body = picture(100 + 8 * shard + number)
                member = tarfile.TarInfo(f"{shard}-{number:03}.png")
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
    lines = ["path,label,split"]
    for number in range(8):
        write(root / f"listed/{number}.png", picture(200 + number))
        lines.append(f"listed/{number}.png,{('dry', 'wet')[number % 2]},train")
    write(root / "listed.csv", ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
