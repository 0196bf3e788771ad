"""Colours as a browser shows them: profiles, numbers and transparency to sRGB on white."""
