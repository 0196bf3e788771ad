"""What other libraries call things; it loads nothing, as every command starts with it."""
