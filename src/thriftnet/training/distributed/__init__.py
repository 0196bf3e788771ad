"""Training one network in several processes started by `torchrun`."""
