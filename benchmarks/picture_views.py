"""Is a picture read as others show it? Every kind that Pillow opens, in four views.

    apt-get install -y imagemagick chromium
    python benchmarks/picture_views.py

Writes each picture of support/picture_made.py and support/picture_saved.py to a file and compares
`read_image` with the pixels that a formula says, and with Pillow's own conversion, ImageMagick's
and what Chromium draws. Where another view differs, it says how far that one is from the formula.
Writes results/picture_views.json.
"""

from __future__ import annotations

import io
import itertools
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageOps
from playwright.sync_api import Page

from support.browser import chromium, text_of
from support.picture_made import made_cases
from support.picture_saved import saved_cases
from support.picture_scene import Case, Shown
from support.record import write_result
from thriftnet.data import read_image
from thriftnet.errors import ImageError

View = Callable[[Path], Shown | None]
"""What a reader makes of a file; none if it cannot read it."""
_MOST = 2.0
"""Mean levels that two views differ by and still agree, beside a case's own tolerance."""
_CONVERT = "/usr/bin/convert"
_MEDIA = {
    ".avif": "avif",
    ".bmp": "bmp",
    ".gif": "gif",
    ".ico": "x-icon",
    ".jfif": "jpeg",
    ".jpg": "jpeg",
    ".mpo": "jpeg",
    ".png": "png",
    ".apng": "png",
    ".webp": "webp",
}
"""What Chromium shows, by suffix."""
_DRAW = """
async (address) => {
  const picture = new Image();
  picture.src = address;
  document.body.replaceChildren(picture);
  try { await picture.decode(); } catch { return null; }
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  const drawn = context.getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, Array.from(drawn.data)];
}
"""


def pillow_view(path: Path) -> Shown | None:
    """`ImageOps.exif_transpose` and `convert`, and alpha on white, as most programs do it."""
    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                over = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
            return np.asarray(upright.convert("RGB")).astype(float)
    except Exception:  # any that a decoder raises: it does not read it
        return None


def imagemagick_view(path: Path) -> Shown | None:
    """What `convert` makes of the first frame."""
    options = ["-auto-orient", "-background", "white", "-alpha", "remove", "-colorspace", "sRGB"]
    command = [_CONVERT, f"{path}[0]", *options, "-depth", "8", "ppm:-"]
    found = subprocess.run(command, capture_output=True, check=False)
    if found.returncode or not found.stdout:
        return None
    return np.asarray(Image.open(io.BytesIO(found.stdout)).convert("RGB")).astype(float)


def chromium_view(page: Page) -> View:
    """What a page of the browser draws."""

    def view(path: Path) -> Shown | None:
        kind = _MEDIA.get(path.suffix)
        if kind is None:
            return None
        found = page.evaluate(_DRAW, f"data:image/{kind};base64,{text_of(path.read_bytes())}")
        if found is None:
            return None
        width, height, levels = found
        return np.array(levels, float).reshape(height, width, 4)[..., :3]

    return view


def compare(made: Mapping[Path, Case], views: Mapping[str, View]) -> dict[str, Any]:
    """Counts of each view, and where it differs."""
    ours = {path: _own_view(path) for path in made}
    read = {path: shown for path, shown in ours.items() if not isinstance(shown, str)}
    return {
        "pictures": len(made),
        "read": len(read),
        "as_the_formula_says": sum(
            off <= case.tolerance
            for path, case in made.items()
            if path in read and (off := distance(read[path], case.expected)) is not None
        ),
        "refused": {
            made[path].name: shown for path, shown in ours.items() if isinstance(shown, str)
        },
        "views": {name: _against(view, read, made) for name, view in views.items()},
    }


def _against(view: View, read: Mapping[Path, Shown], made: Mapping[Path, Case]) -> dict[str, Any]:
    shown = {path: found for path in read if (found := view(path)) is not None}
    apart: dict[str, Any] = {}
    for path, other in shown.items():
        case, off = made[path], distance(read[path], other)
        if off is None or off > case.tolerance + _MOST:
            apart[case.name] = [off, distance(other, case.expected)]
    agree = len(shown) - len(apart)
    return {"opened": len(shown), "agree": agree, "levels_from_ours_and_from_the_formula": apart}


def distance(one: Shown, other: Shown | str) -> float | None:
    """Mean levels between two pictures; none if they are not of one size."""
    if isinstance(other, str) or one.shape != other.shape:
        return None
    return round(float(np.abs(one - other).mean()), 2)


def _own_view(path: Path) -> Shown | str:
    try:
        return read_image(path, size=None).astype(float)
    except ImageError as fault:
        return str(fault).removeprefix(f"{path} ")


def main() -> None:
    """Compare, and write what was found."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium("--force-color-profile=srgb") as browser,
    ):
        made: dict[Path, Case] = {}
        for case in itertools.chain(made_cases(), saved_cases()):
            path = Path(folder) / case.name
            path.write_bytes(case.content)
            made[path] = case
        views: dict[str, View] = {
            "pillow": pillow_view,
            "imagemagick": imagemagick_view,
            "chromium": chromium_view(browser.new_page()),
        }
        about = subprocess.run([_CONVERT, "-version"], capture_output=True, text=True, check=True)
        versions = {
            "pillow": PIL.__version__,
            "imagemagick": about.stdout.split()[2],
            "chromium": browser.version,
        }
        write_result("picture_views", {"versions": versions, **compare(made, views)})


if __name__ == "__main__":
    main()
