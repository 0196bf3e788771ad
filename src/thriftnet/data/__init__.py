"""Labelled images: CIFAR-10, CIFAR-100, SVHN, own pictures; splits, statistics and decoding."""

from thriftnet.data.cifar10.facts import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD
from thriftnet.data.cifar10.load import load_cifar10
from thriftnet.data.dataset import Dataset
from thriftnet.data.decode import read_image
from thriftnet.data.opened import OpenDataset
from thriftnet.data.pictures import image_files
from thriftnet.data.splits import stratified_split
from thriftnet.data.unlabelled import read_unlabelled

__all__ = [
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "Dataset",
    "OpenDataset",
    "image_files",
    "load_cifar10",
    "read_image",
    "read_unlabelled",
    "stratified_split",
]
