"""The pages of the Monday visits."""
