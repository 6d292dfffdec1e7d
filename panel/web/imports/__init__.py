"""The pages of an import: upload, columns, preview, batch, undo."""
