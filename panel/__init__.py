"""The low-code engine: makes a panel of any declared schema; knows no table of the bureau."""
