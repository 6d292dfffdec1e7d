"""The bureau's rules; knows no web page and no Excel library."""
