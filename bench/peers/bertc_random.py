"""The random functions of bertc in numpy.

bertc has no stateful random generator: a shuffle or an initial weight is a function of the seed and its purpose.  A
reference run that uses the same functions sees the same batches in the same order and starts from the same head, so
two runs differ only in dropout and rounding.

Source of the generator: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"
(Philox4x32 with ten rounds).  `python bertc_random.py` checks it against the published vectors.
"""
import numpy as np

PURPOSE_SHUFFLE = 16
PURPOSE_INIT = 17
PURPOSE_UNIFORM = 19
PURPOSE_TASK = 20

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)


def philox(seed, c0, c1, c2, c3):
    """The four 32-bit words (as uint64 arrays) for one counter or many; the counter parts broadcast."""
    x0, x1, x2, x3 = np.broadcast_arrays(*(np.asarray(c, dtype=np.uint64) for c in (c0, c1, c2, c3)))
    k0, k1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]
        x0, x1, x2, x3 = ((p1 >> SHIFT) ^ x1 ^ np.uint64(k0), p1 & MASK,
                          (p0 >> SHIFT) ^ x3 ^ np.uint64(k1), p0 & MASK)
        k0, k1 = (k0 + KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + KEY_STEPS[1]) & 0xFFFFFFFF
    return x0, x1, x2, x3


def fnv1a32(text):
    """The 32-bit FNV-1a hash of a string's UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def shuffled_order(seed, epoch, count):
    """The order in which an epoch (from 0) visits its `count` examples."""
    w0, w1, _, _ = philox(seed, PURPOSE_SHUFFLE << 24, np.arange(count), epoch, 0)
    return np.argsort((w0 << SHIFT) | w1, kind="stable")


def standard_normals(seed, tensor_name, elements, attempt=0):
    """A draw from N(0, 1), in double precision, for each flat element index of a tensor.

    Elements 2k and 2k + 1 are the cosine and the sine half of one Box-Muller pair.
    """
    elements = np.asarray(elements, dtype=np.int64)
    w0, w1, _, _ = philox(seed, PURPOSE_INIT << 24, elements // 2, fnv1a32(tensor_name), attempt)
    radius = np.sqrt(-2.0 * np.log((w0.astype(np.float64) + 0.5) / 2.0**32))
    angle = 2.0 * np.pi * (w1.astype(np.float64) / 2.0**32)
    return radius * np.where(elements % 2 == 0, np.cos(angle), np.sin(angle))


def initial_weight(seed, tensor_name, shape, std, truncated=False):
    """A newly initialized weight: normal, or truncated at two deviations by drawing an element again."""
    z = standard_normals(seed, tensor_name, np.arange(int(np.prod(shape))))
    attempt = 0
    while truncated and (outside := np.flatnonzero(np.abs(z) > 2.0)).size:
        attempt += 1
        z[outside] = standard_normals(seed, tensor_name, outside, attempt)
    return (z * std).astype(np.float32).reshape(shape)


def initial_adapter(seed, tensor_name, shape):
    """The initial A of an adapter: uniform within 1 / sqrt(columns)."""
    w0, _, _, _ = philox(seed, PURPOSE_UNIFORM << 24, np.arange(int(np.prod(shape))), fnv1a32(tensor_name), 0)
    spread = (w0.astype(np.float64) + 0.5) / 2.0**31 - 1.0
    return (spread / np.sqrt(shape[1])).astype(np.float32).reshape(shape)


KNOWN_ANSWERS = [  # key word 0, key word 1, counter, expected words
    (0, 0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (0xFFFFFFFF, 0xFFFFFFFF, (0xFFFFFFFF,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (0xA4093822, 0x299F31D0, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


def check():
    """Raise an error unless the generator and the functions based on it give known results."""
    for k0, k1, counter, expected in KNOWN_ANSWERS:
        words = tuple(int(w) for w in philox(k1 << 32 | k0, *counter))
        if words != expected:
            raise AssertionError(f"philox{counter}: got {words}, expected {expected}")
    if fnv1a32("") != 0x811C9DC5 or fnv1a32("a") != 0xE40C292C:
        raise AssertionError("fnv1a32 is wrong")
    order = shuffled_order(42, 0, 1000)
    if sorted(order) != list(range(1000)) or (order == shuffled_order(42, 1, 1000)).all():
        raise AssertionError("the shuffle is not a fresh permutation each epoch")
    z = standard_normals(42, "classifier.weight", np.arange(200000))
    if abs(z.mean()) > 0.01 or abs(z.std() - 1.0) > 0.01:
        raise AssertionError(f"normal draws have mean {z.mean()} and deviation {z.std()}")
    if np.abs(initial_weight(42, "classifier.weight", (3, 50000), 1.0, True)).max() > 2.0:
        raise AssertionError("a truncated draw lies outside two deviations")


if __name__ == "__main__":
    check()
    print("order of 8 examples, seed 42, epochs 0 and 1:",
          *(shuffled_order(42, e, 8).tolist() for e in (0, 1)))
    print("classifier.weight[0:4], seed 42:",
          initial_weight(42, "classifier.weight", (4,), 0.02).tolist())
    print("all checks passed")
