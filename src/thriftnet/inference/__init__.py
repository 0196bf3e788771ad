"""From pictures to predictions: inputs, the engine that runs the network, and result files."""
