"""Published work trained again and judged, outside the package."""
