"""What commands share: options under other names, completion, mistakes, and how --help looks."""
