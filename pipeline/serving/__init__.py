"""Write, audit, publish: what readers see, and when they see it."""
