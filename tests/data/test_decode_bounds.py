"""A picture whose shape alone takes the memory."""

from pathlib import Path

import pytest
from PIL import Image

from thriftnet.data import read_image
from thriftnet.errors import ImageError


def test_a_picture_of_very_many_rows_is_refused_by_its_header(tmp_path: Path):
    Image.new("L", (1, 70_000)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="has a side of 70,000 pixels; make it smaller"):
        read_image(tmp_path / "a.png")
