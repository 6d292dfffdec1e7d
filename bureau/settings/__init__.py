"""What the office sets on screen."""
