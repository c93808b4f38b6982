"""From landing files to the raw zone: one asset per feed, made from the feeds' contracts."""
