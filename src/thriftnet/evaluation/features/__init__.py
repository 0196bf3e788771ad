"""What a network makes of images before its last layer, and which images are near to each other."""
