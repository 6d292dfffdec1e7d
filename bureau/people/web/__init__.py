"""Liaisons on screen; a roster compared with them."""
