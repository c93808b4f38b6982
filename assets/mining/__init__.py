"""What is mined from the star."""
