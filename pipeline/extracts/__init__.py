"""From the files that source systems drop to typed, validated rows in the raw zone."""
