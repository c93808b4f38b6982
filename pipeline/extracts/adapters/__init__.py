"""Foreign data sets turned into landing files under the contracts, one module per data set."""
