"""What the credit cycle makes of the star."""
