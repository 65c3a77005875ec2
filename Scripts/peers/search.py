"""The peer of `retort-bench` for exact search: FAISS's flat index, filled before time is taken."""

import json

import faiss
import numpy as np
import peer

options = peer.options()
faiss.omp_set_num_threads(options.threads)
gallery = np.load(options.folder / "gallery.npy")
queries = np.load(options.folder / "queries.npy")
k = int(options.name.rsplit("-", 1)[1])
index = faiss.IndexFlatIP(gallery.shape[1])
index.add(gallery)
_, found = index.search(queries, k)
rate = peer.rate(lambda: index.search(queries, k), len(queries), options.seconds)
print(json.dumps({"rate": rate, "values": found.ravel().tolist()}))
