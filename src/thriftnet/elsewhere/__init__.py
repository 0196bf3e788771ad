"""Names that other libraries use, for error messages; light, as every command imports it."""
