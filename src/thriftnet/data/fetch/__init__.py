"""Files of others from the network, verified by their digests."""
