"""Downloads through package clients, verified by digests."""
