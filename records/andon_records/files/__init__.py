"""Files as tables of text, block by block."""
