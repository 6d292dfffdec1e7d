"""The month in words: a Word document from the declared figures and three told cases."""
