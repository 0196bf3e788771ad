"""CIFAR-10-C's corruptions as plain NumPy and SciPy, one image at a time.

Written from the published generator's text, with SciPy and Pillow in the place of OpenCV,
scikit-image and ImageMagick. Images are (32, 32, 3) floats in [0, 1]; draws are handed in.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import scipy.ndimage as ndi
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]


def _blurred(image: Floats, sigma: float) -> Floats:
    return ndi.gaussian_filter(image, (sigma, sigma, 0), mode="nearest", truncate=4.0)


def gaussian_noise(image: Floats, severity: int, rng: np.random.Generator) -> Floats:
    c = [0.04, 0.06, 0.08, 0.09, 0.10][severity - 1]
    return image + rng.normal(size=image.shape, scale=c)


def shot_noise(image: Floats, severity: int, rng: np.random.Generator) -> Floats:
    c = [500, 250, 100, 75, 50][severity - 1]
    return rng.poisson(image * c) / c


def impulse_noise(image: Floats, severity: int, rng: np.random.Generator) -> Floats:
    amount = [0.01, 0.02, 0.03, 0.05, 0.07][severity - 1]
    image = image.copy()
    flipped = rng.random(image.shape) <= amount
    salted = rng.random(image.shape) <= 0.5
    image[flipped & salted] = 1
    image[flipped & ~salted] = 0
    return image


def defocus_blur(image: Floats, severity: int, _: Any) -> Floats:
    radius, alias = [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)][severity - 1]
    x, y = np.meshgrid(np.arange(-8, 9), np.arange(-8, 9))
    disk = np.array((x**2 + y**2) <= radius**2, float)
    disk /= disk.sum()
    line = np.exp(-np.array([1.0, 0, 1.0]) / (2 * alias**2))
    line /= line.sum()
    kernel = ndi.correlate(disk, np.outer(line, line), mode="mirror")
    return np.stack([ndi.correlate(image[..., d], kernel, mode="mirror") for d in range(3)], -1)


def glass_blur(image: Floats, severity: int, moves: NDArray[np.int64]) -> Floats:
    """`moves`: (rounds, 2, 32, 32), down and right, each -1 or 0."""
    sigma, delta, rounds = [
        (0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)
    ][severity - 1]  # fmt: skip
    x = np.uint8(np.clip(_blurred(image, sigma), 0, 1) * 255 + 1e-9)
    for i in range(rounds):
        for h in range(32 - delta, delta, -1):
            for w in range(32 - delta, delta, -1):
                dy, dx = moves[i, :, h, w]
                x[h, w], x[h + dy, w + dx] = x[h + dy, w + dx], x[h, w]
    return _blurred(x / 255.0, sigma)


def motion_blur(image: Floats, severity: int, angle: float) -> Floats:
    radius, sigma = [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)][severity - 1]
    return smeared(image, radius, sigma, angle)


def smeared(image: Floats, radius: int, sigma: float, angle: float) -> Floats:
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    out = np.zeros_like(image)
    for tap, weight in enumerate(weights):
        down = int(np.ceil(tap * np.sin(np.deg2rad(angle)) - 0.5))
        right = int(np.ceil(tap * np.cos(np.deg2rad(angle)) - 0.5))
        rows = np.clip(np.arange(len(image)) + down, 0, len(image) - 1)
        columns = np.clip(np.arange(image.shape[1]) + right, 0, image.shape[1] - 1)
        out += weight * image[rows][:, columns]
    return out


def clipped_zoom(image: Floats, factor: float) -> Floats:
    height = image.shape[0]
    kept = int(np.ceil(height / factor))
    top = (height - kept) // 2
    zooms = (factor, factor) + (1,) * (image.ndim - 2)
    large = ndi.zoom(image[top : top + kept, top : top + kept], zooms, order=1)
    trim = (large.shape[0] - height) // 2
    return large[trim : trim + height, trim : trim + height]


def zoom_blur(image: Floats, severity: int, _: Any) -> Floats:
    factors = np.arange(1, [1.06, 1.11, 1.16, 1.21, 1.26][severity - 1], 0.01)
    return (image + sum(clipped_zoom(image, f) for f in factors)) / (len(factors) + 1)


def snow(image: Floats, severity: int, draws: tuple[Floats, float]) -> Floats:
    """`draws`: standard normal (32, 32), and an angle."""
    c = [
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ][severity - 1]
    normal, angle = draws
    layer = clipped_zoom(c[0] + c[1] * normal, c[2])
    layer[layer < c[3]] = 0
    layer = np.floor(np.clip(layer, 0, 1) * 255)
    layer = np.round(smeared(layer, int(c[4]), c[5], angle))[..., None] / 255
    grey = (image @ [0.299, 0.587, 0.114])[..., None]
    image = c[6] * image + (1 - c[6]) * np.maximum(image, grey * 1.5 + 0.5)
    return image + layer + np.rot90(layer, k=2)


def fog(image: Floats, severity: int, cloud: Floats) -> Floats:
    """`cloud`: a fractal, (32, 32) in [0, 1]."""
    c = [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)][severity - 1]
    most = image.max()
    return (image + c[0] * cloud[..., None]) * most / (most + c[0])


def plasma(side: int, decay: float, rng: np.random.Generator) -> Floats:
    """A cloud by the diamond-square algorithm, written with loops over single points."""
    field, step, wibble = np.zeros((side, side)), side, 100.0

    def mean(*points: tuple[int, int]) -> float:
        around = [field[y % side, x % side] for y, x in points]
        return sum(around) / 4 + wibble * rng.uniform(-wibble, wibble)

    while step >= 2:
        half = step // 2
        for y in range(0, side, step):
            for x in range(0, side, step):
                corners = ((y, x), (y + step, x), (y, x + step), (y + step, x + step))
                field[y + half, x + half] = mean(*corners)
        for y in range(0, side, step):
            for x in range(half, side, step):
                field[y, x] = mean((y - half, x), (y + half, x), (y, x - half), (y, x + half))
        for y in range(half, side, step):
            for x in range(0, side, step):
                field[y, x] = mean((y - half, x), (y + half, x), (y, x - half), (y, x + half))
        step, wibble = half, wibble / decay
    field -= field.min()
    return field / field.max()


def brightness(image: Floats, severity: int, _: Any) -> Floats:
    c = [0.05, 0.1, 0.15, 0.2, 0.3][severity - 1]
    hsv = rgb_to_hsv(image)
    hsv[..., 2] = np.clip(hsv[..., 2] + c, 0, 1)
    return hsv_to_rgb(hsv)


def contrast(image: Floats, severity: int, _: Any) -> Floats:
    c = [0.75, 0.5, 0.4, 0.3, 0.15][severity - 1]
    means = image.mean(axis=(0, 1), keepdims=True)
    return (image - means) * c + means


def elastic_transform(image: Floats, severity: int, draws: tuple[Floats, Floats]) -> Floats:
    """`draws`: (3, 2) uniform in [0, 1] for the points, (2, 32, 32) in [-1, 1]."""
    c = np.array([(0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05),
         (0.1, 0.03, 0.03)][severity - 1]) * 32  # fmt: skip
    points, noise = draws
    pts1 = np.array([[26.0, 26], [26, 6], [6, 6]])
    pts2 = pts1 + (2 * points - 1) * c[2]
    back = np.linalg.solve(np.column_stack([pts2, np.ones(3)]), pts1)  # (3, 2)
    y, x = np.mgrid[:32, :32].astype(float)
    source = np.stack([x, y, np.ones_like(x)], -1) @ back
    channels = [
        ndi.map_coordinates(image[..., d], [source[..., 1], source[..., 0]], order=1, mode="mirror")
        for d in range(3)
    ]
    if c[1] == 0:
        return np.stack(channels, -1)
    dx, dy = (ndi.gaussian_filter(n, c[1], mode="reflect", truncate=3) * c[0] for n in noise)
    return np.stack(
        [ndi.map_coordinates(d, [y + dy, x + dx], order=1, mode="reflect") for d in channels], -1
    )


def pixelate(image: Floats, severity: int, _: Any) -> Floats:
    c = [0.95, 0.9, 0.85, 0.75, 0.65][severity - 1]
    picture = Image.fromarray(np.uint8(image * 255 + 0.5))
    small = picture.resize((int(32 * c),) * 2, Image.Resampling.BOX)
    return np.asarray(small.resize((32, 32), Image.Resampling.BOX)) / 255


def jpeg_compression(image: Floats, severity: int, _: Any) -> Floats:
    file = io.BytesIO()
    quality = [80, 65, 58, 50, 40][severity - 1]
    Image.fromarray(np.uint8(image * 255 + 0.5)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.asarray(picture) / 255
