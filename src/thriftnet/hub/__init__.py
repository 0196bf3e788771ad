"""Networks of thriftnet in Hugging Face's libraries; needs the extra `hub`.

    import thriftnet.hub
    from transformers import pipeline
    pipeline("image-classification", "FOLDER")("photo.jpg")

Importing this registers our configuration, network and image processor with the Auto classes of
transformers, so that nothing has to be run from a repository (`trust_remote_code`).
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
    raise ExportError(missing("thriftnet.hub needs", str(fault.name), "hub")) from None

register()

__all__ = [
    "ThriftnetConfig",
    "ThriftnetForImageClassification",
    "ThriftnetImageProcessor",
    "register",
]
