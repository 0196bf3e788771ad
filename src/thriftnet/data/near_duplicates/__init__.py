"""Pictures that show the same: what they look like in few bytes, and which of them are near."""
