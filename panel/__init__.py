"""The low-code engine: generates a panel from any declared schema. It contains nothing of the bureau."""
