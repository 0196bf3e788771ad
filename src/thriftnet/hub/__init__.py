"""Integration with Hugging Face transformers; needs the extra `hub`.

    import thriftnet.hub
    from transformers import pipeline
    pipeline("image-classification", "FOLDER")("photo.jpg")

Importing this registers configuration, model and image processor with the Auto classes of
transformers, so that `trust_remote_code` is not needed.
"""

from thriftnet.errors import ExportError
from thriftnet.extras import missing

try:
    from thriftnet.hub.classes import (
        ThriftnetConfig,
        ThriftnetForImageClassification,
        ThriftnetImageProcessor,
        register,
    )
except ImportError as fault:
    raise ExportError(missing("thriftnet.hub needs", fault.name or "transformers", "hub")) from None

register()

__all__ = [
    "ThriftnetConfig",
    "ThriftnetForImageClassification",
    "ThriftnetImageProcessor",
    "register",
]
