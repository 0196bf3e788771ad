"""The page at / of a service."""

from __future__ import annotations

from html import escape

from thriftnet.serve.service import Service


def service_page(service: Service) -> bytes:
    """A page that says how to ask the service."""
    listed = escape(", ".join(service.classifier.classes))
    return (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{escape(service.name)}</title>"
        f"<h1>{escape(service.name)}</h1><p>Classes: {listed}</p>"
        "<pre>curl -F pictures=@photo.jpg http://127.0.0.1:8000/v1/predict</pre></html>"
    ).encode()
