"""The pages of the hotline's orders."""
